"""The stack's settings: typed, frozen, unknown keys refused; imports no engine.

Everything is read and checked once, before any resource is registered. A setting that is wrong
ends the program with one line that gives its key, its value, the rule and the fix.
"""

from components.cluster.toleration import Effect, Operator, Toleration
from components.egress.tailnet_choices import CredentialKind
from components.monitoring.options import MonitoringMode
from components.values.fields import Endpoint
from settings.exit_nodes import ExitNodeSettings
from settings.external_secrets import ExternalSecretsSettings
from settings.load import check_file, document, load, parse, read_file, with_api_servers
from settings.models import FleetNode, OnFailure, Settings
from settings.tolerations import is_of_kubernetes

__all__ = [
    "CredentialKind",
    "Effect",
    "Endpoint",
    "ExitNodeSettings",
    "ExternalSecretsSettings",
    "FleetNode",
    "MonitoringMode",
    "OnFailure",
    "Operator",
    "Settings",
    "Toleration",
    "check_file",
    "document",
    "is_of_kubernetes",
    "load",
    "parse",
    "read_file",
    "with_api_servers",
]

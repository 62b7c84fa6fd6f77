"""The stack's settings: the only reader of `pulumi.Config`.

Everything is read and checked once, before any resource is registered. A setting that is wrong
ends the program with one line that gives its key, its value, the rule and the way to mend it.
"""

from settings.cluster import Cluster
from settings.egress import Destination, Egress, Protocol, Wave
from settings.esc_access import EscAccess, esc_access
from settings.exit_nodes import ExitNode
from settings.external_secrets import CreationPolicy, ExternalSecrets
from settings.fields import Endpoint
from settings.load import check_file, document, load, parse, read_file, with_api_servers
from settings.models import (
    CredentialKind,
    Node,
    PolicyFile,
    Settings,
    Tailnet,
)
from settings.monitoring import Monitoring, Switch, watches
from settings.preflight import OnFailure
from settings.tolerations import Effect, Operator, Toleration, is_of_kubernetes

__all__ = [
    "Cluster",
    "CreationPolicy",
    "CredentialKind",
    "Destination",
    "Effect",
    "Egress",
    "Endpoint",
    "EscAccess",
    "ExitNode",
    "ExternalSecrets",
    "Monitoring",
    "Node",
    "OnFailure",
    "Operator",
    "PolicyFile",
    "Protocol",
    "Settings",
    "Switch",
    "Tailnet",
    "Toleration",
    "Wave",
    "check_file",
    "document",
    "esc_access",
    "is_of_kubernetes",
    "load",
    "parse",
    "read_file",
    "watches",
    "with_api_servers",
]

"""The stack's settings: the only reader of `pulumi.Config`.

Everything is read and checked once, before any resource is registered. A setting that is wrong
ends the program with one line that gives its key, its value, the rule and the way to mend it.
"""

from settings.esc_access import EscAccess, esc_access
from settings.external_secrets import CreationPolicy, ExternalSecrets
from settings.load import check_file, document, load, parse, read_file
from settings.models import (
    Cluster,
    CredentialKind,
    Destination,
    Egress,
    ExitNode,
    Node,
    PolicyFile,
    Protocol,
    Settings,
    Tailnet,
    Wave,
)
from settings.monitoring import Monitoring, Switch, watches
from settings.preflight import OnFailure

__all__ = [
    "Cluster",
    "CreationPolicy",
    "CredentialKind",
    "Destination",
    "Egress",
    "EscAccess",
    "ExitNode",
    "ExternalSecrets",
    "Monitoring",
    "Node",
    "OnFailure",
    "PolicyFile",
    "Protocol",
    "Settings",
    "Switch",
    "Tailnet",
    "Wave",
    "check_file",
    "document",
    "esc_access",
    "load",
    "parse",
    "read_file",
    "watches",
]

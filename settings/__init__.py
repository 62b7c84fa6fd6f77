"""The stack's settings: the only reader of `pulumi.Config`.

Everything is read and checked once, before any resource is registered. A setting that is wrong
ends the program with one line that gives its key, its value, the rule and the way to mend it.
"""

from settings.load import check_file, load, parse, read_file
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
    UnreadyNodes,
    Wave,
)

__all__ = [
    "Cluster",
    "CredentialKind",
    "Destination",
    "Egress",
    "ExitNode",
    "Node",
    "PolicyFile",
    "Protocol",
    "Settings",
    "Tailnet",
    "UnreadyNodes",
    "Wave",
    "check_file",
    "load",
    "parse",
    "read_file",
]

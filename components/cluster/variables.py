"""Environment variables that the program reads."""

ROLLBACK = "OCEANID_ROLLBACK"
"""`1` in a rollback."""
PLANNED_NODES = "OCEANID_PLANNED_NODES"
"""In a promotion: the nodes that the gates of its plan measure, each as `NAME=UID`."""
PLANNED_API_SERVERS = "OCEANID_PLANNED_API_SERVERS"
"""In a promotion: the API servers that the NetworkPolicies of its plan name."""
ESC_API_URL = "ESC_API_URL"
"""The address of Pulumi ESC, where it is not the service's own."""
ESC_API_URL_IN_CLUSTER = "ESC_API_URL_IN_CLUSTER"
"""The same as pods reach it, where they use another address than this machine."""
ESC_ACCESS_TOKEN = "ESC_ACCESS_TOKEN"  # noqa: S105  a name
"""The token of Pulumi ESC; without it, the one in the stack's configuration."""

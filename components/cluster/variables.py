"""Environment variables by which an operation tells the program what it is run for."""

ROLLBACK = "OCEANID_ROLLBACK"
"""`1` in a rollback."""
PLANNED_NODES = "OCEANID_PLANNED_NODES"
"""In a promotion: the nodes that the gates of its plan measure, each as `NAME=UID`."""
PLANNED_API_SERVERS = "OCEANID_PLANNED_API_SERVERS"
"""In a promotion: the API servers that the NetworkPolicies of its plan name."""

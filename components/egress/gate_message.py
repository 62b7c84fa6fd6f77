"""How the messages of the gates' pods begin, for those who judge them; imports no engine."""

# Of the stand-in for the gate's program, on nodes that run no program.
SIMULATED = "simulated: "
# Where the message of a node's pod is unavailable.
UNAVAILABLE = "unavailable: "


def passed(node: str) -> str:
    """Of the gate's program, when all its checks have passed [gate_program/__main__.py]."""
    return f"node {node}: all "

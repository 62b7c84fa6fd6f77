"""The command itself, which every other one is added to."""

from operations.cli.commands import Commands

oceanid = Commands(
    """Run a stack of this repository: from a preview to its rollback.

    Exit codes: 0 done; 1 a check, a gate or the policies said no; 2 the command could not run, and
    its message says what is missing; 130 interrupted. The engine's own code is passed on.
    """,
    example="oceanid plan --stack prod",
    completion=True,
)

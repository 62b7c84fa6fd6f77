"""The commands about where state is kept, and about putting it right."""

from typing import Annotated

import typer

from operations.cli.commands import Commands
from operations.cli.options import Stack
from operations.cli.root import oceanid

state = Commands(
    "A stack's state and its earlier versions.",
    name="state",
    example="oceanid state versions --stack prod",
)
GROUPS = (state,)


@oceanid.add("login", example="PULUMI_BACKEND_URL='s3://my-state' oceanid login")
def _login() -> int:
    """Keep all state where PULUMI_BACKEND_URL says.

    Checks first that the bucket keeps versions. Later commands need not name the backend.
    """
    from operations.delivery import login

    print(login.login())
    return 0


@oceanid.add("init", example="oceanid init --stack prod")
def _init(
    stack: Stack,
    *,
    secrets_provider: Annotated[
        str | None,
        typer.Option(
            "--secrets-provider",
            metavar="URL",
            help="Such as awskms://alias/oceanid. A passphrase unless given.",
        ),
    ] = None,
) -> int:
    """Make the stack in the backend, once."""
    from operations.delivery import login, run

    print(login.make_stack(stack, run.stack_environment(stack), secrets_provider))
    return 0


@oceanid.add("unlock", example="oceanid unlock --stack prod")
def _unlock(
    stack: Stack,
    *,
    lock: Annotated[
        str | None,
        typer.Option("--lock", metavar="NAME", help="The lock of another machine, by its name."),
    ] = None,
) -> int:
    """Release the lock that a killed run has left."""
    from operations.delivery.environment import project_name
    from operations.delivery.lock import release
    from operations.delivery.run import stack_environment
    from operations.delivery.state_store import store_of

    released = release(store_of(stack_environment(stack)), project_name(), stack, lock)
    print("\n".join(released) or f"{stack} is not locked")
    return 0


@oceanid.add("env", example='eval "$(oceanid env --stack dev)" && pulumi preview')
def _env(stack: Stack) -> int:
    """Print what a shell needs to run `pulumi` by itself."""
    from operations.delivery import bare

    print(bare.shell_lines(stack))
    return 0


@state.add("export", example="oceanid state export --stack prod >state.json")
def _export(stack: Stack) -> int:
    """Print the stack's state as JSON. Secrets in it stay encrypted."""
    from operations.delivery import run

    return run.on_stack(stack, "stack", "export", configured=False)


@state.add("versions", example="oceanid state versions --stack prod")
def _versions(stack: Stack) -> int:
    """List the versions of the stack's state that the bucket keeps, the newest first."""
    from operations.delivery import run, state_version

    print(state_version.listing(stack, run.stack_environment(stack)))
    return 0


@state.add("restore", example="oceanid state restore --stack prod --version 3HL4kqtJlcpXroDTDmJ")
def _restore(
    stack: Stack,
    *,
    version: Annotated[
        str, typer.Option("--version", metavar="ID", help="As `oceanid state versions` has it.")
    ],
) -> int:
    """Put an earlier version of the stack's state back. The wrong one stays as a version."""
    from operations.delivery import run, state_version

    print(state_version.restore(stack, version, run.stack_environment(stack)))
    return 0

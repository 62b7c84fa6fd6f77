"""The commands on one stack, from a preview to what is seen of it."""

from pathlib import Path
from typing import Annotated

import typer

from operations.cli.options import ExpectNoChanges, Source, Stack
from operations.cli.root import oceanid


@oceanid.add("preview", example="oceanid preview --stack prod")
def _preview(stack: Stack, *, expect_no_changes: ExpectNoChanges = False) -> int:
    """Show what an update would change.

    Under the policy pack. Changes nothing.
    """
    from operations.delivery import operation

    return operation.preview(stack, *_expecting(expect_no_changes))


@oceanid.add("up", example="oceanid up --stack dev")
def _up(
    stack: Stack,
    *,
    skip_preview: Annotated[
        bool, typer.Option("--skip-preview", help="Update without the preview before it.")
    ] = False,
    expect_no_changes: ExpectNoChanges = False,
    replace: Annotated[
        list[str] | None,
        typer.Option(
            "--replace",
            metavar="URN",
            help="Make this resource again; ** stands for any part. May be repeated.",
        ),
    ] = None,
) -> int:
    """Deploy the stack as this work tree has it.

    Wave by wave, each held back until the gate of the one before has passed; under the policy pack.
    """
    from operations.delivery import operation

    options = ["--skip-preview"] if skip_preview else []
    options += [*_expecting(expect_no_changes), *(f"--replace={urn}" for urn in replace or ())]
    return operation.up(stack, *options)


@oceanid.add("plan", example="oceanid plan --stack prod")
def _plan(stack: Stack) -> int:
    """Preview, and save the plan that `promote` is held to."""
    from operations.delivery import operation

    return operation.save_plan(stack)


@oceanid.add("promote", example="oceanid promote --stack prod --from dev")
def _promote(
    stack: Stack,
    *,
    source: Source = "dev",
    accept_simulated_gates: Annotated[
        bool,
        typer.Option(
            "--accept-simulated-gates",
            help="Also where the other stack's gates were simulated, or what they measured is "
            "not known.",
        ),
    ] = False,
) -> int:
    """Bring a green commit to the stack, by its saved plan.

    The commit must be green in another stack, whose gates have measured real nodes. When a gate or
    the plan says no, the stack is rolled back to its last release.
    """
    from operations.delivery import promotion

    return promotion.promote(stack, source, accept_simulated=accept_simulated_gates)


@oceanid.add("rollback", example="oceanid rollback --stack prod --to HEAD~1")
def _rollback(
    stack: Stack,
    *,
    to: Annotated[str, typer.Option("--to", metavar="COMMIT", help="The commit.")] = "HEAD",
) -> int:
    """Deploy the stack as an earlier commit describes it.

    That commit's own program does it.
    """
    from operations.delivery import rollback

    return rollback.run(stack, to)


@oceanid.add("refresh", example="oceanid refresh --stack prod")
def _refresh(stack: Stack) -> int:
    """Take what is really there into the stack's state."""
    from operations.delivery import run

    return run.on_stack(stack, "refresh", "--yes")


@oceanid.add("destroy", example="oceanid destroy --stack staging")
def _destroy(stack: Stack) -> int:
    """Remove all that the stack has made. Does not ask again."""
    from operations.delivery import operation

    return operation.destroy(stack)


@oceanid.add("drift", example="oceanid drift --stack prod")
def _drift(stack: Stack) -> int:
    """Compare the stack's state with the real things.

    Changes nothing. Fails when something differs.
    """
    from operations.delivery import drift

    return drift.look(stack)


@oceanid.add("preflight", example="oceanid preflight --stack prod")
def _preflight(
    stack: Stack,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> int:
    """Ask whether the fleet is fit for an update.

    As `preview` and `up` do first. Exit code 1 when a check fails, 2 when the cluster does not
    answer.
    """
    from operations.delivery import run
    from operations.delivery.environment import config_file
    from operations.delivery.stack_turn import become
    from operations.preflight.__main__ import show
    from settings import read_file

    become(run.stack_environment(stack))
    return show(read_file(config_file(stack)), as_json=as_json)


@oceanid.add("report", example="oceanid report --stack prod --out prod.html")
def _report(
    stack: Stack,
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where the page goes.  [report-STACK.html]"),
    ] = None,
) -> int:
    """Write one HTML page about the stack.

    What an unavailable cluster would tell is shown as unknown.
    """
    from operations.delivery import run
    from operations.delivery.environment import REPOSITORY
    from operations.delivery.stack_turn import become
    from operations.report.write import write

    environment = run.stack_environment(stack)
    become(environment)
    print(write(stack, out or REPOSITORY / f"report-{stack}.html", environment))
    return 0


@oceanid.add("outputs", example="oceanid outputs --stack prod")
def _outputs(stack: Stack) -> int:
    """Print the stack's outputs as JSON."""
    from operations.delivery import run

    return run.on_stack(stack, "stack", "output", "--json", configured=False)


def _expecting(no_changes: bool) -> list[str]:  # noqa: FBT001  as the engine has it
    return ["--expect-no-changes"] if no_changes else []

"""The commands about other services: tokens, the firewall, manifests, GitHub."""

from pathlib import Path
from typing import Annotated

import typer

from operations.cli.commands import Commands
from operations.cli.options import Stack
from operations.cli.root import oceanid

secrets = Commands(
    "The token of Pulumi ESC.", name="secrets", example="oceanid secrets rotate --stack prod"
)
firewall = Commands(
    "The database's firewall.", name="firewall", example="oceanid firewall import --stack prod"
)
ci = Commands("What workflows tell GitHub.", name="ci", example="oceanid ci summary")
GROUPS = (secrets, firewall, ci)


@oceanid.add("scan", example="oceanid scan manifests/ --sarif scan.sarif")
def _scan(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="A YAML or JSON file, a folder, or - for standard input.  "
            "[every manifest of this repository]",
        ),
    ] = None,
    *,
    sarif: Annotated[
        Path | None,
        typer.Option("--sarif", metavar="FILE", help="Write the findings as SARIF, too."),
    ] = None,
) -> int:
    """Judge manifests by the policy rules.

    Exit code 1 for a violation, 2 for what could not be judged.
    """
    from operations.cli.scan import scan

    return scan(paths or [], sarif)


@secrets.add("rotate", example="ESC_ACCESS_TOKEN=pul-… oceanid secrets rotate --stack prod")
def _rotate(stack: Stack) -> int:
    """Put the new token in ESC_ACCESS_TOKEN into the stack.

    The token is tried first. Fails when a secret cannot be read with it.
    """
    from operations.delivery import rotate_token

    return rotate_token.rotate(stack)


@firewall.add("import", example="oceanid firewall import --stack prod")
def _import(stack: Stack) -> int:
    """Write an import file of the rules that exist already."""
    from operations.delivery import import_firewall, run
    from operations.delivery.environment import REPOSITORY

    environment = run.stack_environment(stack)
    print(import_firewall.write(stack, environment, REPOSITORY / "import-firewall.json"))
    return 0


@ci.add("comment", example="oceanid ci comment")
def _comment() -> int:
    """Write what the last previews of all stacks show, as Markdown."""
    from operations.delivery import pull_request

    print(pull_request.write_comment())
    return 0


@ci.add("post-comment", example="PULL_REQUEST=7 oceanid ci post-comment")
def _post_comment() -> int:
    """Keep one comment with it on the pull request PULL_REQUEST."""
    from operations.delivery import pull_request

    print(pull_request.post_comment())
    return 0


@ci.add("summary", example="oceanid ci summary")
def _summary() -> int:
    """Write it on the page of the run."""
    from operations.delivery import pull_request

    pull_request.write_summary()
    return 0


@ci.add("drift-issue", example="oceanid ci drift-issue --stack prod")
def _drift_issue(stack: Stack) -> int:
    """Keep one issue on what `oceanid drift` has found."""
    from operations.delivery import drift
    from operations.delivery.github import Repository

    print(drift.keep_issue(stack, Repository.of_job()))
    return 0

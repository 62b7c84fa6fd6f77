"""Drift: where the real things are no longer as the stack's state has them."""

import sys

from operations.delivery import drift_lease, events, run
from operations.delivery.environment import RECORDS, config_file
from operations.delivery.events import Preview
from operations.delivery.github import Repository
from operations.delivery.markdown import code, table
from settings import read_file

_WHAT = {"update": "changed", "delete": "gone"}


def look(stack: str) -> int:
    """Compare and change nothing of the stack; 0 without drift, the engine's own code with it.

    Without drift, the Lease that monitoring looks at is renewed.
    """
    environment = run.stack_environment(stack)
    log = run.record(_log(stack))
    arguments = ("refresh", "--preview-only", "--expect-no-changes", "--diff")
    command = run.stack_command(stack, environment, (*arguments, "--event-log", str(log)))
    code = run.run(command, environment, changes=False)
    if code == 0:
        context = read_file(config_file(stack)).cluster.context
        why = drift_lease.renew(context, environment)
        if why is not None:
            print(f"drift: monitoring cannot be told that there is none: {why}", file=sys.stderr)
    return code


def keep_issue(stack: str, repository: Repository) -> str:
    """Open, update or close the issue on the stack's drift, as `look` has found it last.

    Raises OperationError when it has not looked, or did not come to an end.
    """
    preview = events.read(RECORDS / _log(stack))
    mark = f"<!-- oceanid-cluster: drift of {stack} -->"
    if preview.succeeded and not preview.changes:
        closed = repository.close_issue(mark, f"{stack} is as its state has it again.")
        return f"no drift of {stack}{f'; closed {closed}' if closed else ''}"
    title = f"Drift: {stack} is not as its state has it"
    return f"drift of {stack}: {repository.keep_issue(mark, title, report(stack, preview, mark))}"


def report(stack: str, preview: Preview, mark: str) -> str:
    """The issue's text: what differs and what can be done; no value of any property."""
    lines = [
        mark,
        f"`oceanid drift --stack {stack}` found that somebody or something changed this:",
        "",
    ]
    rows = [
        (
            _WHAT.get(change.operation, change.operation),
            code(change.kind),
            code(change.name),
            ", ".join(map(code, change.paths)),
        )
        for change in preview.changes
    ]
    lines += table(("", "Kind", "Resource", "Properties"), rows)
    if not preview.succeeded:
        lines += ["", "The comparison did not come to its end: see the job's log."]
    lines += [
        "",
        f"To put it back as the code says: `oceanid refresh --stack {stack}`, then deploy.",
        "To keep it: write it into the code. docs/state.md has both.",
    ]
    return "\n".join(lines) + "\n"


def _log(stack: str) -> str:
    return f"drift-{stack}.jsonl"

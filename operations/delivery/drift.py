"""Drift: where the real things are no longer as the stack's state has them."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from components.cluster.labels import DRIFT_LEASE
from operations.delivery import events, run
from operations.delivery.environment import RECORDS, config_file
from operations.delivery.events import Preview
from operations.delivery.github import Repository
from operations.delivery.markdown import code, table
from operations.errors import RequestError
from operations.kubernetes.client import KubernetesClient
from settings import read_file
from settings.names import NAMESPACE

_LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{DRIFT_LEASE}"
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
        why = renew_lease(context, environment)
        if why is not None:
            print(f"drift: monitoring cannot be told that there is none: {why}", file=sys.stderr)
    return code


def renew_lease(context: str, environment: dict[str, str]) -> str | None:
    """Note that just now there was no drift; None, or in one line why it could not be noted.

    Nothing exports metrics of a database's firewall. A Lease's age is one of kube-state-metrics',
    and an alert on it (components/monitoring/alerts.yaml) fires when there is drift, and when
    nobody looks. The right to patch and create this Lease is all that it takes.
    """
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": DRIFT_LEASE, "namespace": NAMESPACE},
        "spec": {
            "holderIdentity": "oceanid drift",
            # Kubernetes' MicroTime: RFC 3339 with six digits.
            "renewTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        },
    }
    try:
        with KubernetesClient(context=context, environment=environment) as client:
            client.apply(_LEASE, lease, manager=DRIFT_LEASE)
    except RequestError as error:
        return str(error)
    return None


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

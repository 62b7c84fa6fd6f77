"""A saved plan: what an update may do at the most, fixed before somebody approves it.

The engine holds an update to the plan's operations, inputs and dependencies, and refuses a resource
that exceeds them before it is touched (update plans, 3.246.0). Secrets in the file are encrypted by
the stack's secrets provider. Beside it lies what it is good for: one commit, one state.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from operations.delivery import events, history, run
from operations.delivery.environment import RECORDS
from operations.delivery.work_tree import clean_commit
from operations.errors import OperationError

# Of a gate's Job for one node, `gate-<wave>/<node>` [components/egress/gate.py].
_GATE = re.compile(r"EgressCheck\$kubernetes:batch/v1:Job::gate-[^/]+/(?P<node>.+)$")

_GATES = re.compile(r"oceanid:index:EgressCheck::gate-[^/]+$")
# What apitype.ResourcePlanV1 calls a planned resource's outputs.
_OUTPUTS = "state"


@dataclass(frozen=True, kw_only=True)
class Label:
    """What a plan was made for: the commit, the update it comes after, and its own digest.

    `api_servers` are those that its NetworkPolicies name, such as `203.0.113.10:6443`; None where
    the program says nothing of them.
    """

    stack: str
    commit: str
    after: str
    digest: str
    api_servers: list[str] | None


def plan_file(stack: str) -> Path:
    return RECORDS / f"plan-{stack}.json"


def events_file(stack: str) -> Path:
    """Where the engine's events of the stack's last preview or plan lie."""
    return RECORDS / f"preview-{stack}.jsonl"


def save(stack: str) -> int:
    """Preview the stack under the policies and save the plan; the engine's exit code.

    Raises OperationError when the work tree holds more than a commit.
    """
    commit = clean_commit()
    environment = run.stack_environment(stack)
    target = run.record(f"plan-{stack}.json")
    _label_file(stack).unlink(missing_ok=True)
    command = run.stack_command(
        stack,
        environment,
        (
            "preview",
            "--diff",
            *run.policy_pack(stack),
            "--save-plan",
            str(target),
            "--event-log",
            str(run.record(events_file(stack).name)),
        ),
    )
    after = _last(stack, environment)
    code = run.run(command, environment)
    if code == 0:
        target.chmod(0o600)
        label = Label(
            stack=stack,
            commit=commit,
            after=after,
            digest=_digest(target),
            api_servers=events.output(events_file(stack), "apiServers"),
        )
        _label_file(stack).write_text(json.dumps(asdict(label), indent=2) + "\n")
        print(f"oceanid: {stack}: plan for {commit[:12]} saved in {target.name}", flush=True)
    return code


def check(stack: str, commit: str, environment: dict[str, str]) -> Path:
    """The stack's plan, when it is whole and was made for `commit` and the stack as it is now.

    Raises OperationError with the reason otherwise.
    """
    again = f"run `oceanid plan --stack {stack}`, have it approved, and promote again"
    try:
        label = _label(stack)
        digest = _digest(plan_file(stack))
    except (OSError, ValueError, TypeError):
        raise OperationError(f"{stack} has no saved plan: {again}") from None
    if label.stack != stack or label.digest != digest:
        raise OperationError(f"{plan_file(stack).name} is not the plan that was saved: {again}")
    if label.commit != commit:
        raise OperationError(
            f"{stack}'s plan is for commit {label.commit[:12]} and this is {commit[:12]}: {again}"
        )
    if label.after != _last(stack, environment):
        raise OperationError(f"{stack} has been updated since its plan was made: {again}")
    return plan_file(stack)


def api_servers(stack: str) -> list[str] | None:
    """The API servers that the stack's saved plan is for, which `check` has found to be whole."""
    return _label(stack).api_servers


def measured(plan: Path) -> dict[str, str]:
    """The nodes that the gates of a saved plan measure, each with its uid, "" where it is not told.

    The names are those of the gates' Jobs; a Job that the plan only deletes measures nothing. The
    uids are outputs of the gates.
    """
    planned = json.loads(plan.read_text())["resourcePlans"]
    uids = {
        node: uid
        for urn, resource in planned.items()
        if _GATES.search(urn)
        for node, uid in ((resource.get(_OUTPUTS) or {}).get("uids") or {}).items()
    }
    return {
        gate["node"]: uids.get(gate["node"], "")
        for urn, resource in sorted(planned.items())
        if (gate := _GATE.search(urn)) and resource.get("steps") != ["delete"]
    }


def _last(stack: str, environment: dict[str, str]) -> str:
    """When the stack's last update began, which tells one state from another."""
    before = history.updates(stack, environment)
    return before[0].started if before else ""


def _label(stack: str) -> Label:
    return Label(**json.loads(_label_file(stack).read_text()))


def _label_file(stack: str) -> Path:
    return RECORDS / f"plan-{stack}.label.json"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

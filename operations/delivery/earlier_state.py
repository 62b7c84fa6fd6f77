"""A stack's state as a release before the component `Egress` can take it.

`Egress` has aliases, by which a newer program finds what an older one has made. An older program
has none: it would create the exit nodes and gateways again, and the engine would then delete those
that carry traffic. So a rollback past the component first gives its children back to the stack.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from operations.delivery.engine_output import run_pulumi
from operations.errors import OperationError
from providers.plugin.urn import STACK_TYPE

COMPONENT = "oceanid:index:Egress"
_PROGRAM = "components/egress/egress.py"


def restore(stack: str, tree: Path, environment: dict[str, str]) -> None:
    """Rewrite the state of `stack` where the program in `tree` has no `Egress` and the state has.

    Nothing else of it changes, and nothing that the stack has made. Raises OperationError.
    """
    if (tree / _PROGRAM).exists():
        return
    state = json.loads(run_pulumi(["stack", "export", "--stack", stack], environment))
    earlier = without_egress(state)
    if earlier == state:
        return
    print(f"oceanid: {stack}: the state is written as that commit's program knows it", flush=True)
    with tempfile.TemporaryDirectory(prefix="oceanid-state-") as folder:
        file = Path(folder) / "state.json"
        file.write_text(json.dumps(earlier))
        run_pulumi(["stack", "import", "--stack", stack, "--file", str(file)], environment)


def without_egress(state: dict[str, Any]) -> dict[str, Any]:
    """An exported state with the component's children as the stack's own."""
    deployment = state.get("deployment") or {}
    resources = deployment.get("resources") or []
    components = {each["urn"] for each in resources if each["type"] == COMPONENT}
    if not components:
        return state
    stacks = [each["urn"] for each in resources if each["type"] == STACK_TYPE]
    if len(components) != 1 or len(stacks) != 1:
        raise OperationError(
            f"the state has {len(components)} resources of type {COMPONENT} in {len(stacks)} "
            "stacks, where one in one is known: nothing has been changed"
        )
    kept = [each for each in resources if each["type"] != COMPONENT]
    (component,) = components
    text = json.dumps({**deployment, "resources": kept})
    text = text.replace(f'"{component}"', f'"{stacks[0]}"').replace(f"{COMPONENT}$", "")
    return {**state, "deployment": json.loads(text)}

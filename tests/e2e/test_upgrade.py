"""A stack of an earlier release keeps its resources: an update replaces none of them.

Releases before the component `Egress` had its parts at the top of the stack. A rollback to one
gives the state this form; its program is not run again here.
"""

import json

import pytest

from operations.delivery.earlier_state import COMPONENT, without_egress
from workshop.testing.checkout import passed
from workshop.testing.lab_fleet import Fleet

pytestmark = pytest.mark.e2e


def _steps(fleet: Fleet) -> dict[str, list[str]]:
    """What an update would do with each resource that it does not leave as it is."""
    plan = fleet.home.path / "plan.json"
    settings = fleet.home.path / "project" / "Pulumi.dev.yaml"
    passed(fleet.on_dev(settings, "preview", "--save-plan", str(plan)))
    planned = json.loads(plan.read_text())["resourcePlans"]
    steps = {urn.split("::", 2)[2]: each["steps"] for urn, each in planned.items()}
    return {name: kinds for name, kinds in steps.items() if kinds != ["same"]}


def test_an_update_makes_the_component_and_leaves_everything_else(deployed: Fleet) -> None:
    exported = json.loads(passed(deployed.oceanid("state export")).stdout)
    state = deployed.home.path / "earlier.json"
    state.write_text(json.dumps(without_egress(exported)))
    imported = ("stack", "import", "--stack", "dev", "--file", str(state))
    passed(deployed.engine(deployed.checkout, *imported))
    try:
        assert _steps(deployed) == {f"{COMPONENT}::egress": ["create"]}
    finally:
        # The lab's stack as other tests expect it.
        passed(deployed.update())
    assert _steps(deployed) == {}

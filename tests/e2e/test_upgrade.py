"""A stack of an earlier release keeps its resources: an update replaces none of them.

Releases before the component `Egress` had its parts at the top of the stack. A rollback to one
gives the state this form; its program is not run again here.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from operations.delivery.earlier_state import COMPONENT, without_egress
from workshop.testing.checkout import passed
from workshop.testing.lab_fleet import WITHOUT_SECRETS, Fleet, running_lab

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A lab of its own, whose stack has the state of the earlier release."""
    folder = tmp_path_factory.mktemp("earlier")
    with running_lab(folder, left_out=WITHOUT_SECRETS, deployed=True) as one:
        exported = json.loads(passed(one.oceanid("state export")).stdout)
        state = one.home.path / "earlier.json"
        state.write_text(json.dumps(without_egress(exported)))
        passed(_engine(one, "stack", "import", "--file", str(state)))
        yield one


def _engine(fleet: Fleet, *arguments: str) -> Any:
    options = ("--stack", "dev")
    return fleet.engine(fleet.checkout, *arguments, *options)


def _steps(fleet: Fleet) -> dict[str, list[str]]:
    """What an update would do with each resource that it does not leave as it is."""
    plan = fleet.home.path / "plan.json"
    settings = str(fleet.home.path / "project" / "Pulumi.dev.yaml")
    passed(_engine(fleet, "preview", "--save-plan", str(plan), "--config-file", settings))
    planned = json.loads(plan.read_text())["resourcePlans"]
    steps = {urn.split("::", 2)[2]: each["steps"] for urn, each in planned.items()}
    return {name: kinds for name, kinds in steps.items() if kinds != ["same"]}


def test_an_update_makes_the_component_and_leaves_everything_else(earlier: Fleet) -> None:
    assert _steps(earlier) == {f"{COMPONENT}::egress": ["create"]}


def test_after_the_update_nothing_is_left_to_do(earlier: Fleet) -> None:
    passed(earlier.update())
    assert _steps(earlier) == {}

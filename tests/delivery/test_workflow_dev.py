"""How `dev` comes by real nodes in CI, and what a job with a lab is given for them."""

import yaml

from tests.delivery.workflow import SUDO, set_up, workflow


def test_dev_is_deployed_on_real_nodes_and_a_promotion_accepts_nothing_else() -> None:
    steps = [step.run for step in workflow("deploy").steps("dev") if step.run]
    # One user for all: the lab's files are root's, and so is the login.
    assert steps == [
        # Not by root: what it builds would lie in the cache folder that the runner's user keeps.
        "make toolchain",
        "make network-programs",
        *(f"{SUDO}oceanid {arguments}" for arguments in ("login", "lab up", "up --stack dev")),
    ]
    (action,) = [
        step for step in workflow("deploy").jobs["dev"]["steps"] if "set-up" in step.get("uses", "")
    ]
    assert action["with"] == {"for": "lab"}
    assert not [name for name in workflow("deploy").jobs["dev"]["env"] if "NODES" in name]
    assert "accept-simulated" not in yaml.safe_dump(workflow("deploy").document)


def test_a_job_with_a_lab_gets_the_engine_and_what_real_nodes_need_of_the_machine() -> None:
    steps = set_up()["runs"]["steps"]
    (engine,) = [step for step in steps if "pulumi/actions@" in step.get("uses", "")]
    assert engine["if"] == "inputs.for == 'stack' || inputs.for == 'lab'"
    (packages,) = [step for step in steps if "apt-get" in step.get("run", "")]
    assert packages["if"] == "inputs.for == 'tests' || inputs.for == 'lab'"

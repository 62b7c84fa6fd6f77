"""What the workflows promise: known commands only, pins, least permissions, nothing for forks."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command import why_not_a_command
from tests.delivery.workflow import (
    ACTIONS,
    FOLDER,
    REPOSITORY,
    SUDO,
    Workflow,
    set_up,
    workflow,
    workflows,
)

# Of the Makefile, what has no command of its own.
_CHECKS = ("check", "test-unit", "toolchain", "network-programs", "monitoring-programs", "test")
_HAS_CREDENTIALS = (
    "github.event.pull_request.head.repo.full_name == github.repository "
    "&& !endsWith(github.actor, '[bot]')"
)
_CI = REPOSITORY / ".ci" / "run"
_USES = re.compile(r"^\s*(?:- )?uses: (\S+)(.*)$", re.MULTILINE)
_EVERY = [pytest.param(each, id=each.name) for each in workflows()]
# What a job may be given beyond reading the code, and what for.
_MAY_WRITE = {
    ("pr", "scan"): {"security-events": "write"},
    ("pr", "preview-prod"): {"id-token": "write"},
    ("pr", "comment"): {"pull-requests": "write"},
    ("deploy", "dev"): {"id-token": "write"},
    ("deploy", "plan"): {"id-token": "write"},
    ("deploy", "prod"): {"id-token": "write"},
    ("drift", "prod"): {"id-token": "write", "issues": "write"},
}
# The jobs with real nodes, which take root.
_AS_ROOT = (("pr", "test"), ("deploy", "dev"))


def test_there_are_the_three_workflows() -> None:
    assert {each.name for each in workflows()} == {"pr", "deploy", "drift"}


@pytest.mark.parametrize("each", _EVERY)
def test_every_step_that_runs_something_is_a_command_here_or_a_target(
    each: Workflow,
) -> None:
    for step in each.steps():
        assert (step.run is None) != (step.uses is None)
        if step.run is not None:
            as_root = (each.name, step.job) in _AS_ROOT
            run = step.run.removeprefix(SUDO) if as_root else step.run
            program, *arguments = shlex.split(run)
            if program == "oceanid":
                assert why_not_a_command(arguments) is None, step.run
                continue
            assert program == "make", step.run
            # What is run on a stack is `oceanid`, and no alias of it.
            assert arguments in [[target] for target in _CHECKS], step.run


def test_a_pull_request_meets_every_test_there_is_and_those_of_the_network_lab_as_root() -> None:
    *builds, tests = (step.run for step in workflow("pr").steps("test") if step.run)
    assert tests == f"{SUDO}make test"
    rule = re.search(r"^test: check (.*?) ##", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert rule is not None
    # Root's builds would lie in the cache folder that the runner's own user is to keep.
    assert [f"make {program}" for program in rule.group(1).split()] == builds
    # With CI set, a lab that cannot run is a failure and no skipped test; GitHub's runners set it.
    assert "\nexport CI=true\n" in _CI.read_text()


def test_a_runner_gets_the_packages_that_any_ci_gets() -> None:
    install = re.compile(r"apt-get install ([^>\n]+)")
    (elsewhere,) = install.findall(_CI.read_text())
    commands = [step["run"] for step in set_up()["runs"]["steps"] if "run" in step]
    (here,) = (found for command in commands for found in install.findall(command))
    assert shlex.split(here) == shlex.split(elsewhere)


def test_every_job_has_the_command_on_its_path() -> None:
    first, then, *_ = set_up()["runs"]["steps"]
    assert "actions/setup-python@" in first["uses"]
    assert then["run"] == 'make set-up && echo "$PWD/.venv/bin" >>"$GITHUB_PATH"'


def test_what_is_kept_of_a_job_is_what_such_a_job_builds() -> None:
    steps = set_up()["runs"]["steps"]
    (kept,) = (step for step in steps if "actions/cache@" in step.get("uses", ""))
    assert kept["if"] == "inputs.for != ''"
    assert "${{ inputs.for }}" in kept["with"]["key"]
    kinds = {
        step["with"]["for"]
        for each in workflows()
        for job in each.jobs.values()
        for step in job["steps"]
        if step.get("uses") == "./.github/actions/set-up" and "with" in step
    }
    assert kinds == {"checks", "stack", "lab", "tests"}


def _files() -> list[Path]:
    return [*FOLDER.glob("*.yml"), *ACTIONS.rglob("action.yml")]


@pytest.mark.parametrize("path", _files(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_action_is_pinned_by_its_commit_and_says_which_release_that_is(path: Path) -> None:
    for uses, comment in _USES.findall(path.read_text()):
        if not uses.startswith("./"):
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", uses), uses
            assert re.fullmatch(r"  # v\d+\.\d+\.\d+", comment), uses


def test_an_action_is_the_same_release_wherever_it_is_used() -> None:
    pins: dict[str, set[str]] = {}
    for path in _files():
        for uses, _ in _USES.findall(path.read_text()):
            name, _, commit = uses.partition("@")
            pins.setdefault(name, set()).add(commit)
    assert {name: commits for name, commits in pins.items() if len(commits) > 1} == {}


@pytest.mark.parametrize("each", _EVERY)
def test_a_job_has_the_permissions_it_needs_and_no_other(each: Workflow) -> None:
    assert each.document["permissions"] == {}
    for name, job in each.jobs.items():
        allowed = {"contents": "read", **_MAY_WRITE.get((each.name, name), {})}
        assert job["permissions"] == allowed, name


@pytest.mark.parametrize("each", _EVERY)
def test_no_step_leaves_the_token_in_the_checkout(each: Workflow) -> None:
    for job in each.jobs.values():
        for step in job["steps"]:
            if str(step.get("uses", "")).startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_a_fork_meets_no_secret_no_role_and_no_token_that_writes() -> None:
    pull_request = workflow("pr")
    # Of all events only this one gives a fork's run a token that reads, and no secrets.
    assert pull_request.triggers == {"pull_request"}
    for name, job in pull_request.jobs.items():
        condition = str(job.get("if", ""))
        open_to_forks = f"&& {_HAS_CREDENTIALS} }}}}" not in condition
        text = yaml.safe_dump(job)
        if open_to_forks:
            assert "secrets." not in text, name
            assert "configure-aws-credentials" not in text, name
            assert "environment" not in job, name
            assert "id-token" not in job["permissions"], name
    upload = next(s for s in pull_request.steps("scan") if "upload-sarif" in (s.uses or ""))
    assert _HAS_CREDENTIALS in upload.condition


def _starts(job: dict[str, Any], *, head: str, actor: str) -> bool:
    """What GitHub makes of the job's condition for a pull request from `head` by `actor`."""
    condition = str(job.get("if", "true")).removeprefix("${{").removesuffix("}}").strip()
    for theirs, ours in (
        ("github.event.pull_request.head.repo.full_name", repr(head)),
        ("github.repository", repr("goldfish-inc/oceanid-cluster")),
        ("github.actor", repr(actor)),
        ("&&", " and "),
        ("!cancelled()", "True"),
        ("true", "True"),
    ):
        condition = condition.replace(theirs, ours)
    condition = re.sub(r"!(?=[(e])", " not ", condition)
    return bool(eval(condition, {"endsWith": str.endswith}))  # our own workflow's


_OWN = "goldfish-inc/oceanid-cluster"


@pytest.mark.parametrize(
    ("head", "actor", "has_credentials"),
    [
        pytest.param(_OWN, "ana", True, id="a maintainer"),
        pytest.param("mallory/oceanid-cluster", "mallory", False, id="a fork"),
        pytest.param(_OWN, "dependabot[bot]", False, id="Dependabot"),
        pytest.param(_OWN, "renovate[bot]", False, id="Renovate"),
        pytest.param("renovate/oceanid-cluster", "renovate[bot]", False, id="Renovate's fork"),
    ],
)
def test_a_run_without_credentials_enters_no_job_that_needs_them(
    head: str,
    actor: str,
    has_credentials: bool,  # noqa: FBT001  a parameter of the test
) -> None:
    started = {
        name for name, job in workflow("pr").jobs.items() if _starts(job, head=head, actor=actor)
    }
    # What protects runs for everybody, so that nothing is green because it was skipped.
    always = {"check", "test", "scan", "preview-dev"}
    assert started == always | (
        {"preview-prod", "comment"} if has_credentials else {"not-previewed"}
    )


def test_a_run_without_credentials_says_what_was_not_previewed_and_what_to_do() -> None:
    job = workflow("pr").jobs["not-previewed"]
    assert job["env"]["OCEANID_NOT_PREVIEWED"] == "prod"
    assert [step.run for step in workflow("pr").steps("not-previewed") if step.run] == [
        "oceanid ci summary"
    ]


def test_a_job_that_is_run_again_replaces_what_it_left_before() -> None:
    # To GitHub another attempt is the same run, and a second artifact of a name a conflict in it.
    for each in workflows():
        for job in each.jobs.values():
            for step in job["steps"]:
                if "upload-artifact@" in str(step.get("uses")):
                    assert step["with"]["overwrite"] is True, step["with"]["name"]


def test_a_preview_that_cannot_begin_is_in_the_comment_all_the_same() -> None:
    steps = workflow("pr").jobs["preview-prod"]["steps"]
    uses = [str(step.get("uses", "")).partition("@")[0] for step in steps]
    # What dev's preview has found is there whether or not prod's credentials can be had.
    fetched = uses.index("actions/download-artifact")
    assert fetched < uses.index("aws-actions/configure-aws-credentials")
    assert steps[fetched]["continue-on-error"] is True
    (told,) = (
        step for step in workflow("pr").steps("preview-prod") if step.run == "oceanid ci comment"
    )
    assert "!cancelled()" in told.condition


def test_no_workflow_keeps_a_key_of_the_cloud() -> None:
    for each in workflows():
        text = yaml.safe_dump(each.document)
        assert "aws-access-key-id" not in text
        assert "AWS_SECRET_ACCESS_KEY" not in text


def test_no_two_runs_work_on_one_stack_and_none_is_cut_off_in_it() -> None:
    jobs = workflow("deploy").jobs
    for name in ("dev", "prod"):
        group = {"group": f"stack-{name}", "cancel-in-progress": False}
        assert jobs[name]["concurrency"] == group


def test_no_pull_request_takes_another_ones_place_in_a_queue() -> None:
    # GitHub drops the run that waits in a group when the next one comes.
    pull_request = workflow("pr")
    group = pull_request.document["concurrency"]["group"]
    assert "${{ github.event.pull_request.number }}" in group
    assert not [name for name, job in pull_request.jobs.items() if "concurrency" in job]


def test_prod_comes_after_dev_and_after_its_plan_in_the_protected_environment() -> None:
    jobs = workflow("deploy").jobs
    assert jobs["plan"]["needs"] == "dev"
    assert jobs["prod"]["needs"] == ["dev", "plan"]
    assert jobs["prod"]["environment"] == "prod"
    assert [s.run for s in workflow("deploy").steps("prod") if s.run] == [
        "oceanid preflight --stack prod",
        "oceanid promote --stack prod",
        "oceanid report --stack prod",
    ]
    # The commit that is rolled back to must be in the clone.
    checkout = next(s for s in jobs["prod"]["steps"] if "checkout" in str(s.get("uses")))
    assert checkout["with"]["fetch-depth"] == 0


def test_the_source_of_a_promotion_is_the_backend_that_dev_was_updated_in() -> None:
    jobs = workflow("deploy").jobs
    dev = jobs["dev"]["env"]["PULUMI_BACKEND_URL"]
    # Each attempt has a new lab. Where only `prod` is run again, dev's attempt is an earlier one.
    assert jobs["dev"]["outputs"] == {"attempt": "${{ github.run_attempt }}"}
    assert "-${{ github.run_attempt }}?" in dev
    source = dev.replace("github.run_attempt", "needs.dev.outputs.attempt")
    assert jobs["prod"]["env"]["OCEANID_SOURCE_BACKEND_URL"] == source
    assert jobs["prod"]["env"]["PULUMI_BACKEND_URL"] != dev
    # Without it dev's state would be in the lab's own folder, which ends with the job.
    assert jobs["dev"]["env"]["OCEANID_BACKEND"] == "from-environment"


def test_what_somebody_else_wrote_is_never_part_of_a_command() -> None:
    for each in workflows():
        assert not [step.run for step in each.steps() if step.run and "${{" in step.run]

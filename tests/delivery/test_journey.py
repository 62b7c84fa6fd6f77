"""From a clean checkout: pull request, merge, production, on two stacks and two lab clusters.

Every `run:` step of the workflows is run as it stands there, against two labs, a bucket and an API
in GitHub's place. `make rehearse` runs `make check` and `make test-unit` in that checkout too;
`make test` leaves those two out here, since it is them that it runs.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.bucket import Bucket
from tests.delivery.place import PULL_REQUEST, Place, prepared
from tests.delivery.rehearsal import Ran
from tests.delivery.workflow import SUDO
from workshop.lab.kube import connect
from workshop.testing.checkout import REPOSITORY, said

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]

_INCIDENT = "infrastructure/tailscale-daemonset.yaml"
_WHOLE = bool(os.environ.get("OCEANID_REHEARSE"))
_LEFT_OUT = () if _WHOLE else ("make check", "make test-unit")


@pytest.fixture(scope="module")
def place(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One place for the whole journey: each test goes on from where the one before has ended."""
    with prepared(tmp_path_factory.mktemp("journey"), bucket, _LEFT_OUT) as one:
        yield one


def _at_head(place: Place) -> dict[str, str]:
    commit = place.checkout.git("rev-parse", "HEAD").strip()
    return {"github.sha": commit, "github.event.pull_request.head.sha": commit}


def _comment(place: Place) -> str:
    (comment,) = place.github.comments[int(PULL_REQUEST)]
    return str(comment["body"])


def test_the_steps_of_a_pull_request_pass_and_leave_one_comment(place: Place) -> None:
    place.checkout.git("switch", "--quiet", "--create", "change")
    place.checkout.write("docs/note.md", "A change.\n")
    place.checkout.commit("A change")
    place.rehearsal.values.update(_at_head(place))
    steps = ("check", "scan", "preview-dev", "preview-prod", "comment")
    ran = [each.step.run for each in place.rehearsal.passed("pr", *steps)]
    assert ran[-6:] == [
        "oceanid scan --sarif .delivery/scan.sarif",
        "oceanid lab up",
        "oceanid preview --stack dev",
        "oceanid preview --stack prod",
        "oceanid ci comment",
        "oceanid ci post-comment",
    ]
    text = _comment(place)
    assert "| `dev` |" in text
    assert "| `prod` |" in text
    assert text.count("```mermaid") == 2
    assert "0 blocking" in text


def test_the_merge_reaches_dev_and_its_gates_pass(place: Place) -> None:
    place.checkout.git("switch", "--quiet", "main")
    place.checkout.git("merge", "--quiet", "--no-ff", "--message", "Merge the change", "change")
    place.rehearsal.values.update(_at_head(place))
    ran = list(place.rehearsal.passed("deploy", "dev"))
    assert [str(each.step.run).removeprefix(SUDO) for each in ran] == [
        "oceanid login",
        "oceanid lab up",
        "oceanid up --stack dev",
    ]
    assert place.get(place.dev, "/apis/apps/v1/namespaces/oceanid-egress/daemonsets")["items"]


def test_prod_follows_the_plan_that_was_shown(place: Place) -> None:
    (planned, summed) = place.rehearsal.passed("deploy", "plan")
    assert " to create" in planned.result.stdout
    assert summed.step.run == "oceanid ci summary"
    summary = place.rehearsal.surroundings["deploy", "plan"]["GITHUB_STEP_SUMMARY"]
    assert "### `prod`" in Path(summary).read_text()
    assert not place.get(place.prod, "/apis/apps/v1/namespaces/oceanid-egress/daemonsets")["items"]

    ran = list(place.rehearsal.passed("deploy", "prod"))
    promoted = next(each for each in ran if each.step.run == "oceanid promote --stack prod")
    assert "gates passed" in promoted.result.stdout
    accepted = "dev's gates were simulated: nothing was measured; accepted by --accept-simulated"
    assert accepted in promoted.result.stdout
    jobs = place.get(place.prod, "/apis/batch/v1/namespaces/oceanid-egress/jobs")["items"]
    measured = [each for each in jobs if "check" in each["metadata"]["name"]]
    assert [each["status"]["succeeded"] for each in measured] == [1, 1, 1]
    assert (place.checkout.path / "report-prod.html").exists()


def test_no_secret_is_in_what_a_job_leaves_or_says(place: Place) -> None:
    known = [v for k, v in place.rehearsal.values.items() if k.startswith("secrets.") and v]
    known += [place.rehearsal.surroundings["deploy", "prod"]["TAILSCALE_API_KEY"]]
    left = [
        *(place.checkout.path / ".delivery").iterdir(),
        place.checkout.path / "report-prod.html",
    ]
    for path in left:
        if path.name != "kubeconfig":
            text = path.read_text()
            assert not [secret[:6] for secret in known if secret in text], path.name
            assert "tskey-client-" not in text, path.name


def test_drift_opens_one_issue_and_its_end_closes_it(place: Place) -> None:
    list(place.rehearsal.passed("drift", "prod"))
    assert place.github.issues == []

    service = "/api/v1/namespaces/oceanid-egress/services/oceanid-gateway"
    with connect(place.prod.kubeconfig) as api:
        before = api.get(service).raise_for_status().json()
        change = {"metadata": {"labels": {"app.kubernetes.io/part-of": "somebody"}}}
        patch = {"Content-Type": "application/merge-patch+json"}
        api.patch(service, json=change, headers=patch).raise_for_status()
        looked, told = place.rehearsal.job("drift", "prod")
        assert looked.failed
        assert not told.failed, said(told.result)
        (issue,) = place.github.issues
        assert "| changed | `Service` | `gateway-oceanid-gateway` |" in issue["body"]

        back = {"metadata": {"labels": before["metadata"]["labels"]}}
        api.patch(service, json=back, headers=patch).raise_for_status()
    list(place.rehearsal.passed("drift", "prod"))
    assert issue["state"] == "closed"


def test_a_pull_request_with_the_outages_daemon_set_is_blocked_twice(place: Place) -> None:
    place.checkout.git("switch", "--quiet", "--create", "outage")
    (place.checkout.path / _INCIDENT).parent.mkdir()
    shutil.copy(
        REPOSITORY / "tests/policies/manifests/incident.yaml", place.checkout.path / _INCIDENT
    )
    program = place.checkout.path / "__main__.py"
    more = (
        "from pulumi_kubernetes.yaml.v2 import ConfigFile\n"
        f'ConfigFile("tailscale", file="{_INCIDENT}", opts=after())'
    )
    program.write_text(f"{program.read_text()}\n{more}\n")
    place.checkout.commit("Run Tailscale on every node")
    place.rehearsal.values.update(_at_head(place))

    (scanned,) = place.rehearsal.job("pr", "scan")
    _refused(scanned, f"{_INCIDENT}:")
    found = json.loads((place.checkout.path / ".delivery/scan.sarif").read_text())
    rules = {each["ruleId"] for each in found["runs"][0]["results"]}
    assert {"daemonset-host-namespaces", "daemonset-reach", "privileged-container"} <= rules

    *_, previewed = place.rehearsal.job("pr", "preview-dev")
    _refused(previewed, "DaemonSet: tailscale")
    prod, commented, *_ = place.rehearsal.job("pr", "preview-prod")
    _refused(prod, "DaemonSet: tailscale")
    assert not commented.failed, said(commented.result)
    list(place.rehearsal.passed("pr", "comment"))
    assert _comment(place).count("**fails**") == 2
    assert "**blocks** (critical)" in _comment(place)
    for home in (place.dev, place.prod):
        assert (
            place.get(home, "/apis/apps/v1/namespaces/tailscale-system/daemonsets")["items"] == []
        )


def _refused(ran: Ran, where: str) -> None:
    assert ran.failed, ran.step.run
    assert "daemonset-host-namespaces" in ran.result.stdout, said(ran.result)
    assert where in ran.result.stdout, said(ran.result)

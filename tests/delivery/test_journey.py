"""From a clean checkout: pull request, merge, production, on two stacks and two lab clusters.

Every `run:` step of the workflows is run as it stands there, against two labs, a bucket and an API
in GitHub's place. `make rehearse` runs `make check` and `make test-unit` in that checkout too;
`make test` leaves those two out here, since it is them that it runs.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.home import Home
from lab.kube import connect
from lab.nodes import FLEET, register, wait_until_ready
from tests.delivery.bucket import NAME, Bucket
from tests.delivery.checkout import REPOSITORY, Checkout, clean_checkout, said
from tests.delivery.github_api import GitHub, running
from tests.delivery.rehearsal import Ran, Rehearsal

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500)]

_PULL_REQUEST = "7"
_INCIDENT = "infrastructure/tailscale-daemonset.yaml"
_FLEET_NAMES = {"tethys": "srv712429", "styx": "srv712695"}
_WHOLE = bool(os.environ.get("OCEANID_REHEARSE"))


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the journey happens."""

    rehearsal: Rehearsal
    github: GitHub
    dev: Home
    prod: Home

    @property
    def checkout(self) -> Checkout:
        """The checkout that all jobs share."""
        return self.rehearsal.checkout

    def get(self, home: Home, path: str) -> Any:
        """One object or list of a lab's API server."""
        with connect(home.kubeconfig) as api:
            answer = api.get(path)
            return answer.json() if answer.is_success else None


@pytest.fixture(scope="module")
def place(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A checkout with two labs that run, and `prod` made and set up as its operators would."""
    folder = tmp_path_factory.mktemp("journey")
    checkout = clean_checkout(folder)
    dev, prod = Home(path=folder / "dev"), Home(path=folder / "prod")
    try:
        for home in (dev, prod):
            up = checkout.with_environment(OCEANID_LAB=str(home.path)).make("lab-up")
            assert up.returncode == 0, said(up)
        _as_the_operators_fleet(prod)
        values, around_prod = _credentials(prod)
        around_dev = {"OCEANID_LAB": str(dev.path)}
        bucket_reached = {
            key: value for key, value in bucket.environment.items() if key.startswith("AWS_")
        }
        # What the AWS SDKs read in place of the region's own address.
        bucket_reached["AWS_ENDPOINT_URL_S3"] = str(bucket.s3.meta.endpoint_url)
        around_prod |= {**bucket_reached, "GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
        with running(GitHub(token=secrets.token_hex(8))) as github:
            values |= {
                "vars.STATE_BUCKET": NAME,
                "vars.AWS_REGION": "us-east-1",
                "github.token": github.token,
                "github.event.pull_request.number": _PULL_REQUEST,
            }
            job = {"GITHUB_API_URL": github.api, "GITHUB_REPOSITORY": github.name}
            rehearsal = Rehearsal(
                checkout=checkout,
                values=values,
                surroundings={
                    ("pr", "preview-dev"): around_dev,
                    ("pr", "preview-prod"): around_prod,
                    ("pr", "comment"): job,
                    ("deploy", "dev"): {**around_dev, **bucket_reached},
                    ("deploy", "plan"): around_prod,
                    ("deploy", "prod"): around_prod,
                    ("drift", "prod"): {**around_prod, **job},
                },
                left_out=() if _WHOLE else ("make check", "make test-unit"),
            )
            here = Place(rehearsal=rehearsal, github=github, dev=dev, prod=prod)
            _set_up_prod(here, {**around_prod, **_secrets_of(values)})
            yield here
    finally:
        for home in (dev, prod):
            checkout.with_environment(OCEANID_LAB=str(home.path)).make("lab-down")


def _as_the_operators_fleet(home: Home) -> None:
    """Give the second lab the names that Pulumi.prod.yaml knows its nodes by."""
    nodes = tuple(
        replace(
            each,
            name=_FLEET_NAMES[each.name],
            labels={**each.labels, "oceanid.node/name": each.name},
        )
        for each in FLEET
        if each.name in _FLEET_NAMES
    )
    with connect(home.kubeconfig) as api:
        register(api, nodes)
        wait_until_ready(api, nodes)
        for name in _FLEET_NAMES:
            api.delete(f"/api/v1/nodes/{name}").raise_for_status()


def _credentials(home: Home) -> tuple[dict[str, str], dict[str, str]]:
    """What the secrets of the environment `prod` hold, and how its APIs are reached from here."""
    lines = (line.partition("=") for line in home.environment.read_text().splitlines())
    given = {key: value for key, _, value in lines}
    kubeconfig = home.kubeconfig.read_text().replace("oceanid-lab", "oceanid-prod")
    values = {
        "secrets.KUBECONFIG": kubeconfig,
        "secrets.PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(16),
        # The stand-in has one API key and no OAuth client: see docs/stand-ins.md.
        "vars.TAILSCALE_OAUTH_CLIENT_ID": "",
        "secrets.TAILSCALE_OAUTH_CLIENT_SECRET": "",
        "secrets.CRUNCHY_API_KEY": given["CRUNCHY_API_KEY"],
        "secrets.ESC_ACCESS_TOKEN": given["ESC_ACCESS_TOKEN"],
    }
    addresses = {key: value for key, value in given.items() if key.endswith("_URL")}
    del addresses["PULUMI_BACKEND_URL"]
    return values, {**addresses, "TAILSCALE_API_KEY": given["TAILSCALE_API_KEY"]}


def _secrets_of(values: dict[str, str]) -> dict[str, str]:
    named = {k.partition(".")[2]: v for k, v in values.items() if k.startswith("secrets.") and v}
    return {"OCEANID_KUBECONFIG": named.pop("KUBECONFIG"), **named}


def _set_up_prod(place: Place, environment: dict[str, str]) -> None:
    """What the operators do once: look at the consoles, say where charts are, make the stack."""
    path = place.checkout.path / "Pulumi.prod.yaml"
    document = yaml.safe_load(path.read_text())
    config = document["config"]
    dev = yaml.safe_load((path.parent / "Pulumi.dev.yaml").read_text())["config"]
    for node in config["oceanid-cluster:nodes"]:
        node["consoleConfirmed"] = datetime.now(UTC).date().isoformat()
    # No registry and no Pulumi Cloud here: the lab's chart, and the lab's environment of secrets.
    config["oceanid-cluster:externalSecrets"] = dev["oceanid-cluster:externalSecrets"]
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    url = f"s3://{NAME}?region=us-east-1"
    made = place.checkout.with_environment(**environment, PULUMI_BACKEND_URL=url).make(
        "init", "STACK=prod"
    )
    assert made.returncode == 0, said(made)
    place.checkout.commit("Set prod up")


def _at_head(place: Place) -> dict[str, str]:
    commit = place.checkout.git("rev-parse", "HEAD").strip()
    return {"github.sha": commit, "github.event.pull_request.head.sha": commit}


def _comment(place: Place) -> str:
    (comment,) = place.github.comments[int(_PULL_REQUEST)]
    return str(comment["body"])


def test_the_steps_of_a_pull_request_pass_and_leave_one_comment(place: Place) -> None:
    place.checkout.git("switch", "--quiet", "--create", "change")
    place.checkout.write("docs/note.md", "A change.\n")
    place.checkout.commit("A change")
    place.rehearsal.values.update(_at_head(place))
    steps = ("check", "scan", "preview-dev", "preview-prod", "comment")
    ran = [each.step.run for each in place.rehearsal.passed("pr", *steps)]
    assert ran[-5:] == [
        "make scan SARIF=.delivery/scan.sarif",
        "make preview STACK=dev",
        "make preview STACK=prod",
        "make comment",
        "make post-comment",
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
    assert [each.step.run for each in ran] == ["make login", "make up"]
    assert place.get(place.dev, "/apis/apps/v1/namespaces/oceanid-egress/daemonsets")["items"]


def test_prod_follows_the_plan_that_was_shown(place: Place) -> None:
    (planned, summed) = place.rehearsal.passed("deploy", "plan")
    assert " to create" in planned.result.stdout
    assert summed.step.run == "make summary"
    summary = place.rehearsal.surroundings["deploy", "plan"]["GITHUB_STEP_SUMMARY"]
    assert "### `prod`" in Path(summary).read_text()
    assert not place.get(place.prod, "/apis/apps/v1/namespaces/oceanid-egress/daemonsets")["items"]

    ran = list(place.rehearsal.passed("deploy", "prod"))
    promoted = next(each for each in ran if each.step.run == "make promote STACK=prod")
    assert "gates passed" in promoted.result.stdout
    jobs = place.get(place.prod, "/apis/batch/v1/namespaces/oceanid-egress/jobs")["items"]
    assert {
        each["status"]["succeeded"] for each in jobs if "check" in each["metadata"]["name"]
    } == {1, 2}
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
        f'pulumi_kubernetes.yaml.v2.ConfigFile("tailscale", file="{_INCIDENT}", opts=in_cluster())'
    )
    program.write_text(f"{program.read_text()}\n{more}\n")
    place.checkout.commit("Run Tailscale on every node")
    place.rehearsal.values.update(_at_head(place))

    (scanned,) = place.rehearsal.job("pr", "scan")
    _refused(scanned, f"{_INCIDENT}:")
    found = json.loads((place.checkout.path / ".delivery/scan.sarif").read_text())
    rules = {each["ruleId"] for each in found["runs"][0]["results"]}
    assert {"daemonset-host-namespaces", "daemonset-reach", "privileged-container"} <= rules

    (previewed,) = place.rehearsal.job("pr", "preview-dev")
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

"""The three enforcers agree with each other, and the rules with the real server's Pod Security."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from policies.admission import expressed, manifests
from policies.exceptions import Exceptions
from policies.rules import all_rules
from policies.rules.namespace_rules import LEVELS
from tests.e2e.admission import applied
from tests.policies.generated_pods import workloads
from workshop.testing.agreement import (
    VERSIONS,
    completed,
    fixtures,
    found_by_scanner,
    found_in_preview,
    hardened,
    posted,
    warned_by_pod_security,
    warned_in_cluster,
    warning_namespace,
)
from workshop.testing.lab_fleet import Fleet

pytestmark = pytest.mark.e2e

# Where a verdict in the cluster differs as `cel_differs_because` says: whether the cluster is the
# one to fire, and what the manifest holds.
_EXPLAINED = {"exit-node-address": (False, "$("), "host-port": (True, "'hostNetwork': True")}
# Made up anew in every run, so that the runs of a year try what no single one could.
_GENERATED = settings(
    deadline=None,
    max_examples=250,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.fixture(scope="module")
def warning(fleet: Fleet) -> Iterator[httpx.Client]:
    """The API server with every policy in force, warning and not denying.

    A warning names every policy that fails, a denial only the first.
    """
    wanted: list[Any] = manifests(Exceptions())
    for manifest in wanted:
        if manifest["kind"] == "ValidatingAdmissionPolicyBinding":
            manifest["spec"]["validationActions"] = ["Warn"]
    with fleet.api() as api, applied(api, wanted):
        yield api


@pytest.fixture(scope="module")
def pods(fleet: Fleet) -> list[dict[str, Any]]:
    """The pods among the fixtures that the API server takes."""
    with fleet.api() as api:
        return [
            body["spec"]
            for body in fixtures()
            if body["kind"] == "Pod" and posted(api, body).status_code == 201
        ]


def _differences(api: httpx.Client, body: dict[str, Any]) -> tuple[set[str], httpx.Response]:
    """The rules on which the enforcers differ and that do not say why, and the server's answer."""
    scanned = found_by_scanner(body)
    different = found_in_preview(body) ^ scanned
    answer = posted(api, body)
    if answer.status_code == 201:  # or the API server refuses the object by itself
        warned = warned_in_cluster(answer)
        for name in warned ^ (scanned & expressed()):
            in_cluster, held = _EXPLAINED.get(name, (None, ""))
            if in_cluster is not (name in warned) or held not in repr(body):
                different.add(name)
    return different, answer


def test_every_difference_that_is_put_up_with_is_explained_by_its_rule() -> None:
    explained = {rule.name for rule in all_rules() if rule.cel_differs_because}
    assert set(_EXPLAINED) == explained


def test_the_three_give_every_fixture_the_same_verdicts(warning: httpx.Client) -> None:
    judged = 0
    seen: set[str] = set()
    for body in fixtures():
        different, answer = _differences(warning, body)
        assert different == set(), body
        if answer.status_code == 201:
            judged += 1
            seen |= warned_in_cluster(answer)
    assert seen == expressed()
    assert judged > 300


def test_the_three_give_whatever_is_made_up_the_same_verdicts(
    warning: httpx.Client, pods: list[dict[str, Any]]
) -> None:
    taken: list[int] = []

    @_GENERATED
    @given(workloads(tuple(VERSIONS), pods))
    def agree(tree: dict[str, Any]) -> None:
        body = completed(tree)
        assert body is not None
        different, answer = _differences(warning, body)
        assert different == set()
        taken.append(answer.status_code)

    agree()
    # Most must be objects that the API server takes, or it was not asked for a verdict.
    assert taken.count(201) > len(taken) / 2


@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_what_pod_security_rejects_one_of_the_rules_rejects(
    fleet: Fleet, pods: list[dict[str, Any]], level: str
) -> None:
    controls = LEVELS[level].keys()
    rejected: list[str] = []
    accepted = 0
    with fleet.api() as api, warning_namespace(api, level) as namespace:

        def agree(body: dict[str, Any]) -> None:
            nonlocal accepted
            answer = posted(api, body, namespace)
            if answer.status_code != 201:
                return
            ours = found_by_scanner(body) & controls
            if warned_by_pod_security(answer):
                rejected.append(body["kind"])
                assert ours, answer.headers.get_list("warning")
            else:
                accepted += 1
                # Only what the rules themselves say that they are stricter in.
                assert ours <= {"root-user", "run-as-non-root"}

        # `make bench` tries all of them in every kind.
        for number, body in enumerate(fixtures()):
            if body["kind"] == "Pod" or number % 5 == 0:
                agree(body)
                agree(hardened(body))

        @settings(_GENERATED, max_examples=100)
        @given(workloads(tuple(VERSIONS), pods))
        def agree_on_generated(tree: dict[str, Any]) -> None:
            body = completed(tree)
            assert body is not None
            agree(body)
            agree(hardened(body))

        agree_on_generated()
    assert set(rejected) == set(VERSIONS)
    assert accepted > 100

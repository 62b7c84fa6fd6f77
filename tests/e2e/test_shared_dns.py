"""The cluster's DNS configuration has other owners: one key of it is the stack's, and no more."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.lab_fixture import copy_program
from workshop.testing.checkout import REPOSITORY, Completed, failed, passed, said
from workshop.testing.lab_fleet import Fleet

pytestmark = pytest.mark.e2e

_PATH = "/api/v1/namespaces/kube-system/configmaps"
_MAP = f"{_PATH}/coredns-custom"
_OURS, _THEIRS = "oceanid.server", "corp.server"
_BLOCK = "corp.example:53 {\n    forward . 10.9.0.53\n}\n"
_MERGE = {"content-type": "application/merge-patch+json"}
_A, _B = "a.example.org", "b.example.org"


@dataclass(frozen=True)
class _Cluster:
    """The lab's API server, and the program with a stack that has made nothing yet."""

    fleet: Fleet
    program: Path
    api: httpx.Client

    def engine(self, *arguments: str, hosts: str = _A, earlier: bool = False) -> str:
        """The engine's words; AssertionError where it fails."""
        return said(passed(self.tried(*arguments, hosts=hosts, earlier=earlier)))

    def tried(self, *arguments: str, hosts: str = _A, earlier: bool = False) -> Completed:
        given = {"hosts": hosts, "earlier": str(earlier).lower()}
        for key, value in given.items():
            chosen = ("--stack", "shared", f"shared-dns:{key}", value)
            assert self._run("config", "set", *chosen).returncode == 0
        return self._run(*arguments, "--stack", "shared")

    def _run(self, *arguments: str) -> Completed:
        return self.fleet.engine(
            self.program, *arguments, PYTHONPATH=str(REPOSITORY), PULUMI_CONFIG_PASSPHRASE="none"
        )

    def up(self, hosts: str = _A, *, earlier: bool = False) -> str:
        return self.engine("up", "--yes", "--skip-preview", hosts=hosts, earlier=earlier)

    def drift(self) -> Completed:
        return self.tried("refresh", "--preview-only", "--expect-no-changes", "--diff")

    def data(self) -> dict[str, str] | None:
        """The shared ConfigMap's data; None where there is no such ConfigMap."""
        answer = self.api.get(_MAP)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        data: dict[str, str] = answer.raise_for_status().json().get("data") or {}
        return data

    def write(self, **data: str | None) -> None:
        """Set keys as `kubectl patch` does, and remove those given as None; `__` is a dot."""
        change = {key.replace("__", "."): value for key, value in data.items()}
        answer = self.api.patch(_MAP, json={"data": change}, headers=_MERGE)
        answer.raise_for_status()

    def share(self) -> None:
        """Make the ConfigMap as somebody else has it."""
        body = {"metadata": {"name": "coredns-custom"}, "data": {_THEIRS: _BLOCK}}
        self.api.post(_PATH, json=body).raise_for_status()


@contextmanager
def _watched(cluster: _Cluster) -> Iterator[list[dict[str, str] | None]]:
    """Once the block has ended: every state that the API server had of the ConfigMap meanwhile.

    In order; None where it was gone.
    """
    version = cluster.api.get(_PATH).json()["metadata"]["resourceVersion"]
    query = {
        "watch": "1",
        "fieldSelector": "metadata.name=coredns-custom",
        "resourceVersion": version,
        # The API server remembers what has changed since, and ends the watch by itself.
        "timeoutSeconds": "1",
    }
    seen: list[dict[str, str] | None] = []
    yield seen
    for line in cluster.api.get(_PATH, params=query).raise_for_status().text.splitlines():
        event: dict[str, Any] = json.loads(line)
        assert event["type"] in {"ADDED", "MODIFIED", "DELETED"}, event
        data = event["object"].get("data") or {}
        seen.append(None if event["type"] == "DELETED" else data)


@pytest.fixture
def cluster(fleet: Fleet, tmp_path: Path) -> Iterator[_Cluster]:
    copy_program("shared_dns", tmp_path)
    with fleet.api() as api:
        made = _Cluster(fleet, tmp_path, api)
        assert made._run("stack", "init", "shared").returncode == 0
        yield made
        made.engine("destroy", "--yes", "--skip-preview")
        made._run("stack", "rm", "shared", "--yes")
        api.delete(_MAP)


def _zones(data: dict[str, str] | None) -> list[str]:
    lines = (data or {}).get(_OURS, "").splitlines()
    return [line.partition(":53 {")[0] for line in lines if line.endswith(":53 {")]


def test_a_cluster_without_the_config_map_gets_it_and_keeps_no_zone(cluster: _Cluster) -> None:
    assert cluster.data() is None
    cluster.engine("preview")
    cluster.up()
    assert _zones(cluster.data()) == [_A]
    assert "unchanged" in cluster.engine("up", "--yes", "--expect-no-changes")
    cluster.engine("destroy", "--yes", "--skip-preview")
    assert cluster.data() == {}
    # Nobody is kept from having it again.
    cluster.up()
    assert _zones(cluster.data()) == [_A]


def test_the_keys_of_others_live_through_create_update_and_destroy(cluster: _Cluster) -> None:
    cluster.share()
    with _watched(cluster) as seen:
        cluster.up()
        cluster.up(f"{_A} {_B}")
        assert _zones(cluster.data()) == [_A, _B]
        cluster.engine("destroy", "--yes", "--skip-preview")
    assert cluster.data() == {_THEIRS: _BLOCK}
    assert len(seen) >= 3
    assert {(state or {}).get(_THEIRS) for state in seen} == {_BLOCK}
    metadata = cluster.api.get(_MAP).json()["metadata"]
    assert not [key for key in metadata.get("annotations", {}) if key.startswith("pulumi.com/")]


def _upgraded(cluster: _Cluster, hosts: str) -> list[dict[str, str] | None]:
    """An update of what an earlier program made, with somebody else's key; all states meanwhile."""
    cluster.up(earlier=True)
    cluster.write(corp__server=_BLOCK)
    assert set(cluster.data() or {}) == {_OURS, _THEIRS}
    with _watched(cluster) as seen:
        cluster.up(hosts)
    assert seen
    return seen


@pytest.mark.parametrize("hosts", [_A, f"{_A} {_B}"])
def test_an_earlier_stack_goes_over_without_a_moment_without_anybodys_zone(
    cluster: _Cluster, hosts: str
) -> None:
    states = _upgraded(cluster, hosts)
    assert {(state or {}).get(_THEIRS) for state in states} == {_BLOCK}
    assert all(_A in _zones(state) for state in states)
    assert _zones(cluster.data()) == hosts.split()
    managers = cluster.api.get(_MAP).json()["metadata"]["managedFields"]
    owners = [each["manager"] for each in managers if _OURS in json.dumps(each["fieldsV1"])]
    assert owners == ["oceanid"]
    assert "unchanged" in cluster.engine("up", "--yes", "--expect-no-changes", hosts=hosts)
    cluster.engine("destroy", "--yes", "--skip-preview")
    assert cluster.data() == {_THEIRS: _BLOCK}


def test_a_rollback_to_the_earlier_program_keeps_everybodys_zones(cluster: _Cluster) -> None:
    cluster.share()
    cluster.up()
    with _watched(cluster) as seen:
        cluster.up(earlier=True)
    assert {(state or {}).get(_THEIRS) for state in seen} == {_BLOCK}
    assert all(_A in _zones(state) for state in seen)
    cluster.up()
    assert set(cluster.data() or {}) == {_OURS, _THEIRS}


@pytest.mark.parametrize(
    "change",
    [
        lambda cluster: cluster.write(oceanid__server=None),
        lambda cluster: cluster.write(oceanid__server="a.example.org:53 {\n    errors\n}\n"),
        lambda cluster: cluster.api.delete(_MAP).raise_for_status(),
    ],
    ids=["removed", "changed", "all gone"],
)
def test_drift_of_the_stacks_key_is_told_and_put_back(
    cluster: _Cluster, change: Callable[[_Cluster], None]
) -> None:
    cluster.share()
    cluster.up()
    assert cluster.drift().returncode == 0
    change(cluster)
    assert "gateway-dns" in failed(cluster.drift())
    # As docs/state.md has it.
    cluster.engine("refresh", "--yes", "--skip-preview")
    cluster.up()
    assert _zones(cluster.data()) == [_A]


def test_what_others_do_with_their_keys_is_no_drift(cluster: _Cluster) -> None:
    cluster.share()
    cluster.up()
    for text in ("corp.example:53 {\n    errors\n}\n", None):
        cluster.write(corp__server=text)
        passed(cluster.drift())

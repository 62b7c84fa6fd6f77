"""A node where no gateway, or no exit node, can run is named before an update, with the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from operations.preflight import gateways
from operations.preflight.checks import nodes
from operations.preflight.finding import PreflightFinding, Verdict
from settings import Settings
from tests.unit.seen_cluster import changed_prod, no_pods, node, view

_TETHYS, _STYX, _CALYPSO = "srv712429", "srv712695", "calypso"
_ADDRESSES = {_TETHYS: "157.173.210.123", _STYX: "191.101.1.3", _CALYPSO: "192.168.2.80"}
_NAMES = {_TETHYS: "tethys", _STYX: "styx", _CALYPSO: "calypso"}


def _node(
    name: str, *taints: str, status: dict[str, Any] | None = None, system: str = "linux"
) -> dict[str, Any]:
    """A Ready node with taints as kubectl writes them, its system's label, and more `status`."""
    whole = node(
        name,
        address=_ADDRESSES.get(name, "203.0.113.9"),
        labels={"oceanid.node/name": _NAMES.get(name, name), "kubernetes.io/os": system},
        status="True",
    )
    whole["status"] |= status or {}
    return {**whole, "spec": {"taints": [_taint(each) for each in taints]}}


def _taint(text: str) -> dict[str, str]:
    left, _, effect = text.rpartition(":")
    key, _, value = left.partition("=")
    return {"key": key, "value": value, "effect": effect}


def _tolerating(*tolerations: dict[str, Any], exit_node: Any = ()) -> Settings:
    def change(config: dict[str, Any]) -> None:
        config["egress"]["tolerations"] = list(tolerations)
        config["exitNodes"][0]["tolerations"] = list(exit_node)

    return changed_prod(change)


def _found(
    *changed: dict[str, Any],
    settings: Settings | None = None,
) -> list[PreflightFinding]:
    fleet = {name: _node(name) for name in _ADDRESSES}
    fleet |= {each["metadata"]["name"]: each for each in changed}
    results = nodes.check(settings or _tolerating(), view(nodes=list(fleet.values())), no_pods)
    return [each for each in results if each.verdict is not Verdict.OK]


_GPU = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}


def test_a_taint_is_named_with_the_setting_that_would_tolerate_it() -> None:
    (result,) = _found(_node(_STYX, "dedicated=gpu:NoSchedule"))
    assert (result.verdict, result.where) == (Verdict.FAIL, f"node {_STYX}")
    assert "its taint dedicated=gpu:NoSchedule keeps gateways away" in result.what
    entry = "{key: dedicated, operator: Equal, value: gpu, effect: NoSchedule}"
    assert f"add {entry} to egress.tolerations" in result.remedy
    assert _found(_node(_STYX, "dedicated=gpu:NoSchedule"), settings=_tolerating(_GPU)) == []


def test_only_the_taints_that_are_not_tolerated_are_named() -> None:
    tainted = _node(_STYX, "dedicated=gpu:NoSchedule", "dedicated=gpu:NoExecute", "own:NoExecute")
    (result,) = _found(tainted, settings=_tolerating(_GPU))
    assert "its taint dedicated=gpu:NoExecute, own:NoExecute keeps" in result.what
    assert "{key: own, operator: Exists, effect: NoExecute}" in result.remedy


def test_a_taint_of_kubernetes_own_is_to_be_fixed_and_not_tolerated() -> None:
    (result,) = _found(_node(_STYX, "node.kubernetes.io/network-unavailable:NoSchedule"))
    assert result.verdict is Verdict.FAIL
    assert "egress.tolerations" not in result.remedy
    assert "removes it with its cause" in result.remedy


def test_a_preference_keeps_no_gateway_away() -> None:
    assert _found(_node(_STYX, "dedicated=gpu:PreferNoSchedule")) == []


def test_a_node_without_a_name_in_the_settings_is_caught_once_its_taint_is_tolerated() -> None:
    tainted = _node("naiad", "dedicated=gpu:NoSchedule")
    (left_out,) = _found(tainted)
    assert (left_out.verdict, left_out.where) == (Verdict.NOTE, "node naiad")
    assert "its taint dedicated=gpu:NoSchedule keeps gateways away" in left_out.what
    (caught,) = _found(tainted, settings=_tolerating(_GPU))
    assert "the last wave catches it" in caught.what
    seen = view(nodes=[tainted])
    assert gateways.unnamed(_tolerating(_GPU), seen) == ["naiad"]
    assert gateways.unnamed(_tolerating(), seen) == []


def test_a_gate_measures_where_a_gateway_tolerates_what_evicts_others() -> None:
    seen = view(nodes=[_node(_STYX, "maintenance:NoExecute")])
    (tolerated,) = _tolerating({"key": "maintenance", "operator": "Exists"}).egress.tolerations
    assert gateways.unfit([_STYX], seen) == {_STYX: "it has the taint maintenance:NoExecute"}
    assert gateways.unfit([_STYX], seen, (tolerated,)) == {}


def test_the_program_of_the_gates_reads_tolerations(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = view(nodes=[_node(_STYX, "maintenance:NoExecute")])
    monkeypatch.setattr(gateways, "view", lambda *_: seen)
    given = json.dumps([{"key": "maintenance", "operator": "Exists", "effect": "NoExecute"}])
    arguments = ["--context", "lab", "--tolerations", given, _STYX]
    assert gateways.main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["unfit"] == {}
    assert gateways.main(["--context", "lab", _STYX]) == 0
    assert list(json.loads(capsys.readouterr().out)["unfit"]) == [_STYX]


def test_a_node_of_another_system_is_named() -> None:
    windows = {"nodeInfo": {"operatingSystem": "windows", "architecture": "amd64"}}
    (result,) = _found(_node(_STYX, status=windows))
    assert (result.verdict, result.where) == (Verdict.FAIL, f"node {_STYX}")
    assert result.what.startswith("it runs windows")
    assert f"kubectl taint node {_STYX} os=windows:NoSchedule" in result.remedy
    # By its label where the kubelet has not reported yet.
    (result,) = _found(_node(_STYX, system="windows"))
    assert result.what.startswith("it runs windows")
    assert list(gateways.unfit([_STYX], view(nodes=[_node(_STYX, status=windows)]))) == [_STYX]


def test_an_architecture_without_published_images_is_a_warning() -> None:
    (result,) = _found(_node(_STYX, status={"nodeInfo": {"architecture": "riscv64"}}))
    assert (result.verdict, result.where) == (Verdict.WARN, f"node {_STYX}")
    assert "its architecture is riscv64" in result.what


@pytest.mark.parametrize(
    ("allocatable", "said"),
    [
        ({"cpu": "8", "memory": "32Gi", "pods": "0"}, "1 of pods are needed, 0 of 0 are free"),
        ({"cpu": "99m", "memory": "32Gi", "pods": "110"}, "100m of cpu are needed, 99m of 99m"),
        ({"cpu": "8", "memory": "128Mi", "pods": "110"}, "196Mi of memory are needed, 128Mi of"),
    ],
)
def test_a_node_too_small_for_any_gateway_is_named(allocatable: dict[str, str], said: str) -> None:
    (result,) = _found(_node(_STYX, status={"allocatable": allocatable}))
    assert (result.verdict, result.where) == (Verdict.FAIL, f"node {_STYX}")
    assert result.what.startswith("it can hold no gateway: ")
    assert said in result.what


def test_an_exit_node_is_judged_by_its_own_tolerations() -> None:
    tainted = _node(_TETHYS, "role=edge:NoExecute")
    edge = {"key": "role", "operator": "Exists"}
    gateway, exit_node = _found(tainted)
    assert "keeps gateways away" in gateway.what
    assert "keeps the exit node oceanid-exit-tethys away" in exit_node.what
    assert "to exitNodes[0].tolerations" in exit_node.remedy
    (only,) = _found(tainted, settings=_tolerating(edge))
    assert only.what == exit_node.what
    assert _found(tainted, settings=_tolerating(edge, exit_node=[edge])) == []


def test_a_cordon_stands_in_the_way_of_an_exit_node_and_of_no_gateway() -> None:
    (result,) = _found(_node(_TETHYS, "node.kubernetes.io/unschedulable:NoSchedule"))
    assert result.verdict is Verdict.FAIL
    assert "keeps the exit node" in result.what
    assert f"kubectl uncordon {_TETHYS}" in result.remedy

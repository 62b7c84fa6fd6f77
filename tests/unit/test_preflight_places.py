"""A node where no gateway, or no exit node, can run is named before an update, with the reason."""

import json
from typing import Any

import pytest

from operations.preflight import gateways
from operations.preflight.checks import nodes
from operations.preflight.finding import PreflightFinding, Verdict
from settings import Settings
from tests.unit.seen_cluster import STYX, TETHYS, changed_prod, fleet, fleet_node, no_pods, view


def _tolerating(*tolerations: dict[str, Any]) -> Settings:
    def change(config: dict[str, Any]) -> None:
        config["egress"]["tolerations"] = list(tolerations)

    return changed_prod(change)


def _found(*changed: dict[str, Any], settings: Settings | None = None) -> list[PreflightFinding]:
    results = nodes.check(settings or _tolerating(), view(nodes=fleet(*changed)), no_pods)
    return [each for each in results if each.verdict is not Verdict.OK]


_GPU = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}


def test_only_the_taints_that_are_not_tolerated_are_named() -> None:
    tainted = fleet_node(
        STYX, "dedicated=gpu:NoSchedule", "dedicated=gpu:NoExecute", "own:NoExecute"
    )
    (result,) = _found(tainted, settings=_tolerating(_GPU))
    assert "its taint dedicated=gpu:NoExecute, own:NoExecute keeps" in result.what
    assert "{key: dedicated, operator: Equal, value: gpu, effect: NoExecute}" in result.remedy
    assert "{key: own, operator: Exists, effect: NoExecute}" in result.remedy
    assert "to egress.tolerations" in result.remedy


def test_a_taint_of_kubernetes_own_is_to_be_fixed_and_not_tolerated() -> None:
    (result,) = _found(fleet_node(STYX, "node.kubernetes.io/network-unavailable:NoSchedule"))
    assert result.verdict is Verdict.FAIL
    assert "egress.tolerations" not in result.remedy
    assert "removes it with its cause" in result.remedy


def test_a_preference_keeps_no_gateway_away() -> None:
    assert _found(fleet_node(STYX, "dedicated=gpu:PreferNoSchedule")) == []


def test_a_node_without_a_name_in_the_settings_is_caught_once_its_taint_is_tolerated() -> None:
    tainted = fleet_node("naiad", "dedicated=gpu:NoSchedule")
    (left_out,) = _found(tainted)
    assert (left_out.verdict, left_out.where) == (Verdict.NOTE, "node naiad")
    assert "its taint dedicated=gpu:NoSchedule keeps gateways away" in left_out.what
    (caught,) = _found(tainted, settings=_tolerating(_GPU))
    assert "the last wave catches it" in caught.what
    seen = view(nodes=[tainted])
    assert gateways.unnamed(_tolerating(_GPU), seen) == ["naiad"]
    assert gateways.unnamed(_tolerating(), seen) == []


def test_a_gate_measures_where_a_gateway_tolerates_what_evicts_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = view(nodes=[fleet_node(STYX, "maintenance:NoExecute")])
    monkeypatch.setattr(gateways, "view", lambda *_: seen)
    given = json.dumps([{"key": "maintenance", "operator": "Exists", "effect": "NoExecute"}])
    arguments = ["--context", "lab", "--tolerations", given, STYX]
    assert gateways.main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["unfit"] == {}
    assert gateways.main(["--context", "lab", STYX]) == 0
    unfit = {STYX: "it has the taint maintenance:NoExecute"}
    assert json.loads(capsys.readouterr().out)["unfit"] == unfit


def test_a_node_of_another_system_is_named() -> None:
    windows: dict[str, Any] = {"nodeInfo": {"operatingSystem": "windows", "architecture": "amd64"}}
    (result,) = _found(fleet_node(STYX, **windows))
    assert (result.verdict, result.where) == (Verdict.FAIL, f"node {STYX}")
    assert result.what.startswith("it runs windows")
    assert f"kubectl taint node {STYX} os=windows:NoSchedule" in result.remedy
    # By its label where the kubelet has not reported yet.
    (result,) = _found(fleet_node(STYX, system="windows"))
    assert result.what.startswith("it runs windows")
    assert list(gateways.unfit([STYX], view(nodes=[fleet_node(STYX, **windows)]))) == [STYX]


def test_an_architecture_without_published_images_is_a_warning() -> None:
    (result,) = _found(fleet_node(STYX, nodeInfo={"architecture": "riscv64"}))
    assert (result.verdict, result.where) == (Verdict.WARN, f"node {STYX}")
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
    (result,) = _found(fleet_node(STYX, allocatable=allocatable))
    assert (result.verdict, result.where) == (Verdict.FAIL, f"node {STYX}")
    assert result.what.startswith("it can hold no gateway: ")
    assert said in result.what


def test_a_cordon_stands_in_the_way_of_an_exit_node_and_of_no_gateway() -> None:
    (result,) = _found(fleet_node(TETHYS, "node.kubernetes.io/unschedulable:NoSchedule"))
    assert result.verdict is Verdict.FAIL
    assert "keeps the exit node" in result.what
    assert f"kubectl uncordon {TETHYS}" in result.remedy

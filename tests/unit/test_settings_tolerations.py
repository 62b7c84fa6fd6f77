"""Tolerations are Kubernetes' own, each with a key, and none that could only do harm."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.wrong_settings import Change, config_of, exit_node, lines, parsed

_GPU = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}


def _gateways(*tolerations: Any) -> Change:
    return lambda config: config["egress"].update(tolerations=list(tolerations))


def _exit(*tolerations: Any) -> Change:
    return exit_node(tolerations=list(tolerations))


_TAKEN: dict[str, Change] = {
    "every effect of a key": _gateways({"key": "dedicated", "operator": "Exists"}),
    "a value, with Kubernetes' default operator": _gateways({"key": "dedicated", "value": "gpu"}),
    "a taint without a value": _gateways({"key": "dedicated", "operator": "Equal"}),
    "the control plane": _gateways({"key": "node-role.kubernetes.io/control-plane"}),
    "two values of one key": _gateways(
        {"key": "dedicated", "value": "gpu"}, {"key": "dedicated", "value": "cpu"}
    ),
    "two effects of one key": _gateways(_GPU, {**_GPU, "effect": "NoExecute"}),
    "a preference": _gateways({**_GPU, "effect": "PreferNoSchedule"}),
    "an exit node's": _exit(_GPU, {"key": "dedicated", "effect": "NoExecute"}),
    "an exit node that stays through a partition": _exit(
        {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"},
        {
            "key": "node.kubernetes.io/not-ready",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 3600,
        },
    ),
}


@pytest.mark.parametrize("change", _TAKEN.values(), ids=_TAKEN)
def test_a_toleration_of_a_named_key_is_taken(change: Change) -> None:
    assert lines(change) == []


_AT = "egress.tolerations[0]"
_REFUSED: dict[str, tuple[Change, str, str]] = {
    "everything": (_gateways({"operator": "Exists"}), f"{_AT}.key", "tolerate every taint"),
    "an empty key": (
        _gateways({"key": "", "operator": "Exists"}),
        f'{_AT}.key = ""',
        "tolerate every taint",
    ),
    "no label's name": (_gateways({**_GPU, "key": "a b"}), f"{_AT}.key", "name of a label"),
    "a prefix that is not DNS": (_gateways({"key": "A/b"}), f"{_AT}.key", "name of a label"),
    "no label's value": (_gateways({"key": "a", "value": "-"}), f"{_AT}.value", "value of a label"),
    "a value with Exists": (_gateways({**_GPU, "value": "a"}), _AT, "Exists compares no value"),
    "an operator of its own": (
        _gateways({"key": "a", "operator": "In"}),
        f"{_AT}.operator",
        "not one of the choices",
    ),
    "an effect of its own": (
        _gateways({"key": "a", "effect": "NoAdmit"}),
        f"{_AT}.effect",
        "not one of the choices",
    ),
    "seconds for every effect": (
        _exit({"key": "a", "tolerationSeconds": 5}),
        "exitNodes[0].tolerations[0]",
        "tolerationSeconds is for NoExecute only",
    ),
    "seconds of a gateway": (
        _gateways({"key": "a", "effect": "NoExecute", "tolerationSeconds": 5}),
        f"{_AT} = 5",
        "started again on the same node",
    ),
    "seconds of a taint that an exit node meets again": (
        _exit({"key": "a", "effect": "NoExecute", "tolerationSeconds": 5}),
        "exitNodes[0].tolerations[0] = 5",
        "an exit node is pinned",
    ),
    "one twice": (_gateways(_GPU, dict(_GPU)), "egress.tolerations", "given twice"),
    "one twice, its empty value once left out": (
        _exit({"key": "a"}, {"key": "a", "value": ""}),
        "exitNodes[0].tolerations",
        "given twice",
    ),
    "what the DaemonSet controller adds": (
        _gateways({"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}),
        f'{_AT} = "node.kubernetes.io/unschedulable"',
        "the DaemonSet controller adds",
    ),
    "a machine that is given up": (
        _exit(
            {
                "key": "node.kubernetes.io/out-of-service",
                "operator": "Exists",
                "effect": "NoExecute",
            }
        ),
        "exitNodes[0].tolerations[0]",
        "on a node in trouble",
    ),
    "an exit node on a node that does not answer": (
        _exit({"key": "node.kubernetes.io/unreachable", "operator": "Exists"}),
        "exitNodes[0].tolerations[0]",
        "effect: NoExecute",
    ),
    "a key that Kubernetes does not have": (
        _gateways({**_GPU, "seconds": 5}),
        f"{_AT}.seconds",
        "unknown key",
    ),
}


@pytest.mark.parametrize(("change", "key", "rule"), _REFUSED.values(), ids=_REFUSED)
def test_a_toleration_that_could_only_do_harm_is_refused(
    change: Change, key: str, rule: str
) -> None:
    (line,) = lines(change)
    assert line.startswith(key)
    assert rule in line


def test_a_stack_without_tolerations_has_none() -> None:
    settings = parsed(config_of())
    assert settings.egress.tolerations == ()
    assert [each.tolerations for each in settings.exit_nodes] == [()]

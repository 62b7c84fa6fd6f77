"""Taints and room are judged as Kubernetes documents that its scheduler does."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.preflight import scheduling
from operations.preflight.room import amount, lacking
from settings import Toleration

_KEYS, _VALUES = st.sampled_from(["a", "b", "a.example/c"]), st.sampled_from(["", "x", "y"])
_EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"]
_TAINTS = st.fixed_dictionaries(
    {"key": _KEYS, "value": _VALUES, "effect": st.sampled_from(_EFFECTS)}
)
_TOLERATIONS = st.fixed_dictionaries(
    {"key": _KEYS},
    optional={
        "operator": st.sampled_from(["Exists", "Equal"]),
        "value": _VALUES,
        "effect": st.sampled_from(_EFFECTS),
    },
).filter(lambda each: each.get("operator") != "Exists" or not each.get("value"))


def _documented(toleration: dict[str, str], taint: dict[str, str]) -> bool:
    """Kubernetes' documentation, "Taints and Tolerations", word for word.

    "A toleration "matches" a taint if the keys are the same and the effects are the same, and: the
    operator is Exists (in which case no value should be specified), or the operator is Equal and
    the values should be equal." The operator's default is Equal; an empty effect matches all.
    """
    if toleration["key"] != taint["key"]:
        return False
    if toleration.get("effect", "") not in ("", taint["effect"]):
        return False
    operator = toleration.get("operator", "Equal")
    return operator == "Exists" or toleration.get("value", "") == taint["value"]


@given(
    st.lists(_TAINTS, max_size=4),
    st.lists(_TOLERATIONS, max_size=3),
)
def test_a_node_repels_a_gateway_as_kubernetes_documents_it(
    taints: list[dict[str, str]], tolerations: list[dict[str, str]]
) -> None:
    """ "If there is at least one un-ignored taint with effect NoSchedule", or NoExecute."""
    read = tuple(Toleration.model_validate_json(json.dumps(each)) for each in tolerations)
    found = scheduling.untolerated({"spec": {"taints": taints}}, read)
    unignored = [t for t in taints if not any(_documented(each, t) for each in tolerations)]
    assert found == [each for each in unignored if each["effect"] != "PreferNoSchedule"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("8", "8"),
        ("3920m", "3.92"),
        ("8148204Ki", "8343760896"),
        ("32Gi", "34359738368"),
        ("1e3", "1000"),
        ("12E", "12000000000000000000"),
        ("1.5G", "1500000000"),
        ("100n", "0.0000001"),
        ("0", "0"),
    ],
)
def test_quantities_are_read_as_the_api_server_writes_them(text: str, number: str) -> None:
    assert amount(text) == Decimal(number)


def test_text_that_is_not_a_quantity_is_an_error() -> None:
    with pytest.raises(ValueError, match="'a lot' is not a quantity"):
        amount("a lot")


def test_a_pod_counts_by_what_it_requests_at_its_busiest() -> None:
    def container(cpu: str, **more: str) -> dict[str, Any]:
        return {"resources": {"requests": {"cpu": cpu}}, **more}

    spec = {
        "containers": [container("100m"), {}],
        "initContainers": [container("50m", restartPolicy="Always"), container("300m")],
        "overhead": {"cpu": "10m"},
    }
    free = {"cpu": "1"}
    assert lacking(free, {"cpu": "640m"}, [{"spec": spec}]) == []
    assert lacking(free, {"cpu": "641m"}, [{"spec": spec}]) == [
        "641m of cpu are needed, 640m of 1 are free"
    ]
    whole = {**spec, "resources": {"requests": {"cpu": "1"}}}
    assert lacking(free, {"cpu": "1m"}, [{"spec": whole}])

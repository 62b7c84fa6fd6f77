"""Tolerations, made up: right ones, and ones that no setting takes."""

from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]

PARTITION = {
    "key": "node.kubernetes.io/unreachable",
    "operator": "Exists",
    "effect": "NoExecute",
    "tolerationSeconds": 0,
}


def tolerations(*own: Json, over: bool) -> st.SearchStrategy[list[Json]]:
    """Lists of what gateways may tolerate, and of `own`; with `over`, of what nothing may, too."""
    right = [
        {"key": "dedicated", "operator": "Exists"},
        {"key": "a.example/b", "value": "v" * 63, "effect": "NoExecute"},
        {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"},
        *own,
    ]
    wrong = [
        {"operator": "Exists"},
        {"key": "a b"},
        {"key": "a", "operator": "Exists", "value": "b"},
        {"key": "a", "tolerationSeconds": 1},
        {"key": "node.kubernetes.io/unschedulable", "operator": "Exists"},
    ]
    return st.lists(st.sampled_from([*right, *(wrong if over else ())]), max_size=3, unique_by=str)

"""Workloads made up by hypothesis: what the rules look at, in values that an API server takes."""

from functools import partial, reduce
from typing import Any

from hypothesis import strategies as st

from policies.rules.daemonset_reach import WAVE_LABEL

Tree = dict[str, Any]

_SEPARATORS = st.sampled_from(["/", ":", ".", "-", "_", "@", "+", "@sha256:"])
_PARTS = st.text("abcdef0123456789xyzLATES", min_size=1, max_size=9) | st.sampled_from(
    ["latest", "v1", "1", "2025", "registry.example", "5000", "stable", "main", "a" * 40, "0" * 64]
)
_IMAGES = st.lists(st.tuples(_PARTS, _SEPARATORS), min_size=1, max_size=7).map(
    lambda pairs: "".join(part + separator for part, separator in pairs)[:200]
) | st.sampled_from(
    [
        "registry.example/app:v1.102.3",
        "registry.example:5000/app",
        "app:latest@sha256:" + "0" * 64,
        "app@sha512:" + "f" * 128,
    ]
)
_WORDS = st.sampled_from(
    [
        *("--exit-node", "-exit-node", "--exit-node-allow-lan-access", "=", " ", "  ", "\t", "\n"),
        *("100.64.0.7", "100.64.0.300", "100.064.0.7", "fd7a:115c:a1e0::7", "::ffff:1.2.3.4"),
        *("192.168.1.10", "100.63.255.255", "100.127.255.255", "fd7a:115c:a1e1::7"),
        *("fe80::1%eth0", "[::1]", "auto:any", "tethys", "$(A)", "$A", "'", '"', "--x", "; ", ";"),
        *("&&", "|", ")", ">", "`", "a", "1e3"),
    ]
)
_TEXTS = st.lists(_WORDS, max_size=6).map("".join)
_NAMES = st.sampled_from(["A", "TS_EXTRA_ARGS", "TS_EXIT_NODE", "TS_USERSPACE", "PATH"])


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Tree]:
    """A mapping with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


_TEXTS_OF_A_CONTAINER = some(
    env=st.lists(st.fixed_dictionaries({"name": _NAMES}, optional={"value": _TEXTS}), max_size=3),
    command=st.lists(_TEXTS, max_size=2),
    args=st.lists(_TEXTS, max_size=3),
)
_LABELS_OF_NODES = st.sampled_from(
    [
        *("gpu", "kubernetes.io/os", "kubernetes.io/hostname", "node.kubernetes.io/instance-type"),
        *("topology.kubernetes.io/region", "egress.k3s.io/cluster"),
    ]
)
_OPERATORS: st.SearchStrategy[Tree] = st.sampled_from(
    [
        {"operator": "Exists"},
        {"operator": "DoesNotExist"},
        {"operator": "Gt", "values": ["1"]},
        *({"operator": "In", "values": values} for values in (["a"], ["k3s"], ["a", "k3s"])),
        *({"operator": "NotIn", "values": values} for values in (["a"], ["k3s"], ["a", "k3s"])),
    ]
)
_REQUIREMENTS = st.tuples(_LABELS_OF_NODES, _OPERATORS).map(lambda two: {"key": two[0], **two[1]})
_TERMS = st.lists(
    some(matchExpressions=st.lists(_REQUIREMENTS, max_size=2)), min_size=1, max_size=2
)
_CHOICE_OF_NODES = some(
    nodeSelector=st.dictionaries(_LABELS_OF_NODES, st.sampled_from(["a", "k3s"])),
    affinity=_TERMS.map(
        lambda terms: {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}
            }
        }
    ),
)
_LABELS = st.sampled_from([{}, {WAVE_LABEL: "canary"}, {"app": "other"}])
_BOUNDS = st.sampled_from([0, 1, 2, "0", "1", "0%", "1%", "100%"])


def _merged(first: Any, second: Any) -> Any:
    """Both mappings, and those in them; of everything else the second."""
    if not isinstance(first, dict) or not isinstance(second, dict):
        return second
    both = {key: _merged(first[key], second[key]) for key in first.keys() & second.keys()}
    return {**first, **second, **both}


def _several(known: list[Tree]) -> st.SearchStrategy[Tree]:
    """What several of the known pods or containers have, apart from what each has of its own."""
    # What a container mounts is its pod's.
    apart = {"name", "image", "volumeMounts", "containers", "initContainers"}
    without = ({key: value for key, value in each.items() if key not in apart} for each in known)
    telling = [each for each in without if each]
    return st.lists(st.sampled_from(telling), min_size=1, max_size=4).map(partial(reduce, _merged))


def _containers(known: list[Tree]) -> st.SearchStrategy[Tree]:
    """A container with what several of the known ones have, and texts of its own."""
    return st.tuples(_several(known), _IMAGES, _TEXTS_OF_A_CONTAINER).map(
        lambda drawn: {**drawn[0], "image": drawn[1], **drawn[2]}
    )


def _pods(known: list[Tree]) -> st.SearchStrategy[Tree]:
    """A pod with what several of the known ones have, on nodes of its own choice."""
    containers = _containers([each for pod in known for each in pod["containers"]])
    first = _containers([each for pod in known for each in pod.get("initContainers", ())])
    own = st.fixed_dictionaries(
        {
            "containers": st.lists(containers, min_size=1, max_size=2),
            "initContainers": st.lists(first, max_size=1),
        }
    )
    return st.tuples(_several(known), own, _CHOICE_OF_NODES).map(
        lambda drawn: {**drawn[0], **drawn[1], **drawn[2]}
    )


@st.composite
def workloads(draw: st.DrawFn, kinds: tuple[str, ...], known: list[Tree]) -> Tree:
    """An object of one of the kinds around a pod; names and selectors are for the caller to add.

    The pod is made of pods that an API server takes, and of texts that nobody has written.
    """
    kind, pod = draw(st.sampled_from(kinds)), draw(_pods(known))
    metadata = {"labels": draw(_LABELS)}
    if kind == "Pod":
        return {"kind": kind, "metadata": metadata, "spec": pod}
    spec: Tree = {"template": {"metadata": {"labels": draw(_LABELS)}, "spec": pod}}
    if kind == "CronJob":
        spec = {"jobTemplate": {"spec": spec}}
    elif kind == "DaemonSet":
        rolling = draw(st.none() | some(maxUnavailable=_BOUNDS, maxSurge=_BOUNDS))
        if rolling is not None:
            spec["updateStrategy"] = {"type": "RollingUpdate", "rollingUpdate": rolling}
    return {"kind": kind, "metadata": metadata, "spec": spec}

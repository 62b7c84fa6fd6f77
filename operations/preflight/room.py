"""What room a node has left, as the scheduler counts it: what pods request, not what they use."""

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from operations.kubernetes.client import Document

# apimachinery's `resource.Quantity`, as the API server writes it.
_QUANTITY = re.compile(r"([+-]?[\d.]+)(?:[eE]([+-]?\d+)|([numkKMGTPE]?i?))", re.ASCII)
_THOUSANDS = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}


def amount(quantity: str) -> Decimal:
    """A quantity such as `3920m` or `8Gi` as a number: CPUs, bytes, or pods.

    Raises ValueError for text that is not a quantity.
    """
    match = _QUANTITY.fullmatch(quantity)
    if match is None:
        raise ValueError(f"{quantity!r} is not a quantity")
    digits, exponent, suffix = match.groups()
    if exponent is not None:
        return Decimal(digits).scaleb(int(exponent))
    if suffix.endswith("i"):
        return Decimal(digits) * Decimal(1024) ** _THOUSANDS[suffix[0].replace("K", "k")]
    return Decimal(digits).scaleb(3 * _THOUSANDS[suffix])


def lacking(
    allocatable: Mapping[str, str], requests: Mapping[str, str], pods: Iterable[Document] = ()
) -> list[str]:
    """What a pod with these `requests` lacks on a node with these `pods`, in words.

    A node that does not report a resource is not judged by it.
    """
    running = list(pods)
    wanted = {**requests, "pods": "1"}
    return [
        f"{wanted[name]} of {name} are needed, {_shown(name, max(free, Decimal()))} of "
        f"{allocatable[name]} are free"
        for name in wanted
        if name in allocatable
        and (free := amount(allocatable[name]) - _used(name, running)) < amount(wanted[name])
    ]


def _used(name: str, pods: list[Document]) -> Decimal:
    if name == "pods":
        return Decimal(len(pods))
    return sum((requested(pod["spec"], name) for pod in pods), start=Decimal())


def _shown(name: str, free: Decimal) -> str:
    if name == "cpu":
        return f"{int(free * 1000)}m"
    return f"{int(free / 1024**2)}Mi" if name == "memory" else str(int(free))


def pod_of(requests: Mapping[str, str]) -> Document:
    return {"spec": {"containers": [{"resources": {"requests": dict(requests)}}]}}


def smaller(pod: Document, requests: Mapping[str, str]) -> bool:
    return any(requested(pod["spec"], name) < amount(wanted) for name, wanted in requests.items())


def requests_of(pod: Document, names: Iterable[str]) -> str:
    """What the pod requests of each resource named, such as `100m of cpu`."""
    return ", ".join(f"{_shown(name, requested(pod['spec'], name))} of {name}" for name in names)


def requested(spec: Document, name: str) -> Decimal:
    """What a pod's `spec` requests of a resource: CPUs, or bytes.

    As Kubernetes' documentation counts it, "Init containers".
    """
    overhead = _amount(spec.get("overhead"), name)
    whole = (spec.get("resources") or {}).get("requests") or {}
    if name in whole:
        return amount(whole[name]) + overhead
    running = sum(_requests(spec.get("containers"), name), start=Decimal())
    sidecars = highest = Decimal()
    for container in spec.get("initContainers") or []:
        (request,) = _requests([container], name)
        if container.get("restartPolicy") == "Always":
            sidecars += request
            highest = max(highest, sidecars)
        else:
            highest = max(highest, sidecars + request)
    return max(running + sidecars, highest) + overhead


def _requests(containers: list[Document] | None, name: str) -> Iterator[Decimal]:
    for container in containers or []:
        yield _amount((container.get("resources") or {}).get("requests"), name)


def _amount(amounts: Mapping[str, str] | None, name: str) -> Decimal:
    return amount((amounts or {}).get(name, "0"))

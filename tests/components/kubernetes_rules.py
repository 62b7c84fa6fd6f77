"""What Kubernetes takes and never runs, or takes in another sense: by its sources, v1.35.

What it refuses the API server itself says, in tests/e2e/test_any_settings.py.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network
from typing import Any

Json = dict[str, Any]

LONGEST_LABEL = 63
# Of ControllerRevisions: a hash of 32 bits in a safe alphabet.
_HASH = "-0123456789"


def faults(objects: Iterable[Json]) -> list[str]:
    """A line for everything in these objects of one stack that would not run as it is meant."""
    every = list(objects)
    return [*(line for each in every for line in _faults_of(each)), *_twice(every)]


def label_values(body: Json) -> Iterator[str]:
    """Every value that is a label's, on the object, on its pods, or on what it selects."""
    spec = body.get("spec", {})
    selector = spec.get("selector", {})
    template = spec.get("template", {}) if body["kind"] != "PodMonitor" else {}
    for labels in (
        body["metadata"].get("labels", {}),
        template.get("metadata", {}).get("labels", {}),
        template.get("spec", {}).get("nodeSelector", {}),
        selector if body["kind"] == "Service" else selector.get("matchLabels", {}),
    ):
        yield from labels.values()
    affinity = (pod_of(body) or {}).get("affinity", {}).get("nodeAffinity", {})
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", {})
    for term in required.get("nodeSelectorTerms", []):
        for expression in term.get("matchExpressions", []):
            yield from expression["values"]


def pod_of(body: Json) -> Json | None:
    """The spec of the pods that an object makes, None for one that makes none."""
    spec: Json | None = body.get("spec", {}).get("template", {}).get("spec")
    return spec


def admits(policy: Json, address: str, port: int, protocol: str = "TCP") -> bool:
    """Whether a NetworkPolicy lets its pods reach that address and port by its ranges."""
    ip = ip_address(address)
    for rule in policy["spec"].get("egress", []):
        ports = rule.get("ports")
        if ports and not any(
            each["protocol"] == protocol
            and each.get("port", 0) <= port <= each.get("endPort", each.get("port", 65535))
            for each in ports
        ):
            continue
        if "to" not in rule:
            return True
        for block in (peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer):
            excluded = map(ip_network, block.get("except", []))
            if ip in ip_network(block["cidr"]) and not any(ip in each for each in excluded):
                return True
    return False


def _faults_of(body: Json) -> Iterator[str]:
    kind, name = body["kind"], body["metadata"].get("name", "named-by-the-engine")
    # The label that its controller puts on its pods.
    made = {"StatefulSet": name + _HASH, "Job": name}.get(kind, "")
    if len(made) > LONGEST_LABEL:
        yield f"{kind} {name}: its pods' label would be {made}"
    if kind == "NetworkPolicy":
        for direction, side in (("egress", "to"), ("ingress", "from")):
            # An empty list would admit everybody.
            if any(rule.get(side) == [] for rule in body["spec"].get(direction) or []):
                yield f"{kind} {name}: an empty {side}"


def _twice(objects: list[Json]) -> Iterator[str]:
    places = Counter(
        (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"])
        for each in objects
        if "name" in each["metadata"]
    )
    yield from (f"{place} twice" for place, count in places.items() if count > 1)

"""What Kubernetes refuses in rendered objects, or takes and never runs: by its sources, v1.35.

The API server itself judges them in tests/e2e/test_any_settings.py. Here is what it judges quickly
enough for a unit test, and what only its controllers and the pods would stumble over.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network
from typing import Any

Json = dict[str, Any]

LONGEST_LABEL = 63
# Of ControllerRevisions: a hash of 32 bits in a safe alphabet.
_HASH = "-0123456789"
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
)
_PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_MOST_BYTES = 1024 * 1024


def faults(objects: Iterable[Json]) -> list[str]:
    """A line for everything in these objects of one stack that Kubernetes would not run."""
    every = list(objects)
    return [*(line for each in every for line in _faults_of(each)), *_twice(every)]


def label_values(body: Json) -> Iterator[str]:
    """Every value that is a label's, on the object, on its pods, or on what it selects."""
    for labels in _labels(body):
        yield from labels.values()
    yield from _affinity_values(body)


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
    what = f"{body['kind']} {body['metadata'].get('name')}"
    for fault in (
        *_name_faults(body),
        *_label_faults(body),
        *_pod_faults(body),
        *_service_faults(body),
        *_policy_faults(body),
        *_size_faults(body),
    ):
        yield f"{what}: {fault}"


def _name_faults(body: Json) -> Iterator[str]:
    kind, name = body["kind"], body["metadata"].get("name", "named-by-the-engine")
    if not _SUBDOMAIN.fullmatch(name):
        yield "not a name"
    if kind in {"Service", "Namespace"} and not _LABEL.fullmatch(name):
        yield "not a label"
    if kind == "Service" and not name[0].isalpha():
        yield "no letter first"
    # The label that its controller puts on its pods.
    made = {"StatefulSet": name + _HASH, "Job": name}.get(kind, "")
    if len(made) > LONGEST_LABEL:
        yield f"its pods' label would be {made}"


def _label_faults(body: Json) -> Iterator[str]:
    for labels in _labels(body):
        for key, value in labels.items():
            prefix, slash, name = key.rpartition("/")
            if not _NAME.fullmatch(name) or (slash and not _SUBDOMAIN.fullmatch(prefix)):
                yield f"label {key}"
            if not _VALUE.fullmatch(value):
                yield f"label {key}={value}"
    yield from (f"affinity to {v}" for v in _affinity_values(body) if not _VALUE.fullmatch(v))


def _labels(body: Json) -> Iterator[dict[str, str]]:
    spec = body.get("spec", {})
    selector = spec.get("selector", {})
    template = spec.get("template", {}) if body["kind"] != "PodMonitor" else {}
    yield body["metadata"].get("labels", {})
    yield template.get("metadata", {}).get("labels", {})
    yield template.get("spec", {}).get("nodeSelector", {})
    yield selector if body["kind"] == "Service" else selector.get("matchLabels", {})


def _affinity_values(body: Json) -> Iterator[str]:
    affinity = (pod_of(body) or {}).get("affinity", {}).get("nodeAffinity", {})
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution", {})
    for term in required.get("nodeSelectorTerms", []):
        for expression in term.get("matchExpressions", []):
            yield from expression["values"]


def _pod_faults(body: Json) -> Iterator[str]:
    containers = (pod_of(body) or {}).get("containers", [])
    for container in containers:
        if not _LABEL.fullmatch(container["name"]):
            yield f"container {container['name']}"
        for port in container.get("ports", []):
            if "name" in port and not _PORT_NAME.fullmatch(port["name"]):
                yield f"port {port['name']}"
    yield from _toleration_faults((pod_of(body) or {}).get("tolerations", []))
    names = Counter(each["name"] for each in containers)
    yield from (f"container {name} twice" for name, count in names.items() if count > 1)


def _toleration_faults(tolerations: Iterable[Json]) -> Iterator[str]:
    for each in tolerations:
        key, operator, value = each.get("key", ""), each.get("operator"), each.get("value", "")
        prefix, slash, name = key.rpartition("/")
        named = _NAME.fullmatch(name) and (not slash or _SUBDOMAIN.fullmatch(prefix))
        if not named and (key or operator != "Exists"):
            yield f"toleration of {key}"
        if (value and operator == "Exists") or not _VALUE.fullmatch(value):
            yield f"toleration of {key} with the value {value}"
        if "tolerationSeconds" in each and each.get("effect") != "NoExecute":
            yield f"toleration of {key} with seconds"


def _service_faults(body: Json) -> Iterator[str]:
    if body["kind"] != "Service":
        return
    ports = body["spec"]["ports"]
    yield from (f"port {p['name']}" for p in ports if not _LABEL.fullmatch(p["name"]))
    for field in ("name", "port"):
        if len({each[field] for each in ports}) < len(ports):
            yield f"two ports of one {field}"


def _policy_faults(body: Json) -> Iterator[str]:
    if body["kind"] != "NetworkPolicy":
        return
    for direction, side in (("egress", "to"), ("ingress", "from")):
        for rule in body["spec"].get(direction) or []:
            # It would admit everybody.
            if rule.get(side) == []:
                yield f"an empty {side}"
            for block in (peer["ipBlock"] for peer in rule.get(side, []) if "ipBlock" in peer):
                network = ip_network(block["cidr"])
                for text in block.get("except", []):
                    inner: Any = ip_network(text)
                    if inner == network or not inner.subnet_of(network):
                        yield f"{text} is no part of {network}"


def _size_faults(body: Json) -> Iterator[str]:
    if body["kind"] == "ConfigMap" and len(json.dumps(body["data"])) > _MOST_BYTES:
        yield "over 1 MiB"


def _twice(objects: list[Json]) -> Iterator[str]:
    places = Counter(
        (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"])
        for each in objects
        if "name" in each["metadata"]
    )
    yield from (f"{place} twice" for place, count in places.items() if count > 1)

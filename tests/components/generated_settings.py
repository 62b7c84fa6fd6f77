"""Configurations of a stack, made up: right ones, ones at a limit, and ones with a wrong value."""

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import strategies as st

from components.cluster.labels import LONGEST_LABEL
from settings import parse, rendered
from workshop.testing.recording import CRDS, Recording, configured, encoded, record_stack

Json = dict[str, Any]
# Key, value, rule, remedy.
_LINE = re.compile(r"[^\s=]+( = .*)?: .+: .+", re.DOTALL)
_STACKS = st.sampled_from(["dev", "prod"])
_LIMITS = (
    rendered.LONGEST_EXIT_NODE,
    rendered.LONGEST_HOSTNAME,
    rendered.LONGEST_WAVE,
    rendered.LONGEST_TRANSPARENT,
)
_KEYS = (
    *("cluster", "nodes", "tailnet", "egress", "firewall"),
    *("externalSecrets", "monitoring", "exitNodes"),
)
_PARTITION = {
    "key": "node.kubernetes.io/unreachable",
    "operator": "Exists",
    "effect": "NoExecute",
    "tolerationSeconds": 0,
}


@dataclass(frozen=True)
class Stack:
    """A stack whose configuration differs from its file's by `changes`."""

    name: str
    changes: Json

    def passes(self) -> bool:
        """Whether the program takes them; what it does not has a line for every fault."""
        try:
            parse(encoded(self.name, **self.changes))
        except ValueError as error:
            lines = str(error).splitlines()
        else:
            return True
        assert [line for line in lines if not _LINE.fullmatch(line)] == []
        return False

    def recording(self) -> Recording:
        return record_stack(self.name, **self.changes)


def labels(longest: int = LONGEST_LABEL) -> st.SearchStrategy[str]:
    """DNS labels, short or at the limit."""
    ends, inside = "ab9", "a9-"
    return st.sampled_from([1, 3, 9, 9, longest]).flatmap(
        lambda n: st.builds(
            lambda first, middle, last: f"{first}{middle}{last}"[:n].rstrip("-"),
            st.sampled_from(ends),
            st.text(inside, min_size=max(n - 2, 0), max_size=max(n - 2, 0)),
            st.sampled_from(ends),
        )
    )


def _tolerations(*own: Json) -> st.SearchStrategy[list[Json]]:
    """Lists of what gateways may tolerate, and of `own`."""
    right = [
        {"key": "dedicated", "operator": "Exists"},
        {"key": "a.example/b", "value": "v" * 63, "effect": "NoExecute"},
        {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"},
        *own,
    ]
    return st.lists(st.sampled_from(right), max_size=3, unique_by=str)


@st.composite
def _nodes(draw: st.DrawFn) -> list[Json]:
    exit_node = labels(rendered.LONGEST_EXIT_NODE)
    names = draw(st.lists(exit_node, min_size=1, max_size=4, unique=True))
    in_cluster = labels() | st.builds("{}.{}".format, labels(31), labels(31))
    return [
        {
            "name": name,
            "address": draw(st.sampled_from([f"203.0.113.{at + 1}", f"2001:db8::{at + 1}"])),
            "kubernetesName": draw(st.none() | in_cluster.map(partial(_beginning, str(at)))),
            "labels": draw(_LABELS_OF_NODES),
        }
        for at, name in enumerate(names)
    ]


def _beginning(character: str, name: str) -> str:
    return f"{character}{name[1:]}"


_LABELS_OF_NODES = st.dictionaries(
    st.sampled_from(["oceanid.node/name", "zone", "x" * 63]),
    st.sampled_from(["", "a", "a_b.C-9", "v" * 63]),
    max_size=2,
)


@st.composite
def _exit_nodes(draw: st.DrawFn, names: Sequence[str]) -> list[Json]:
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
    hostname = labels(rendered.LONGEST_HOSTNAME)
    return [
        {
            "node": name,
            "hostname": draw(hostname.map(partial(_beginning, "efg"[at]))),
            "egressAddress": f"157.173.210.{at + 1}",
            "tolerations": draw(_tolerations(_PARTITION)),
        }
        for at, name in enumerate(chosen)
    ]


@st.composite
def _destinations(draw: st.DrawFn) -> list[Json]:
    hosts = ["db.example.org", "s3.example.org", "a.s3.example.org", f"{'h' * 63}.example.org"]
    return draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "name": labels(rendered.LONGEST_TRANSPARENT) | st.just("db"),
                    "host": st.sampled_from(hosts),
                    "port": st.sampled_from([443, 5432, 6432, 1, 65535]),
                    "localPort": st.integers(13000, 65535) | st.sampled_from([1024, 12999]),
                    "protocol": st.sampled_from(["tcp", "postgres", "https"]),
                    "transparent": st.just(draw(st.booleans())),
                }
            ),
            max_size=5,
            unique_by=(
                lambda each: each["name"],
                lambda each: each["localPort"],
                lambda each: (each["host"], each["port"]),
            ),
        )
    )


@st.composite
def _waves(draw: st.DrawFn, names: Sequence[str]) -> list[Json]:
    count = draw(st.integers(1, min(3, len(names))))
    title = labels(rendered.LONGEST_WAVE)
    titles = draw(st.lists(title, min_size=count, max_size=count, unique=True))
    named = [[names[0]], list(names[1:-1]) or [names[-1]]][: count - 1]
    first = [{"name": t, "nodes": nodes} for t, nodes in zip(titles, named, strict=False)]
    return [*first, {"name": titles[-1]}]


@st.composite
def stacks(draw: st.DrawFn) -> Stack:
    """A stack with every name, port and address made up."""
    name = draw(_STACKS)
    nodes = draw(_nodes())
    names = [each["name"] for each in nodes]
    return Stack(
        name,
        {
            "nodes": nodes,
            "exitNodes": draw(_exit_nodes(names)),
            "egress": configured("egress", name) | draw(_egress(names)),
            "cluster": configured("cluster", name) | draw(_CLUSTER),
            "tailnet": configured("tailnet", name) | draw(_TAILNET),
            "monitoring": draw(_MONITORING),
            "externalSecrets": draw(st.none() | _external_secrets(name)),
            "firewall": configured("firewall", name)
            | {"extra": [{"cidr": c, "description": "an office"} for c in draw(_ADMITTED)]},
        },
    )


@st.composite
def _egress(draw: st.DrawFn, names: Sequence[str]) -> Json:
    images = ["envoy:v1.40.0", f"r.io:5000/a/e@sha256:{'0' * 64}"]
    urls = ["https://ipinfo.io/ip", "http://8.8.8.8:8080/?a=b"]
    return {
        "destinations": draw(_destinations()),
        "waves": draw(_waves(names)),
        "envoyImage": draw(st.sampled_from(images)),
        "egressIpUrl": draw(st.sampled_from(urls)),
        "gateSeconds": draw(st.sampled_from([10, 300, 3600])),
        "tolerations": draw(_tolerations()),
    }


_SERVERS = st.sampled_from(
    ["198.51.100.7:6443", "198.51.100.7:443", "[2001:db8:7::1]:6443", "10.9.0.4:6443"]
)
_CLUSTER = st.fixed_dictionaries(
    {
        "serviceCidr": st.sampled_from(["10.43.0.0/16", "10.43.0.0/29"]),
        "apiServer": st.none() | _SERVERS | st.lists(_SERVERS, min_size=1, max_size=4, unique=True),
    }
)
_RANGES = st.sampled_from(["192.200.0.0/24", "1.2.0.0/16", "8.8.8.8/32"])
_TAILNET = st.fixed_dictionaries({"serviceRanges": st.lists(_RANGES, min_size=1, max_size=4)})
_MONITORING = st.fixed_dictionaries(
    {"enabled": st.just("always"), "prometheusNamespace": labels(), "labels": _LABELS_OF_NODES}
)
_ADMITTED = st.lists(st.sampled_from(["198.51.100.0/24", "203.0.113.7"]), max_size=2, unique=True)


@st.composite
def _external_secrets(draw: st.DrawFn, stack: str) -> Json:
    group: Json = copy.deepcopy(configured("externalSecrets", stack))
    group["crds"] = str(CRDS)
    store, secret = group["stores"][0], group["secrets"][0]
    store |= {"name": draw(labels()), "namespace": draw(labels())}
    long = st.builds(".".join, st.lists(labels(), min_size=3, max_size=4))
    secret |= {"store": store["name"], "name": draw(labels() | long)}
    return group


# Just over a limit, taken by something else, or wrong in a way that somebody may think is right.
_WRONG = (
    *("a" * (longest + 1) for longest in (*_LIMITS, LONGEST_LABEL)),
    *("10.42.0.9", "fe80::1", "fe80::1%eth0", "127.0.0.1", "::ffff:1.2.3.4", "1.2.3", "10.0.0.1"),
    *("0.0.0.0/0", "10.0.0.0/8", "18.0.0.0/8", "198.51.0.0/16", "10.42.0.9:6443", "::1:1"),
    *("oceanid-gateway", "deny-all", "1-exit", "socks5", "echo", "direct-db", "a b", "/x"),
    *("18.116.211.217", "DB.example.org", "db.svc.cluster.local", "com", "E:v1.40.0"),
    *("envoy:1.40.0-latest", "https://db.example.org/", "http://[::1]/"),
    *("node.kubernetes.io/unschedulable", 1080, 3128, 9000, 9901, 11081, 12082, 6443),
)


@st.composite
def spoiled(draw: st.DrawFn) -> Stack:
    """A stack as its file has it but for one value, which is anything, or right elsewhere only."""
    name = draw(_STACKS)
    document = {key: copy.deepcopy(configured(key, name)) for key in _KEYS}
    # A file that is read, not a value that is rendered.
    document["externalSecrets"]["crds"] = str(CRDS)
    places = [each for each in _leaves(document) if each[1] != "crds"]
    parent, key = draw(st.sampled_from(places))
    parent[key] = draw(
        st.text(max_size=80)
        | st.text("ab.-:/@_0 9", max_size=70)
        | st.integers(-1, 70000)
        | st.sampled_from([None, True, "", "-", "0.0.0.0", "::", "x.svc", "\n", "1e3"])
        | st.sampled_from(_WRONG)
    )
    return Stack(name, document)


def _leaves(tree: Any) -> Iterator[tuple[Any, Any]]:
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(value, dict | list):
            yield from _leaves(value)
        else:
            yield tree, key

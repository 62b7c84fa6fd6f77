"""Configurations of a stack, made up: right ones, ones at a limit, and ones just over it."""

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import strategies as st

from components.cluster.labels import LONGEST_LABEL
from settings import parse, rendered
from tests.components.generated_tolerations import PARTITION, tolerations
from workshop.testing.recording import CRDS, Recording, configured, encoded, record_stack

Json = dict[str, Any]
# Key, value, rule, remedy.
_LINE = re.compile(r"[^\s=]+( = .*)?: .+: .+", re.DOTALL)
_STACKS = st.sampled_from(["dev", "prod"])
_LABEL = LONGEST_LABEL
_ODD = ("10.42.0.9", "fe80::1", "fe80::1%eth0", "127.0.0.1", "::ffff:1.2.3.4")
_KEYS = (
    *("cluster", "nodes", "tailnet", "egress", "firewall"),
    *("externalSecrets", "monitoring", "exitNodes"),
)
_SPOILED = (
    *(key for key in _KEYS if key not in {"egress", "externalSecrets"}),
    *("waves", "image", "url", "name", "host", "port", "transparent", "tolerations"),
)


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


def labels(longest: int = _LABEL, *, over: bool = False) -> st.SearchStrategy[str]:
    """DNS labels, short or at the limit; with `over` one character longer as well."""
    lengths = [1, 3, 9, 9, longest, *([min(longest + 1, _LABEL)] if over else [])]
    ends, inside = "ab9", "a9-"
    return st.sampled_from(lengths).flatmap(
        lambda n: st.builds(
            lambda first, middle, last: f"{first}{middle}{last}"[:n].rstrip("-"),
            st.sampled_from(ends),
            st.text(inside, min_size=max(n - 2, 0), max_size=max(n - 2, 0)),
            st.sampled_from(ends),
        )
    )


def _pool(right: Sequence[Any], wrong: Sequence[Any], *, over: bool) -> st.SearchStrategy[Any]:
    return st.sampled_from([*right, *(wrong if over else ())])


@st.composite
def _nodes(draw: st.DrawFn, *, over: bool) -> list[Json]:
    exit_node = labels(rendered.LONGEST_EXIT_NODE, over=over)
    names = draw(st.lists(exit_node, min_size=1, max_size=4, unique=True))
    in_cluster = labels() | st.builds("{}.{}".format, labels(31, over=over), labels(31, over=over))
    return [
        {
            "name": name,
            "address": draw(
                st.just(f"203.0.113.{at + 1}") | _pool([f"2001:db8::{at + 1}"], _ODD, over=over)
            ),
            "kubernetesName": draw(st.none() | in_cluster.map(partial(_beginning, str(at)))),
            "labels": draw(_labels(over=over)),
        }
        for at, name in enumerate(names)
    ]


def _beginning(character: str, name: str) -> str:
    return f"{character}{name[1:]}"


def _labels(*, over: bool) -> st.SearchStrategy[dict[str, str]]:
    names = _pool(["oceanid.node/name", "zone", "x" * 63], ["a b", "x" * 64, "/x"], over=over)
    values = _pool(["", "a", "a_b.C-9", "v" * 63], ["-", "v" * 64, "a b"], over=over)
    return st.dictionaries(names, values, max_size=2)


@st.composite
def _exit_nodes(draw: st.DrawFn, names: Sequence[str], *, over: bool) -> list[Json]:
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
    hostname = labels(rendered.LONGEST_HOSTNAME, over=over)
    taken = st.sampled_from(["oceanid-gateway", "deny-all", "1-exit"]) if over else st.nothing()
    hostnames = [
        draw(hostname.map(partial(_beginning, "efg"[at])) | taken) for at in range(len(chosen))
    ]
    tolerated = tolerations(PARTITION, over=over)
    return [
        {
            "node": name,
            "hostname": hostname,
            "egressAddress": f"157.173.210.{at + 1}",
            "tolerations": draw(tolerated),
        }
        for at, (name, hostname) in enumerate(zip(chosen, hostnames, strict=True))
    ]


@st.composite
def _destinations(draw: st.DrawFn, spoiled: str | None) -> list[Json]:
    hosts = _pool(
        ["db.example.org", "s3.example.org", "a.s3.example.org", f"{'h' * 63}.example.org"],
        ["18.116.211.217", "DB.example.org", "db.svc.cluster.local", "10.0.0.1", "1.2.3", "com"],
        over=spoiled == "host",
    )
    own = [1080, 3128, 9000, 9002, 9003, 9901, 11080, 11081, 12080, 12082]
    transparent = draw(st.booleans())
    return draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "name": labels(rendered.LONGEST_TRANSPARENT, over=spoiled == "name")
                    | _pool(["db"], ["socks5", "echo", "direct-db"], over=spoiled == "name"),
                    "host": hosts,
                    "port": st.sampled_from([443, 5432, 6432, 1, 65535]),
                    "localPort": st.integers(13000, 65535)
                    | _pool([1024, 12999], own, over=spoiled == "port"),
                    "protocol": st.sampled_from(["tcp", "postgres", "https"]),
                    "transparent": st.booleans()
                    if spoiled == "transparent"
                    else st.just(transparent),
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
def _waves(draw: st.DrawFn, names: Sequence[str], *, over: bool) -> list[Json]:
    count = draw(st.integers(1, min(3, len(names))))
    title = labels(rendered.LONGEST_WAVE, over=over)
    titles = draw(st.lists(title, min_size=count, max_size=count, unique=True))
    named = [[names[0]], list(names[1:-1]) or [names[-1]]][: count - 1]
    first = [{"name": t, "nodes": nodes} for t, nodes in zip(titles, named, strict=False)]
    return [*first, {"name": titles[-1]}]


@st.composite
def stacks(draw: st.DrawFn, *, over: bool = False) -> Stack:
    """A stack with every name, port and address made up; with `over`, one key may be wrong."""
    name = draw(_STACKS)
    spoiled = draw(st.sampled_from(_SPOILED)) if over else None
    nodes = draw(_nodes(over=spoiled == "nodes"))
    names = [each["name"] for each in nodes]
    return Stack(
        name,
        {
            "nodes": nodes,
            "exitNodes": draw(_exit_nodes(names, over=spoiled == "exitNodes")),
            "egress": configured("egress", name) | draw(_egress(names, spoiled)),
            "cluster": configured("cluster", name) | draw(_cluster(over=spoiled == "cluster")),
            "tailnet": configured("tailnet", name) | draw(_tailnet(over=spoiled == "tailnet")),
            "monitoring": draw(_monitoring(over=spoiled == "monitoring")),
            "externalSecrets": draw(st.none() | _external_secrets(name)),
            "firewall": configured("firewall", name)
            | {"extra": draw(_admitted(over=spoiled == "firewall"))},
        },
    )


@st.composite
def _egress(draw: st.DrawFn, names: Sequence[str], spoiled: str | None) -> Json:
    images = _pool(
        ["envoy:v1.40.0", f"r.io:5000/a/e@sha256:{'0' * 64}"],
        ["envoy:1.40.0-latest", "E:v1.40.0"],
        over=spoiled == "image",
    )
    urls = _pool(
        ["https://ipinfo.io/ip", "http://8.8.8.8:8080/?a=b"],
        ["https://db.example.org/", "http://[::1]/"],
        over=spoiled == "url",
    )
    return {
        "destinations": draw(_destinations(spoiled)),
        "waves": draw(_waves(names, over=spoiled == "waves")),
        "envoyImage": draw(images),
        "egressIpUrl": draw(urls),
        "gateSeconds": draw(st.sampled_from([10, 300, 3600])),
        "tolerations": draw(tolerations(over=spoiled == "tolerations")),
    }


def _cluster(*, over: bool) -> st.SearchStrategy[Json]:
    services = _pool(["10.43.0.0/16", "10.43.0.0/29"], ["0.0.0.0/0", "10.0.0.0/8"], over=over)
    right = ["198.51.100.7:6443", "198.51.100.7:443", "[2001:db8:7::1]:6443", "10.9.0.4:6443"]
    server = _pool(right, ["10.42.0.9:6443", "127.0.0.1:1", "1.1.1.1", "::1:1", 6443], over=over)
    several = st.lists(server, min_size=0 if over else 1, max_size=4, unique=not over)
    return st.fixed_dictionaries(
        {"serviceCidr": services, "apiServer": st.none() | server | several}
    )


def _tailnet(*, over: bool) -> st.SearchStrategy[Json]:
    ranges = _pool(["192.200.0.0/24", "1.2.0.0/16", "8.8.8.8/32"], ["18.0.0.0/8"], over=over)
    return st.fixed_dictionaries(
        {"serviceRanges": st.lists(ranges, min_size=0 if over else 1, max_size=4)}
    )


def _monitoring(*, over: bool) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {
            "enabled": st.just("always"),
            "prometheusNamespace": labels(),
            "labels": _labels(over=over),
        }
    )


def _admitted(*, over: bool) -> st.SearchStrategy[list[Json]]:
    cidrs = _pool(["198.51.100.0/24", "203.0.113.7"], ["198.51.0.0/16", "0.0.0.0/0"], over=over)
    return st.lists(cidrs, max_size=2, unique=True).map(
        lambda found: [{"cidr": cidr, "description": "an office"} for cidr in found]
    )


@st.composite
def _external_secrets(draw: st.DrawFn, stack: str) -> Json:
    group: Json = copy.deepcopy(configured("externalSecrets", stack))
    group["crds"] = str(CRDS)
    store, secret = group["stores"][0], group["secrets"][0]
    store |= {"name": draw(labels()), "namespace": draw(labels())}
    long = st.builds(".".join, st.lists(labels(), min_size=3, max_size=4))
    secret |= {"store": store["name"], "name": draw(labels() | long)}
    return group


@st.composite
def spoiled(draw: st.DrawFn) -> Stack:
    """A stack as its file has it but for one value, which is anything."""
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
        | st.sampled_from([None, True, "", "-", "0.0.0.0", "::", "a" * 64, "x.svc", "\n", "1e3"])
    )
    return Stack(name, document)


def _leaves(tree: Any) -> Iterator[tuple[Any, Any]]:
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(value, dict | list):
            yield from _leaves(value)
        else:
            yield tree, key

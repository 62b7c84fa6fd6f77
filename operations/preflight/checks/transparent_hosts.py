"""Whether the cluster's DNS can answer the transparent hosts, and nobody else answers them.

CoreDNS ends at once where two of its server blocks have one zone, and takes the DNS of the whole
cluster with it. A DNS next to it, such as NodeLocal DNSCache, has zones of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from components.cluster.labels import DNS_CONFIG, DNS_KEY
from operations.kubernetes.objects import name_of
from operations.preflight.corefile import Block, CorefileError, Reading, has_variable, zone_of
from operations.preflight.finding import PreflightFinding, fail, listed, ok, warn
from operations.preflight.view import Kind, View
from settings import Settings

_SERVER = "*.server"
# On k3s, the names of nodes are in another key of the same ConfigMap.
_COREFILE, _NODES = "Corefile", "NodeHosts"
_REVERSE = (".in-addr.arpa.", ".ip6.arpa.")
# NodeLocal DNSCache replaces this word with the address of the cluster's DNS.
_CLUSTER_DNS = "__PILLAR__CLUSTER__DNS__"
_GUIDE = "docs/runbooks/egress.md#the-clusters-dns-cannot-take-a-transparent-host"


@dataclass(frozen=True, kw_only=True)
class _File:
    """One key of a ConfigMap in kube-system; `broken` says why CoreDNS cannot read all of it.

    `with_own` is whether CoreDNS reads it together with the stack's own key.
    """

    where: str
    blocks: Sequence[Block]
    with_own: bool
    broken: str = ""

    @property
    def cluster_names(self) -> list[str]:
        """What its `kubernetes` plugins answer, as written; empty if it is not the cluster's."""
        return [
            name
            for block in self.blocks
            for arguments in block.arguments("kubernetes")
            for name in arguments or block.keys
        ]


def check(settings: Settings, cluster: View) -> Iterator[PreflightFinding]:
    """A finding for each conflict with a transparent host; none at all without such a host."""
    destinations = settings.egress.destinations
    hosts = sorted({destination.host for destination in destinations if destination.transparent})
    if not hosts:
        return
    maps: dict[str, dict[str, str]] = {
        name_of(config_map): config_map.get("data") or {}
        for config_map in cluster.items(Kind.SYSTEM_CONFIG_MAPS)
    }
    corefiles, custom = _read(maps)
    conflicts = [
        *_not_imported(corefiles),
        *(finding for file in (*corefiles, *custom) for finding in _in_file(file, hosts)),
        *_past(corefiles, hosts),
        *_node_names(maps, hosts),
    ]
    yield from conflicts
    if not conflicts:
        what = "CoreDNS reads coredns-custom, and no other key there answers them"
        yield ok(listed(hosts), what)


def _read(maps: Mapping[str, Mapping[str, str]]) -> tuple[list[_File], list[_File]]:
    """The Corefiles, and the keys of others in coredns-custom that are read with the stack's."""
    corefiles = []
    patterns: list[str] = []
    # The snippets of a Corefile may stand in the keys that it imports.
    importing: Reading | None = None
    for config_map, data in maps.items():
        if _COREFILE not in data:
            continue
        reading = Reading()
        file = _file(f"ConfigMap {config_map}, key {_COREFILE}", data[_COREFILE], reading)
        corefiles.append(file)
        if file.with_own:
            patterns += reading.imports
            importing = reading if importing is None or file.cluster_names else importing
    custom = [
        _file(f"ConfigMap {DNS_CONFIG}, key {key}", text, importing or Reading(), with_own=True)
        for key, text in sorted(maps.get(DNS_CONFIG, {}).items())
        # Keys that end in .override are read within a block and define no zone.
        if key != DNS_KEY and _imported(key, patterns or [_SERVER])
    ]
    return corefiles, custom


def _file(where: str, text: str, reading: Reading, *, with_own: bool = False) -> _File:
    before = len(reading.blocks)
    broken = ""
    try:
        reading.read(text)
    except CorefileError as error:
        broken = str(error)
    return _File(
        where=where,
        blocks=reading.blocks[before:],
        with_own=with_own or _imported(DNS_KEY, reading.imports),
        broken=broken,
    )


def _imported(key: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(key, pattern.rpartition("/")[2]) for pattern in patterns)


def _not_imported(corefiles: Sequence[_File]) -> Iterator[PreflightFinding]:
    """Each DNS of the cluster reads the stack's key; a Corefile of anything else does not count."""
    of_cluster = [file for file in corefiles if file.cluster_names]
    missing = [
        (
            file.where,
            f"it is the cluster's DNS and does not import the key {DNS_KEY} of {DNS_CONFIG}",
        )
        for file in of_cluster
        if not file.with_own
    ]
    if not of_cluster:
        missing = [("kube-system", f"no Corefile with a kubernetes plugin imports {DNS_CONFIG}")]
    for where, what in missing:
        yield fail(
            where,
            f"{what}: the hosts would not be answered, and clients would leave by their nodes' own "
            "addresses",
            f"add `import …/{_SERVER}` to CoreDNS' Corefile and mount {DNS_CONFIG} there, as k3s "
            f"does, or remove transparent; delete a Corefile that nothing uses: {_GUIDE}",
        )


def _in_file(file: _File, hosts: Sequence[str]) -> Iterator[PreflightFinding]:
    if file.broken:
        yield warn(
            file.where,
            f"CoreDNS cannot read it: {file.broken}",
            "correct it: CoreDNS keeps its last configuration until it restarts, and then ends",
        )
    for block in file.blocks:
        for key in block.keys:
            yield from _of_key(key, file, hosts)
    yield from _of_cluster(file.cluster_names, file.where, hosts)


def _of_key(key: str, file: _File, hosts: Sequence[str]) -> Iterator[PreflightFinding]:
    where = file.where
    if has_variable(key):
        yield warn(
            where,
            f"it answers {key}, whose value is in CoreDNS' environment and was not compared",
            "make sure that it is none of the transparent hosts",
        )
        return
    zone = zone_of(key)
    for host in hosts:
        if zone == f"{host}." and file.with_own:
            yield fail(
                where,
                f"it answers {host} too: CoreDNS does not start with a zone twice, and the "
                "cluster would have no DNS",
                f"remove that block, or transparent from the destinations of {host}: {_GUIDE}",
            )
        elif zone is not None and zone.endswith(f".{host}."):
            yield warn(
                where,
                f"it answers {zone.removesuffix('.')}, a name under the transparent host {host}: "
                "clients of that name do not reach the gateway",
                "remove that block if they should",
            )


def _of_cluster(
    names: Sequence[str], where: str, hosts: Sequence[str]
) -> Iterator[PreflightFinding]:
    """The cluster's own names: a transparent host under or above them would take them over."""
    for zone in filter(None, map(zone_of, names)):
        if not _is_domain(zone):
            continue
        for host in hosts:
            if f".{host}.".endswith(f".{zone}") or f".{zone}".endswith(f".{host}."):
                yield fail(
                    where,
                    f"the cluster's own names end in {zone.removesuffix('.')}, which overlaps the "
                    f"transparent host {host}",
                    f"remove transparent from the destinations of {host}",
                )


def _is_domain(zone: str) -> bool:
    return zone != "." and not f".{zone}".endswith(_REVERSE)


def _past(corefiles: Sequence[_File], hosts: Sequence[str]) -> Iterator[PreflightFinding]:
    """A DNS next to the cluster's, such as NodeLocal DNSCache, that sends a host elsewhere."""
    # A block of a key in upper case answers in CoreDNS 1.15, and never in 1.14: both are judged.
    names = {
        zone
        for file in corefiles
        for zone in map(zone_of, file.cluster_names)
        if zone is not None and _is_domain(zone)
    }
    for file in corefiles:
        if file.with_own or file.cluster_names:
            continue
        of_cluster = sorted(
            {
                address
                for block in file.blocks
                if not names.isdisjoint(map(zone_of, block.keys))
                for arguments in block.arguments("forward")
                for address in arguments[1:]
            }
        ) or [_CLUSTER_DNS]
        answering = [_in_lower_case(block) for block in file.blocks]
        for host in hosts:
            own = {_CLUSTER_DNS, *of_cluster}
            if any(_passes(blocks, f"{host}.", own) for blocks in (file.blocks, answering)):
                yield warn(
                    file.where,
                    f"it does not ask the cluster's DNS for {host}: pods that ask this DNS reach "
                    f"{host} by the node's own address",
                    f"add a block `{host}:53` to it with `forward . {' '.join(of_cluster)}` and "
                    "the `bind` line of its other blocks, or remove transparent from the "
                    f"destinations of {host}: {_GUIDE}",
                )


def _in_lower_case(block: Block) -> Block:
    """The block without the keys that CoreDNS before 1.15 takes for zones of which nobody asks."""
    return replace(block, keys=tuple(key for key in block.keys if key == key.lower()))


def _passes(blocks: Sequence[Block], host: str, of_cluster: set[str]) -> bool:
    """Whether one of the addresses that the blocks bind to forwards `host` past the cluster."""
    # For each address: the zones that take the host in, and where their blocks forward it.
    servers: dict[frozenset[str], dict[str, set[str]]] = {}
    for block in blocks:
        bound = frozenset(word for words in block.arguments("bind") for word in words)
        for zone in filter(None, map(zone_of, block.keys)):
            if _takes_in(zone, host):
                servers.setdefault(bound, {})[zone] = _forwarded(block, host)
    for zones in servers.values():
        nearest = max(zones, key=len)
        forwarded = zones[nearest]
        if nearest == host and forwarded != zones.get(".", set()):
            # A block made for the host is its owner's decision, where it asks another server.
            passes = not forwarded
        else:
            passes = not forwarded <= of_cluster
        if passes:
            return True
    return False


def _forwarded(block: Block, host: str) -> set[str]:
    """The servers that the first `forward` of the block for the host names; empty without one."""
    for arguments in block.arguments("forward"):
        if arguments and _takes_in(zone_of(arguments[0]), host):
            return set(arguments[1:])
    return set()


def _takes_in(zone: str | None, host: str) -> bool:
    return zone == "." or (zone is not None and f".{host}".endswith(f".{zone}"))


def _node_names(
    maps: Mapping[str, Mapping[str, str]], hosts: Sequence[str]
) -> Iterator[PreflightFinding]:
    names = {
        name.lower()
        for data in maps.values()
        for line in (data.get(_NODES, "") if _COREFILE in data else "").splitlines()
        for name in line.partition("#")[0].split()[1:]
    }
    for host in hosts:
        taken = sorted(name for name in names if f".{name}".endswith(f".{host}"))
        if taken:
            yield fail(
                f"node {listed(taken)}",
                f"its name is under the transparent host {host}: pods would reach the gateway in "
                "place of the node",
                f"remove transparent from the destinations of {host}",
            )

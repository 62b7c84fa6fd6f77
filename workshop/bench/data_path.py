"""What the gateway costs: throughput, time to the first byte and CPU, next to its references.

All in one run on one lab with real processes: an application's pod, a node's gateway, the exit node
on another node, a site. The paths take turns within each round, so that what else the machine does
meets all of them; ratios are taken within rounds, and the medians of the rounds are told.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path as Folder
from statistics import median

from components.cluster.ports import HTTP_PORT, SOCKS5_PORT
from workshop.bench.goal import Goal, NotMeasuredError, Results, table
from workshop.bench.path import SITE_PORT, Path, by_http_connect, by_socks5, plain
from workshop.bench.quantile import quantile
from workshop.bench.traffic import Flow, downloaded, first_byte_seconds
from workshop.lab.network.plan import ECHO, STYX, TETHYS
from workshop.lab.node.pod import NodeContainer
from workshop.lab.node.requirement import missing
from workshop.testing.network.traffic import LOOPBACK, OWN_HTTP_PORT, OWN_SOCKS5_PORT
from workshop.testing.nodes.clients import client_on
from workshop.testing.nodes.fleet import Fleet, fleet
from workshop.testing.recording import configured

CONNECTIONS = (1, 8, 64)
_ROUNDS, _SECONDS = 5, 0.8
_FIRST_BYTES = 400
_GOAL_MILLISECONDS, _GOAL_PERCENT = 1.0, 90.0
_DESTINATION_PORT = 15480
_DESTINATION = {
    "name": "site",
    "host": ECHO.host,
    "port": SITE_PORT,
    "localPort": _DESTINATION_PORT,
}
DIRECT = "direct, without any tunnel"
OWN_HTTP, OWN_SOCKS5 = "userspace tailscaled's HTTP proxy", "userspace tailscaled's SOCKS5"
LISTENER, GATEWAY_HTTP, GATEWAY_SOCKS5 = (
    "gateway, a destination's port",
    "gateway, HTTP CONNECT",
    "gateway, SOCKS5",
)
REFERENCES = {LISTENER: OWN_HTTP, GATEWAY_HTTP: OWN_HTTP, GATEWAY_SOCKS5: OWN_SOCKS5}
"""What each way of the gateway goes on through, by itself."""


def results() -> Results:
    """A row a path, and the gateway's ratios below."""
    reason = missing()
    if reason is not None:
        raise NotMeasuredError(reason)
    with (
        tempfile.TemporaryDirectory(prefix="oceanid-bench-") as name,
        paths(Folder(name)) as found,
    ):
        flows, times = measured(found)
    tables = f"{_rows(flows, times)}\n\n{_ratios(flows, times)}"
    return Results(table=tables, goals=tuple(_goals(flows, times)))


@contextmanager
def paths(folder: Folder) -> Iterator[list[Path]]:
    """Every path, on a lab that stands for as long as the block lasts."""
    egress = configured("egress")
    egress["destinations"].append(_DESTINATION)
    with fleet(folder / "fleet", egress=egress) as made:
        made.start_gateways()
        made.until_gateways()
        application = made.application(STYX.name).network
        direct = partial(plain, application, ECHO.address, SITE_PORT)
        yield [Path(name=DIRECT, connect=direct, processes={}), *_userspace(made)]


def _userspace(made: Fleet) -> list[Path]:
    """tailscaled's own proxies, and the gateway in front of the very same tailscaled."""
    pod = made.gateway(STYX.name)
    inside = pod.network
    client = client_on(made, STYX.name)
    application, gateway = client.network, client.gateway
    own = {
        "tailscaled": _programs(pod.container(f"tailscale-{TETHYS.name}")),
        "exit node": _programs(made.exit_node(TETHYS.name).container("tailscale")),
    }
    ours = {"Envoy": _programs(pod.container("envoy")), **own}
    ways = (
        (OWN_HTTP, by_http_connect, inside, LOOPBACK, OWN_HTTP_PORT, own),
        (LISTENER, plain, application, gateway, _DESTINATION_PORT, ours),
        (GATEWAY_HTTP, by_http_connect, application, gateway, HTTP_PORT, ours),
        (OWN_SOCKS5, by_socks5, inside, LOOPBACK, OWN_SOCKS5_PORT, own),
        (GATEWAY_SOCKS5, by_socks5, application, gateway, SOCKS5_PORT, ours),
    )
    return [
        Path(name=name, connect=partial(connect, namespace, address, port), processes=processes)
        for name, connect, namespace, address, port, processes in ways
    ]


def _programs(container: NodeContainer) -> list[int]:
    """Those that carry traffic, not what starts and ends with them."""
    found = []
    for pid in container.processes():
        with suppress(OSError):  # it may have ended by now
            if Folder(f"/proc/{pid}/comm").read_text().strip() in ("tailscaled", "envoy"):
                found.append(pid)
    return found


Flows = dict[str, dict[int, list[Flow]]]
Times = dict[str, list[float]]


def measured(found: list[Path], rounds: int = _ROUNDS) -> tuple[Flows, Times]:
    """Each path's flows by number of connections, and its seconds to the first byte."""
    flows: Flows = {path.name: {count: [] for count in CONNECTIONS} for path in found}
    times: Times = {path.name: [] for path in found}
    for number in range(rounds):
        print(f"bench: data path, round {number + 1} of {rounds}", flush=True)
        for count in CONNECTIONS:
            for path in found:
                flows[path.name][count].append(downloaded(path, count, _SECONDS))
        for _ in range(_FIRST_BYTES // rounds):
            for path in found:
                times[path.name].append(first_byte_seconds(path))
    return flows, times


def _rows(flows: Flows, times: Times) -> str:
    programs = ("Envoy", "tailscaled", "exit node")
    head = ["path", *(f"MB/s, {count} conn." for count in CONNECTIONS)]
    head += ["first byte p50 ms", "p99 ms", f"CPU s/GB: {programs[0]}", *programs[1:]]
    rows = []
    for name, by_count in flows.items():
        cells = [f"{median(f.megabytes_a_second for f in by_count[n]):.0f}" for n in CONNECTIONS]
        cells += [f"{quantile(times[name], part) * 1000:.1f}" for part in (0.5, 0.99)]
        every = [flow for each in by_count.values() for flow in each]
        gigabytes = sum(flow.count for flow in every) / 1e9
        for program in programs:
            cpu = sum(flow.cpu.get(program, 0.0) for flow in every)
            cells.append(f"{cpu / gigabytes:.1f}" if program in every[0].cpu else "")
        rows.append([name, *cells])
    return table(head, rows)


def _ratios(flows: Flows, times: Times) -> str:
    head = [*(f"throughput, {count} conn." for count in CONNECTIONS), "first byte p50"]
    rows = []
    for name in REFERENCES:
        cells = [f"{ratio(flows, name, count):.0%}" for count in CONNECTIONS]
        more = _later(times, name) * 1000
        rows.append([name, *cells, f"{more:+.2f} ms"])
    return table(["the gateway against what is behind it", *head], rows)


def _goals(flows: Flows, times: Times) -> Iterator[Goal]:
    for name, reference in REFERENCES.items():
        against = f"{name}, against {reference}"
        yield Goal(
            name=f"{against}: first byte later, p50",
            found=_later(times, name) * 1000,
            limit=_GOAL_MILLISECONDS,
            unit=" ms",
        )
        for count in CONNECTIONS:
            yield Goal(
                name=f"{against}: throughput, {count} conn.",
                found=ratio(flows, name, count) * 100,
                limit=_GOAL_PERCENT,
                unit=" %",
                at_least=True,
            )


def ratio(flows: Flows, name: str, count: int) -> float:
    """The median of the rounds' ratios of throughput, against the path's reference."""
    pairs = zip(flows[name][count], flows[REFERENCES[name]][count], strict=True)
    return median(ours.megabytes_a_second / other.megabytes_a_second for ours, other in pairs)


def _later(times: Times, name: str) -> float:
    """Seconds by which half of the first bytes are later than the path's reference's."""
    return quantile(times[name], 0.5) - quantile(times[REFERENCES[name]], 0.5)

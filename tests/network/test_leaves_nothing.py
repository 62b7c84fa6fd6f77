"""However a run ends, the kernel takes away what it made; and runs do not meet."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from workshop.lab.network.internet import Internet
from workshop.lab.network.plan import ECHO, STYX, TETHYS
from workshop.lab.network.process import Process
from workshop.lab.network.topology import laid
from workshop.testing.recording import REPOSITORY
from workshop.testing.waiting import until

pytestmark = pytest.mark.network

# A shell starts a job in the background with SIGINT ignored, and what it starts inherits that.
_RUN = """
import json, os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from workshop.lab.network.plan import STYX, TETHYS
from workshop.testing.network.fleet import fleet

with fleet(Path(sys.argv[1]), nodes=(TETHYS, STYX)) as made:
    made.start_gateway(STYX.name)
    made.until_ready()
    pods = (*made.exit_nodes.values(), *made.gateways.values())
    containers = [each for pod in pods for each in pod.containers.values()]
    inside = [pid for each in containers for pid in each.processes()]
    nodes = [made.topology.internet, *(each.namespace for each in made.topology.nodes.values())]
    spaces = [each.path for each in nodes]
    spaces += [f"/proc/{pid}/ns/{kind}" for pid in inside for kind in ("mnt", "net", "pid")]
    print(json.dumps({
        "programs": [Path(f"/proc/{pid}/comm").read_text().strip() for pid in inside],
        "spaces": [os.readlink(each) for each in spaces],
    }), flush=True)
    time.sleep(600)
"""


def _of_processes(file: str, read: Callable[[Path], str]) -> set[str]:
    """What every process there is has in this file of its folder in /proc."""
    found = set()
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            # It may have ended by now.
            with suppress(OSError):
                found.add(read(process / file))
    return found


def _in_use() -> set[str]:
    """Every namespace that a process is in."""
    kinds = ("mnt", "net", "pid")
    return set().union(
        *(_of_processes(f"ns/{kind}", lambda place: str(place.readlink())) for kind in kinds)
    )


def _mounted(folder: Path) -> list[str]:
    """Every mount of something in that folder, in whichever mount namespace."""
    tables = _of_processes("mountinfo", Path.read_text)
    return [line for table in tables for line in table.splitlines() if str(folder) in line]


def _left_on_this_machine() -> tuple[set[str], set[str]]:
    """The mounts of the machine itself, and the network namespaces that have a name."""
    named = Path("/run/netns")
    return (
        set(Path("/proc/self/mountinfo").read_text().splitlines()),
        {each.name for each in named.iterdir()} if named.exists() else set(),
    )


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_leaves_no_namespace_no_process_and_no_mount(
    end: signal.Signals, tmp_path: Path
) -> None:
    before = _left_on_this_machine()
    temporary, folder = tmp_path / "temporary", tmp_path / "fleet"
    temporary.mkdir()
    run = subprocess.Popen(
        [sys.executable, "-c", _RUN, str(folder)],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with run:
        assert run.stdout is not None
        said = json.loads(run.stdout.readline())
        spaces = set(said["spaces"])
        assert {"containerboot", "tailscaled", "envoy"} <= set(said["programs"])
        assert spaces <= _in_use()
        assert _mounted(folder)
        run.send_signal(end)
    # The servers in it ended with it, for each of them would keep its namespaces.
    until(lambda: not spaces & _in_use(), "no namespace of the run is in use")
    assert _mounted(folder) == []
    assert _left_on_this_machine() == before
    # What it was given for its files stays, with what it wrote there; elsewhere it wrote nothing.
    assert list(temporary.iterdir()) == []


def test_two_labs_with_the_same_addresses_do_not_meet(tmp_path: Path) -> None:
    with laid((TETHYS,)) as one, laid((TETHYS, STYX)) as other:
        first = Internet.start(one.internet, tmp_path / "one")
        second = Internet.start(other.internet, tmp_path / "other")
        try:
            assert first.api_key != second.api_key
            for internet in (first, second):
                with internet.namespace.entered(), internet.tailnet_api() as client:
                    assert client.get("/api/v2/tailnet/-/devices").json() == {"devices": []}
        finally:
            first.end()
            second.end()


def test_nothing_in_it_leads_outside() -> None:
    with laid((TETHYS,)) as topology:
        pod = topology.nodes[TETHYS.name].add_pod("curious")
        places = [topology.internet, topology.nodes[TETHYS.name].namespace, pod.namespace]
        for namespace in places:
            with namespace.entered(), socket.socket() as probe:
                probe.settimeout(2)
                # An address that the lab does not have; of this machine's network it knows none.
                with pytest.raises(OSError, match=r"unreachable|timed out"):
                    probe.connect(("192.0.2.200", 80))
        assert "default" not in topology.internet.run(["ip", "route"])
        pod.end()


def test_a_container_is_an_ordinary_user_on_a_file_system_it_cannot_write(tmp_path: Path) -> None:
    with laid((TETHYS,)) as topology:
        folder = tmp_path / "root"
        folder.mkdir()
        root = {
            "folder": str(folder),
            "mounts": [{"source": "/usr", "target": "/usr", "writable": False}],
            "links": {"/bin": "usr/bin", "/lib": "usr/lib", "/lib64": "usr/lib64"},
            "files": {"/etc/passwd": "pod:x:1000:1000::/:/bin/sh\n"},
            "hostname": "pod",
            "user": 1000,
            "group": 1000,
        }
        script = (
            "id -u; grep -E 'Cap(Eff|Bnd)|NoNewPrivs' /proc/self/status;"
            " for place in / /usr /etc; do touch $place/new || echo refused; done; ls /proc | head"
        )
        log = tmp_path / "log"
        process = Process.start(
            "pod",
            topology.internet,
            ["/bin/sh", "-c", script],
            log=log,
            root=root,
            environment={"PATH": "/usr/bin"},
        )
        assert process.wait(20) == 0
        said = log.read_text().split()
        assert said[0] == "1000"
        assert said.count("0000000000000000") == 2
        assert said[said.index("NoNewPrivs:") + 1] == "1"
        assert said.count("refused") == 3
        # It sees no process but its own.
        assert "1" in said
        assert str(process.launcher.pid) not in said


def test_the_site_is_there_for_a_pod(tmp_path: Path) -> None:
    with laid((STYX,)) as topology:
        internet = Internet.start(topology.internet, tmp_path / "internet")
        pod = topology.nodes[STYX.name].add_pod("direct")
        try:
            with pod.namespace.entered():
                connection = socket.create_connection((str(ECHO.address), 80), timeout=5)
            with connection:
                connection.sendall(
                    b"GET /ip HTTP/1.1\r\nHost: ipinfo.io\r\nConnection: close\r\n\r\n"
                )
                assert connection.makefile("rb").read().endswith(f"{STYX.outside}\n".encode())
        finally:
            pod.end()
            internet.end()

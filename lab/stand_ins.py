"""The lab's stand-ins of outside APIs, as lab services. docs/stand-ins.md lists what differs."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import httpx

from lab import processes
from lab.home import REPOSITORY, Home, LabError
from lab.processes import Service

NAMES = ("tailscale-api", "simulated-devices", "simulated-checks")
NOTICE = (
    "stand-ins in use: tailscale-api and simulated-devices for Tailscale's service and the "
    "tailscaled processes, simulated-checks for the gate's; pods are simulated by kwok"
)
_SECONDS_TO_START = 20.0


def start(home: Home) -> list[str]:
    """Start what does not run, and return its names; the API server must run."""
    started = [
        service.name
        for service in (_tailscale_api(home), _simulated_devices(home), _simulated_checks(home))
        if processes.start(home, service)
    ]
    _wait(home)
    return started


def environment(home: Home) -> dict[str, str]:
    """What a program needs in its environment to use the stand-ins as it would the real APIs."""
    return {
        "TAILSCALE_BASE_URL": _tailscale_url(home),
        "TAILSCALE_API_KEY": _credentials(home).read_text().strip(),
    }


def _tailscale_api(home: Home) -> Service:
    return _python(
        "tailscale-api",
        "lab.tailscale_api",
        f"--port={home.port('tailscale-api')}",
        f"--state={home.path / 'tailscale-api.json'}",
        f"--credentials={_credentials(home)}",
        f"--policy={REPOSITORY / 'lab' / 'tailnet-policy.hujson'}",
    )


def _simulated_devices(home: Home) -> Service:
    return _python(
        "simulated-devices",
        "lab.simulated_devices",
        f"--kubeconfig={home.kubeconfig}",
        f"--api-url={_tailscale_url(home)}",
    )


def _simulated_checks(home: Home) -> Service:
    return _python(
        "simulated-checks",
        "lab.simulated_checks",
        f"--kubeconfig={home.kubeconfig}",
        f"--faults={home.check_faults}",
    )


def _python(name: str, module: str, *arguments: str) -> Service:
    return Service(
        name=name,
        argv=(sys.executable, "-m", module, *arguments),
        environment={"PYTHONPATH": str(REPOSITORY)},
    )


def _tailscale_url(home: Home) -> str:
    return f"http://127.0.0.1:{home.port('tailscale-api')}"


def _credentials(home: Home) -> Path:
    return home.path / "tailscale-api-key"


def _wait(home: Home) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline:
        for name in NAMES:
            processes.assert_alive(home, name)
        try:
            # Any answer will do, and 401 is the right one without a key.
            httpx.get(f"{_tailscale_url(home)}/api/v2/tailnet/-/acl", timeout=2, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise LabError(f"the Tailscale stand-in does not answer: see {home.logs}")

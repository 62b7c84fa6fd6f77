"""The lab's stand-ins of outside APIs, as lab services. docs/stand-ins.md lists what differs."""

import sys
from pathlib import Path

import httpx

from components.cluster.variables import ESC_ACCESS_TOKEN, ESC_API_URL
from providers.plugin.variables import (
    CRUNCHY_API_KEY,
    CRUNCHYBRIDGE_BASE_URL,
    TAILSCALE_API_KEY,
    TAILSCALE_BASE_URL,
)
from workshop.lab import processes
from workshop.lab.home import REPOSITORY, Home
from workshop.lab.processes import Service
from workshop.lab.waiting import until

APIS = ("tailscale-api", "crunchybridge-api", "pulumi-esc")
NAMES = (*APIS, "simulated-devices", "simulated-secrets")
NOTICE = (
    "stand-ins in use: tailscale-api, crunchybridge-api and pulumi-esc for those services' APIs, "
    "simulated-devices and simulated-secrets for what programs in pods would show"
)
# The operators' own network id: the stack's settings are the same in dev and prod.
DATABASE_NETWORK = "ooer7tenangenjelkxbkgz6sdi"
_MORE = {
    "tailscale-api": (f"--policy={REPOSITORY / 'workshop/lab/tailnet-policy.hujson'}",),
    "crunchybridge-api": (f"--network={DATABASE_NETWORK}",),
}
_SECONDS_TO_START = 20.0


def start(home: Home) -> list[str]:
    """Start what does not run, and return its names; the API server must run."""
    started = [
        service.name
        for service in (*_apis(home), _simulated_devices(home), _simulated_secrets(home))
        if processes.start(home, service)
    ]
    _wait(home)
    return started


def environment(home: Home) -> dict[str, str]:
    """What a program needs in its environment to use the stand-ins as it would the real APIs."""
    return {
        TAILSCALE_BASE_URL: _url(home, "tailscale-api"),
        TAILSCALE_API_KEY: credentials(home, "tailscale-api").read_text().strip(),
        CRUNCHYBRIDGE_BASE_URL: _url(home, "crunchybridge-api"),
        CRUNCHY_API_KEY: credentials(home, "crunchybridge-api").read_text().strip(),
        ESC_API_URL: f"{_url(home, 'pulumi-esc')}/api/esc",
        ESC_ACCESS_TOKEN: credentials(home, "pulumi-esc").read_text().strip(),
    }


def _apis(home: Home) -> list[Service]:
    """The stand-ins that serve HTTP on a port and keep their state and their key in files."""
    return [_python(name, *api_arguments(home, name, home.port(name))) for name in APIS]


def api_arguments(home: Home, name: str, port: int) -> tuple[str, ...]:
    """What the stand-in of an API is started with, wherever it listens on that loopback port."""
    return (
        f"--port={port}",
        f"--state={home.path / f'{name}.json'}",
        f"--credentials={credentials(home, name)}",
        *_MORE.get(name, ()),
    )


def _simulated_devices(home: Home) -> Service:
    return _python(
        "simulated-devices",
        f"--kubeconfig={home.kubeconfig}",
        f"--api-url={_url(home, 'tailscale-api')}",
    )


def _simulated_secrets(home: Home) -> Service:
    return _python("simulated-secrets", f"--kubeconfig={home.kubeconfig}")


def _python(name: str, *arguments: str) -> Service:
    """The service that is the module of the same name."""
    return Service(
        name=name,
        argv=(sys.executable, "-m", f"workshop.lab.{name.replace('-', '_')}", *arguments),
        environment={"PYTHONPATH": str(REPOSITORY)},
    )


def _url(home: Home, name: str) -> str:
    return f"http://127.0.0.1:{home.port(name)}"


def credentials(home: Home, name: str) -> Path:
    """The file with the key of the stand-in `name`."""
    return home.path / f"{name}-key"


def _wait(home: Home) -> None:
    def all_answer() -> bool:
        for name in NAMES:
            processes.assert_alive(home, name)
        try:
            # Any answer will do, and 401 is the right one without a key.
            for name in APIS:
                httpx.get(_url(home, name), timeout=2, trust_env=False)
        except httpx.TransportError:
            return False
        return True

    until(all_answer, f"a stand-in does not answer: see {home.logs}", seconds=_SECONDS_TO_START)

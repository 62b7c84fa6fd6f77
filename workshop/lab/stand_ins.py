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
        for service in (*_apis(home), *_simulated(home))
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
    return [_service(name, api_command(home, name, home.port(name))) for name in APIS]


def api_command(home: Home, name: str, port: int) -> tuple[str, ...]:
    """The command line of an API's stand-in, wherever it listens on that loopback port."""
    return _python(
        name,
        f"--port={port}",
        f"--state={home.path / f'{name}.json'}",
        f"--credentials={credentials(home, name)}",
        *_MORE.get(name, ()),
    )


def _simulated(home: Home) -> list[Service]:
    """What says in the place of simulated pods what their programs would show."""
    cluster = f"--kubeconfig={home.kubeconfig}"
    tailnet = f"--api-url={_url(home, 'tailscale-api')}"
    commands = {"simulated-devices": (cluster, tailnet), "simulated-secrets": (cluster,)}
    return [_service(name, _python(name, *more)) for name, more in commands.items()]


def _service(name: str, argv: tuple[str, ...]) -> Service:
    return Service(name=name, argv=argv, environment={"PYTHONPATH": str(REPOSITORY)})


def _python(name: str, *arguments: str) -> tuple[str, ...]:
    """The command line of the module of the same name."""
    return (sys.executable, "-m", f"workshop.lab.{name.replace('-', '_')}", *arguments)


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

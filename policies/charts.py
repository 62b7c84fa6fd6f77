"""The templates of Helm charts as objects, where the program helm is on PATH.

``helm template`` runs offline, without a cluster, with the chart's own values and for a bounded
time. Dependencies that are not in the chart are not fetched: helm then fails, and that is said.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

from .manifests import LARGEST

_SECONDS = 30
# The line that helm writes over what a template gave.
_SOURCE = re.compile(rb"^# Source: [^/\n]+/(\S.*)$", re.MULTILINE)
_DOCUMENT = re.compile(rb"^---[ \t]*$", re.MULTILINE)
# No proxy listens there: a schema or a repository on another host cannot be fetched.
_NOWHERE = "http://127.0.0.1:9"
Rendering = dict[Path, list[bytes]]
"""The documents of each template, by its file."""


class ChartError(Exception):
    """Helm could not render a chart. The text is one line without helm's own, which quotes."""


def rendered(chart: Path) -> Rendering | None:
    """What helm makes of a chart; None where there is no helm. Raises ChartError."""
    helm = shutil.which("helm")
    if helm is None:
        return None
    output = _output_of(helm, chart)
    found: Rendering = {}
    for file, document in _documents(output, chart):
        found.setdefault(file, []).append(document)
    return found


def _documents(output: bytes, chart: Path) -> Iterator[tuple[Path, bytes]]:
    for document in _DOCUMENT.split(output):
        source = _SOURCE.search(document)
        if source is not None:
            yield chart / os.fsdecode(source[1]), document


def _output_of(helm: str, chart: Path) -> bytes:
    overdue: list[bool] = []

    def end() -> None:
        overdue.append(True)
        process.kill()

    with (
        tempfile.TemporaryDirectory() as home,
        subprocess.Popen(
            [helm, "template", "scan", str(chart.absolute()), "--namespace", "default"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            env=_environment(home),
        ) as process,
    ):
        timer = Timer(_SECONDS, end)
        timer.start()
        output = process.stdout.read(LARGEST + 1) if process.stdout else b""
        if len(output) > LARGEST:
            process.kill()
        code = process.wait()
        timer.cancel()
    again = f"run helm template {chart} to see why"
    if overdue:
        raise ChartError(f"helm has not rendered the chart in {_SECONDS} s; {again}")
    if len(output) > LARGEST:
        raise ChartError(f"helm renders more than {LARGEST // 2**20} MiB; {again}")
    if code != 0:
        raise ChartError(f"helm cannot render the chart with its own values; {again}")
    return output


def _environment(home: str) -> dict[str, str]:
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": home,
        "KUBECONFIG": os.devnull,
        **{name: _NOWHERE for upper in proxies for name in (upper, upper.lower())},
    }

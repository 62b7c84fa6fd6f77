"""The real CoreDNS with a Corefile: whether it starts, and what it says until then."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from workshop.lab.home import BIN
from workshop.lab.ports import claim


def started(
    corefile_at: Callable[[int], str], folder: Path, program: str = "coredns"
) -> tuple[bool, str]:
    """Whether it starts with the Corefile for a port that it may have, and its words until then.

    It is ended as soon as it serves. The port stands as 53 in what it says.
    """
    port = claim(folder)
    corefile = folder / "Corefile"
    corefile.write_text(corefile_at(port), newline="")
    process = subprocess.Popen(
        [str(BIN / program), "-conf", str(corefile), "-dns.port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = ""
    serves = False
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            said += line
            if line.startswith("CoreDNS-"):
                process.terminate()
                serves = True
                break
    return serves, said.replace(f":{port}", ":53")

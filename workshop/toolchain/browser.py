"""A headless Chromium for the tests of the report: the one on PATH, else one from the npm registry.

`@sparticuz/chromium` holds the program itself with the libraries, the software renderer and the
fonts it needs, compressed with Brotli, for Linux on x86-64: nothing has to be installed as root.
"""

import io
import platform
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import brotli  # type: ignore[import-untyped]  # it has no annotations

from workshop.toolchain.errors import ToolchainError
from workshop.toolchain.npm import Package, kept

_CHROMIUM = Package(
    name="@sparticuz/chromium",
    version="153.0.0",
    sha256="20e5656fcdcf4118ede85edfb9d6bb9cc1bbb7ffb8b75622fffbcf36a835c3c0",
)
_AXE = Package(
    name="axe-core",
    version="4.14.1",
    sha256="e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745",
)
_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""
_ON_PATH = ("chromium", "chromium-browser", "google-chrome", "chrome-headless-shell")


@dataclass(frozen=True, kw_only=True)
class Browser:
    """A Chromium and what its environment must hold."""

    command: Path
    environment: Mapping[str, str] = field(default_factory=dict)


def find() -> Browser:
    """The browser, installed into the user's cache when there is none; raises ToolchainError."""
    for name in _ON_PATH:
        command = shutil.which(name)
        if command is not None:
            return Browser(command=Path(command))
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise ToolchainError(
            "the tests of the report need a Chromium on PATH: install chromium or google-chrome"
        )
    folder = kept(_CHROMIUM, _unpack)
    return Browser(
        command=folder / "chromium",
        environment={
            "LD_LIBRARY_PATH": f"{folder / 'al2023' / 'lib'}:{folder / 'swiftshader'}",
            "FONTCONFIG_FILE": str(folder / "fonts" / "fonts.conf"),
        },
    )


def accessibility_rules() -> Path:
    """axe-core, the script that judges a page by WCAG's rules; raises ToolchainError."""
    return kept(_AXE, _take_script) / "axe.min.js"


def _take_script(archive: Path, target: Path) -> None:
    with tarfile.open(archive) as package:
        stream = package.extractfile("package/axe.min.js")
        if stream is not None:
            (target / "axe.min.js").write_bytes(stream.read())


def _unpack(archive: Path, target: Path) -> None:
    with tarfile.open(archive) as package:
        for member in package.getmembers():
            stream = package.extractfile(member) if member.name.endswith(".br") else None
            if stream is None:
                continue
            data = brotli.decompress(stream.read())
            name = Path(member.name).name.removesuffix(".br")
            if name.endswith(".tar"):
                with tarfile.open(fileobj=io.BytesIO(data)) as part:
                    part.extractall(target / name.removesuffix(".tar"), filter="data")
            else:
                (target / name).write_bytes(data)
                (target / name).chmod(0o755)
    # The package's own names the folders of its serverless platform.
    (target / "fonts" / "fonts.conf").write_text(_FONTS)

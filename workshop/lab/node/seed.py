"""containerd's folder with all images in it, made once and then given to every node by hard links.

To take the images in costs half a minute; to link what came of it costs a second. What containerd
writes to in place are its databases, and those are copies.
"""

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from workshop.lab.home import BIN, LabError
from workshop.lab.node.service import PATH
from workshop.lab.waiting import until
from workshop.toolchain.build import link

_CONFIG = """version = 3
root = "{root}"
state = "{state}"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "{state}/containerd.sock"
[ttrpc]
  address = "{state}/containerd.sock.ttrpc"
"""
_SECONDS_TO_END = 20.0


def made(archives: Sequence[Path], folder: Path) -> Path:
    """The folder with these images, made where it is not there; raises LabError."""
    names = "\n".join(each.name for each in archives)
    seed = folder / f"seed-{hashlib.sha256(names.encode()).hexdigest()[:16]}"
    if not seed.exists():
        for old in folder.glob("seed-*"):
            shutil.rmtree(old)
        partial = Path(tempfile.mkdtemp(prefix=".seed-", dir=folder))
        try:
            _take_in(archives, partial)
            partial.rename(seed)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return seed


def is_given(seed: Path, node: Path) -> bool:
    """Whether containerd's folder `node` was made of this seed."""
    stamp = _stamp(node)
    return node.exists() and stamp.exists() and stamp.read_text() == seed.name


def give(seed: Path, node: Path) -> None:
    """Have containerd's folder `node`, which nothing may use now, be one like the seed."""
    _stamp(node).unlink(missing_ok=True)
    shutil.rmtree(node, ignore_errors=True)
    shutil.copytree(seed, node, symlinks=True, copy_function=_given)
    _stamp(node).write_text(seed.name)


def _stamp(node: Path) -> Path:
    return node.with_name(f"{node.name}.seed")


def _given(source: str, target: str) -> str:
    if source.endswith(".db"):
        shutil.copy2(source, target)
    else:
        link(Path(source), Path(target))
    return target


def _take_in(archives: Sequence[Path], root: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="oceanid-seed-") as state, _containerd(root, state):
        socket = Path(state, "containerd.sock")
        until(socket.exists, f"containerd does not start: see {root}.log")
        for archive in archives:
            argv = [
                str(BIN / "ctr"),
                f"--address={socket}",
                "--namespace=k8s.io",
                "images",
                "import",
                "--local",
                "--label=io.cri-containerd.pinned=pinned",
                str(archive),
            ]
            done = subprocess.run(argv, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise LabError(f"image {archive.name}: {done.stderr.strip()[-300:]}")


@contextmanager
def _containerd(root: Path, state: str) -> Iterator[None]:
    """In mounts of its own, which go with it: it mounts each layer that it unpacks."""
    config = Path(state, "containerd.toml")
    config.write_text(_CONFIG.format(root=root, state=state))
    process = subprocess.Popen(
        ["unshare", "--mount", "--", str(BIN / "containerd"), f"--config={config}"],
        env={"PATH": PATH},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(_SECONDS_TO_END)

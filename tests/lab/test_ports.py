"""Labs choose loopback ports that stay their own."""

import shutil
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from workshop.lab.home import Home
from workshop.lab.ports import RANGE, claim


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def _lab(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    return folder


def test_labs_that_start_at_once_never_choose_the_same_port(tmp_path: Path) -> None:
    labs = [_lab(tmp_path, f"lab-{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        ports = [port for found in pool.map(_twenty, labs) for port in found]
    assert len(set(ports)) == 8 * 20
    assert set(ports) <= set(RANGE)


def _twenty(lab: Path) -> list[int]:
    return [claim(lab) for _ in range(20)]


def test_a_port_in_use_is_not_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used, free = claim(_lab(tmp_path, "one")), claim(_lab(tmp_path, "two"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    monkeypatch.setattr("workshop.lab.ports.RANGE", (used, free))
    with socket.create_server(("127.0.0.1", used)):
        assert claim(_lab(tmp_path, "next")) == free


def test_a_lab_that_is_gone_leaves_its_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = _lab(tmp_path, "gone")
    port = claim(gone)
    monkeypatch.setattr("workshop.lab.ports.RANGE", (port,))
    with pytest.raises(OSError, match="end labs"):
        claim(_lab(tmp_path, "next"))
    shutil.rmtree(gone)
    assert claim(tmp_path / "next") == port


def test_a_name_keeps_its_port(tmp_path: Path) -> None:
    home = Home(path=_lab(tmp_path, "lab"))
    assert home.port("etcd") == home.port("etcd") != home.port("kwok")

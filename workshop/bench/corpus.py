"""Manifests to scan: as many as wanted, as teams would have them, one in forty at fault."""

from collections.abc import Iterator
from pathlib import Path

# A Deployment, its ServiceAccount, Service and ExternalSecret. As `.yaml` a scan would read it.
_KINDS = Path(__file__).with_name("corpus.txt").read_text().split("---\n")
_FAULTY = 40


def manifests(size: int) -> Iterator[str]:
    """`size` documents: each kind for an application, and so on."""
    for number in range(size):
        app = number // len(_KINDS)
        text = _KINDS[number % len(_KINDS)].replace("{app}", str(app))
        privileged = "true" if number % _FAULTY == 0 else "false"
        yield text.replace("{team}", str(app % 20)).replace("{privileged}", privileged)


def write(folder: Path, size: int) -> Path:
    """Write each document into a file of its own; gives the new folder that holds them."""
    place = folder / f"manifests-{size}"
    place.mkdir()
    for number, text in enumerate(manifests(size)):
        (place / f"{number:05}.yaml").write_text(text)
    return place

"""What a stack in the local file backend of the lab needs before the engine can run on it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import yaml

from delivery.environment import (
    LAB_STACK,
    REPOSITORY,
    DeliveryError,
    config_file,
    engine,
    lab_folder,
)


def prepare(environment: dict[str, str]) -> Path:
    """Make the stack if need be, free it from a dead run's lock; return its configuration file.

    The file is a copy: the engine writes the salt of the lab's own passphrase into it, which has
    no place in the repository.
    """
    project = lab_folder() / "project"
    project.mkdir(mode=0o700, parents=True, exist_ok=True)
    mend(lab_folder() / "state")
    name = yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())["name"]
    (project / "Pulumi.yaml").write_text(yaml.safe_dump({"name": name, "runtime": "python"}))
    copy = project / f"Pulumi.{LAB_STACK}.yaml"
    if not _exists(project, environment):
        copy.unlink(missing_ok=True)
        _run(project, environment, "stack", "init", LAB_STACK, "--non-interactive")
    salt = (yaml.safe_load(copy.read_text()) or {}).get("encryptionsalt") if copy.exists() else None
    text = config_file(LAB_STACK).read_text()
    copy.write_text(f"{text}encryptionsalt: {salt}\n" if salt else text)
    _free(project, environment)
    return copy


def mend(state: Path) -> None:
    """Put right what a kill can leave of a file backend in the middle of a write.

    The backend keeps the checkpoint before the last one beside it, and writes a file of attributes
    that it can do without; half of either makes every later command fail with `EOF`.
    """
    stacks = state / ".pulumi" / "stacks"
    for attributes in stacks.rglob("*.attrs"):
        if not _is_json(attributes):
            attributes.unlink()
    for checkpoint in stacks.rglob("*.json"):
        backup = checkpoint.with_name(f"{checkpoint.name}.bak")
        if not _is_json(checkpoint) and _is_json(backup):
            print("delivery: the last run was killed while it wrote: its last backup is used")
            partial = checkpoint.with_name(f".{checkpoint.name}.partial")
            partial.write_bytes(backup.read_bytes())
            partial.rename(checkpoint)
            # It holds a digest of the file that is gone.
            checkpoint.with_name(f"{checkpoint.name}.attrs").unlink(missing_ok=True)


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return True


def _exists(project: Path, environment: dict[str, str]) -> bool:
    listing = _run(project, environment, "stack", "ls", "--json")
    return any(each["name"].split("/")[-1] == LAB_STACK for each in json.loads(listing))


def _free(project: Path, environment: dict[str, str]) -> None:
    """Release the locks of engines that no longer live: a killed one cannot do it itself."""
    locks = lab_folder() / "state" / ".pulumi" / "locks"
    owners = [json.loads(path.read_text())["pid"] for path in locks.rglob("*.json")]
    if not owners:
        return
    alive = [pid for pid in owners if _is_engine(pid)]
    if alive:
        raise DeliveryError(
            f"the engine is at work on {LAB_STACK} (pid {alive[0]}): wait until it has ended"
        )
    print(f"delivery: the last run on {LAB_STACK} was killed: its lock is released", flush=True)
    _run(project, environment, "cancel", "--yes", "--stack", LAB_STACK)


def _is_engine(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/exe").readlink().name.startswith("pulumi")
    except OSError:
        return False


def _run(project: Path, environment: dict[str, str], *arguments: str) -> str:
    result = subprocess.run(
        [engine(), *arguments],
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise DeliveryError(f"pulumi {arguments[0]} failed: {result.stderr.strip()}")
    return result.stdout

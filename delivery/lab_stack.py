"""What the stack of the lab needs before the engine can run on it."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from delivery import lock
from delivery.answer import answer
from delivery.environment import LAB_STACK, config_file, lab_folder, project_name
from delivery.state_store import has_store, is_json, store_of


def prepare(environment: dict[str, str]) -> Path:
    """Make the stack if need be, free it from a dead run's lock; return its configuration file.

    The file is a copy: the engine writes the salt of the lab's own passphrase into it, which has
    no place in the repository.
    """
    project = lab_folder() / "project"
    project.mkdir(mode=0o700, parents=True, exist_ok=True)
    mend(lab_folder() / "state")
    name = project_name()
    (project / "Pulumi.yaml").write_text(yaml.safe_dump({"name": name, "runtime": "python"}))
    copy = project / f"Pulumi.{LAB_STACK}.yaml"
    if not _exists(project, environment):
        copy.unlink(missing_ok=True)
        answer(["stack", "init", LAB_STACK], environment, folder=project)
    salt = (yaml.safe_load(copy.read_text()) or {}).get("encryptionsalt") if copy.exists() else None
    text = config_file(LAB_STACK).read_text()
    copy.write_text(f"{text}encryptionsalt: {salt}\n" if salt else text)
    _free(name, environment)
    return copy


def mend(state: Path) -> None:
    """Put right what a kill can leave of a file backend in the middle of a write.

    The backend keeps the checkpoint before the last one beside it, and writes a file of attributes
    that it can do without; half of either makes every later command fail with `EOF`.
    """
    stacks = state / ".pulumi" / "stacks"
    for attributes in stacks.rglob("*.attrs"):
        if not is_json(attributes.read_bytes()):
            attributes.unlink()
    for checkpoint in stacks.rglob("*.json"):
        backup = checkpoint.with_name(f"{checkpoint.name}.bak")
        if (
            backup.exists()
            and not is_json(checkpoint.read_bytes())
            and is_json(backup.read_bytes())
        ):
            print("delivery: the last run was killed while it wrote: its last backup is used")
            partial = checkpoint.with_name(f".{checkpoint.name}.partial")
            partial.write_bytes(backup.read_bytes())
            partial.rename(checkpoint)
            # It holds a digest of the file that is gone.
            checkpoint.with_name(f"{checkpoint.name}.attrs").unlink(missing_ok=True)


def _exists(project: Path, environment: dict[str, str]) -> bool:
    listing = answer(["stack", "ls", "--json"], environment, folder=project)
    return any(each["name"].split("/")[-1] == LAB_STACK for each in json.loads(listing))


def _free(name: str, environment: dict[str, str]) -> None:
    """Release the locks of engines that no longer live: a killed one cannot do it itself."""
    if has_store(environment) and lock.release(store_of(environment), name, LAB_STACK, None):
        print(f"delivery: the last run on {LAB_STACK} was killed: its lock is released", flush=True)

"""What the stack of the lab needs before the engine can run on it."""

from pathlib import Path
from typing import Any

import yaml

from operations.delivery import lock
from operations.delivery.engine_output import NoStackError, deployment, run_pulumi
from operations.delivery.environment import (
    LAB_STACK,
    config_file,
    lab_folder,
    project_name,
)
from operations.delivery.state_store import has_store, is_json, store_of

_SALT = "encryptionsalt"
_CONFIG = "config"
_STRING = "tag:yaml.org,2002:str"


def prepare(environment: dict[str, str]) -> Path:
    """Make the stack if need be, free it from a dead run's lock; return its configuration file.

    The file is the lab's copy of the one in the repository. The engine writes the salt of the lab's
    own passphrase into it, and `pulumi config set` what this lab alone has; neither has a place in
    the repository. The salt is the state's, so that a copy that another passphrase has been used on
    is repaired.
    """
    project = lab_folder() / "project"
    project.mkdir(mode=0o700, parents=True, exist_ok=True)
    repair(lab_folder() / "state")
    name = project_name()
    (project / "Pulumi.yaml").write_text(yaml.safe_dump({"name": name, "runtime": "python"}))
    copy = project / f"Pulumi.{LAB_STACK}.yaml"
    try:
        state = deployment(LAB_STACK, environment, folder=project)
    except NoStackError:
        copy.unlink(missing_ok=True)
        run_pulumi(["stack", "init", LAB_STACK], environment, folder=project)
        state = deployment(LAB_STACK, environment, folder=project)
    write_copy(copy, config_file(LAB_STACK), salt_in(state))
    _free(name, environment)
    return copy


def write_copy(copy: Path, source: Path, salt: str | None) -> None:
    """Make the copy of `source` again, with the salt, and with the settings that it alone has.

    Where both have a setting, that of `source` holds. Secrets of another salt cannot be read any
    more and are left out. What the copy was made from is kept next to it: with it the program tells
    that a copy is out of date [settings/lab_copy.py].
    """
    root, held, before = _read(source), _read(copy), _read(made_from(copy))
    if _SALT in _entries(root):
        print(
            f"oceanid: {source.name} has an {_SALT}, which is the lab's and has no place in the "
            "repository: take that line out"
        )
    given = _entries(_entries(root).get(_CONFIG))
    own = {
        key: value
        for key, value in _entries(_entries(held).get(_CONFIG)).items()
        if key not in given
        # Without the record of a copy made by an earlier release: its secrets are its own.
        and (key not in _entries(_entries(before).get(_CONFIG)) if before else _is_secret(value))
    }
    for key in sorted(given.keys() & _changed(held, before)):
        print(f"oceanid: {key} was set in the lab's copy: write it into {source.name}")
    held_salt = _entries(held).get(_SALT)
    if (held_salt.value if held_salt else None) != salt:
        lost = sorted(key for key, value in own.items() if _is_secret(value))
        own = {key: value for key, value in own.items() if key not in lost}
        for key in lost:
            print(f"oceanid: {key} was encrypted by another passphrase: set it again")
    entries = {**_entries(root), _CONFIG: _mapping({**given, **own})}
    entries.pop(_SALT, None)
    if salt:
        entries[_SALT] = yaml.ScalarNode(_STRING, salt)
    text = yaml.serialize(_mapping(entries), Dumper=yaml.SafeDumper, width=1000)
    _put(copy, f"# Made by each command from {source}: write settings there.\n{text}")
    # Last: without it a copy counts as out of date.
    _put(made_from(copy), source.read_text())


def made_from(copy: Path) -> Path:
    return copy.with_name(f"{copy.name}.source")


def _put(path: Path, text: str) -> None:
    """Put the text in place by one rename: a killed command leaves no half of it."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    partial.rename(path)


def salt_in(state: dict[str, Any]) -> str | None:
    """The salt that a state's secrets are encrypted with; None where no passphrase is used."""
    salt = ((state.get("secrets_providers") or {}).get("state") or {}).get("salt")
    return str(salt) if salt else None


def repair(state: Path) -> None:
    """Repair what a kill can leave of a file backend in the middle of a write.

    The backend keeps the checkpoint before the last one next to it, and writes a file of attributes
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
            print("oceanid: the last run was killed while it wrote: its last backup is used")
            partial = checkpoint.with_name(f".{checkpoint.name}.partial")
            partial.write_bytes(backup.read_bytes())
            partial.rename(checkpoint)
            # It holds a digest of the file that is gone.
            checkpoint.with_name(f"{checkpoint.name}.attrs").unlink(missing_ok=True)


def _read(path: Path) -> yaml.MappingNode | None:
    """The YAML file as it is written: no value is taken for what it only looks like.

    Nothing for a file that is absent, or that a killed command has torn.
    """
    try:
        root = yaml.compose(path.read_text(), Loader=yaml.SafeLoader)
    except (FileNotFoundError, yaml.YAMLError):
        return None
    return root if isinstance(root, yaml.MappingNode) else None


def _entries(node: yaml.Node | None) -> dict[str, yaml.Node]:
    """A mapping's entries by their keys; of a key that is there twice, the last."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {str(key.value): value for key, value in node.value}


def _changed(held: yaml.Node | None, before: yaml.Node | None) -> set[str]:
    """The settings that a command has changed in the copy since it was made."""
    now, then = (_entries(_entries(node).get(_CONFIG)) for node in (held, before))
    return {
        key
        for key in now.keys() & then.keys()
        if yaml.serialize(now[key]) != yaml.serialize(then[key])
    }


def _mapping(entries: dict[str, yaml.Node]) -> yaml.MappingNode:
    pairs = [(yaml.ScalarNode(_STRING, key), value) for key, value in entries.items()]
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=False)


def _is_secret(value: yaml.Node) -> bool:
    return set(_entries(value)) == {"secure"}


def _free(name: str, environment: dict[str, str]) -> None:
    """Release the locks of engines that no longer live: a killed one cannot do it itself."""
    if has_store(environment) and lock.release(store_of(environment), name, LAB_STACK, None):
        print(f"oceanid: the last run on {LAB_STACK} was killed: its lock is released", flush=True)

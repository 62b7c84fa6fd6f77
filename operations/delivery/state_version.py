"""Earlier versions of a stack's state, which the bucket keeps, and how one is put back."""

from __future__ import annotations

import getpass
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from delivery.answer import answer
from delivery.environment import DeliveryError, project_name
from delivery.lock import locks_on
from delivery.state_store import BucketStore, is_json, store_of

_SHOWN = 20


def listing(stack: str, environment: dict[str, str]) -> str:
    """The versions of the stack's state for people, the newest first."""
    lines = [f"state of {stack}, newest first; put one back by its VERSION:"]
    for each in _bucket(environment).versions(_key(stack))[:_SHOWN]:
        what = "deleted" if each.deleted else f"{each.size} bytes"
        lines.append(f"  {each.written:%Y-%m-%d %H:%M:%S}  {each.name}  {what}")
    if len(lines) == 1:
        raise DeliveryError(f"the bucket has nothing of {stack}")
    return "\n".join(lines)


def restore(stack: str, version: str, environment: dict[str, str]) -> str:
    """Make an earlier version the newest one; what the stack then holds.

    Nothing is lost: what was the newest stays as a version. Raises DeliveryError when the stack is
    locked, or the version is not a state.
    """
    bucket = _bucket(environment)
    if version not in {each.name for each in bucket.versions(_key(stack)) if not each.deleted}:
        raise DeliveryError(f"{stack} has no version {version}: `make restore-state` lists them")
    content = bucket.read(_key(stack), version)
    if not is_json(content) or "checkpoint" not in json.loads(content):
        raise DeliveryError(f"version {version} is no whole state: take another one")
    with _locked(bucket, stack):
        bucket.write(_key(stack), content)
    state = json.loads(answer(["stack", "export", "--stack", stack], environment))
    count = len((state.get("deployment") or {}).get("resources") or ())
    return (
        f"{stack}: version {version} is in force again, with {count} resources. "
        f"Look at what it does not know: make drift STACK={stack}, then make preview STACK={stack}"
    )


def _bucket(environment: dict[str, str]) -> BucketStore:
    found = store_of(environment)
    if not isinstance(found, BucketStore):
        raise DeliveryError("only a bucket keeps versions; a folder has .pulumi/backups")
    return found


def _key(stack: str) -> str:
    return f".pulumi/stacks/{project_name()}/{stack}.json"


@contextmanager
def _locked(bucket: BucketStore, stack: str) -> Iterator[None]:
    """Hold the stack's lock as the engine would; raises DeliveryError when somebody else does."""
    name = f"restore-{secrets.token_hex(8)}"
    key = f".pulumi/locks/organization/{project_name()}/{stack}/{name}.json"
    content = {
        "pid": os.getpid(),
        "username": getpass.getuser(),
        "hostname": socket.gethostname(),
        "timestamp": datetime.now(UTC).isoformat(),
    }
    bucket.write(key, json.dumps(content).encode())
    try:
        others = [each for each in locks_on(bucket, project_name(), stack) if each.name != name]
        if others:
            raise DeliveryError(f"{stack} is locked by {others[0]}: wait, or see `make unlock`")
        yield
    finally:
        bucket.delete(key)

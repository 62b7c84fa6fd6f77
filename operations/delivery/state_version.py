"""Earlier versions of a stack's state, which the bucket keeps, and how one is restored."""

import getpass
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from operations.delivery.engine_output import deployment
from operations.delivery.environment import project_name
from operations.delivery.lock import locks_on
from operations.delivery.state_store import BucketStore, is_json, store_of
from operations.errors import OperationError

_SHOWN = 20


def listing(stack: str, environment: dict[str, str]) -> str:
    """The versions of the stack's state for people, the newest first."""
    lines = [f"state of {stack}, newest first; restore one by its VERSION:"]
    for kept in _bucket(environment).versions(_key(stack))[:_SHOWN]:
        what = "deleted" if kept.deleted else f"{kept.size} bytes"
        lines.append(f"  {kept.written:%Y-%m-%d %H:%M:%S}  {kept.name}  {what}")
    if len(lines) == 1:
        raise OperationError(f"the bucket has nothing of {stack}")
    return "\n".join(lines)


def restore(stack: str, version: str, environment: dict[str, str]) -> str:
    """Make an earlier version the newest one; what the stack then holds.

    Nothing is lost: what was the newest stays as a version. Raises OperationError when the stack is
    locked, or the version is not a state.
    """
    bucket = _bucket(environment)
    if version not in {kept.name for kept in bucket.versions(_key(stack)) if not kept.deleted}:
        raise OperationError(
            f"{stack} has no version {version}: `oceanid state versions` lists them"
        )
    content = bucket.read(_key(stack), version)
    if not is_json(content) or "checkpoint" not in json.loads(content):
        raise OperationError(f"version {version} is not a whole state: take another one")
    with _locked(bucket, stack):
        bucket.write(_key(stack), content)
    count = len(deployment(stack, environment).get("resources") or ())
    return (
        f"{stack}: version {version} is in force again, with {count} resources. "
        f"Look at what it does not know: oceanid drift --stack {stack}, then "
        f"oceanid preview --stack {stack}"
    )


def _bucket(environment: dict[str, str]) -> BucketStore:
    store = store_of(environment)
    if not isinstance(store, BucketStore):
        raise OperationError("only a bucket keeps versions; a folder has .pulumi/backups")
    return store


def _key(stack: str) -> str:
    return f".pulumi/stacks/{project_name()}/{stack}.json"


@contextmanager
def _locked(bucket: BucketStore, stack: str) -> Iterator[None]:
    """Hold the stack's lock as the engine would; raises OperationError when somebody else does."""
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
        others = [lock for lock in locks_on(bucket, project_name(), stack) if lock.name != name]
        if others:
            raise OperationError(
                f"{stack} is locked by {others[0]}: wait, or see `oceanid unlock --help`"
            )
        yield
    finally:
        bucket.delete(key)

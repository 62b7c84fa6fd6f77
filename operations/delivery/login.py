"""`make login`: which backend holds the state of the stacks, checked before it is relied on."""

from __future__ import annotations

import json
import os

from delivery.answer import answer
from delivery.environment import LAB_STACK, DeliveryError, engine_environment
from delivery.state_store import BucketStore


def login() -> str:
    """Take the backend of PULUMI_BACKEND_URL for this checkout; what was found, in lines.

    Raises DeliveryError when there is none, it does not answer, or its bucket keeps no versions.
    """
    url = os.environ.get("PULUMI_BACKEND_URL")
    if not url:
        raise DeliveryError(
            "PULUMI_BACKEND_URL is not set: give the team's bucket, such as "
            "make login PULUMI_BACKEND_URL='s3://my-state?region=us-east-2' (docs/state.md)"
        )
    environment = engine_environment()
    lines = _bucket(BucketStore(url)) if url.startswith("s3://") else []
    answer(["login", url], environment)
    stacks = json.loads(answer(["stack", "ls", "--json", "--all"], environment))
    names = ", ".join(sorted(each["name"].rpartition("/")[2] for each in stacks)) or "none yet"
    return "\n".join([*lines, f"state is kept in {url.partition('?')[0]}; stacks there: {names}"])


def make_stack(stack: str, environment: dict[str, str], provider: str | None) -> str:
    """Make the stack in the backend; what to commit afterwards.

    `provider` is a secrets provider such as awskms://…, the passphrase when None. Raises
    DeliveryError for the lab's stack, when the stack is there already, or the backend refuses.
    """
    if stack == LAB_STACK:
        # The engine would write the lab's salt into the file in the repository.
        raise DeliveryError(f"{stack} is the lab's stack: `make up` makes it")
    chosen = ["--secrets-provider", provider] if provider else []
    answer(["stack", "init", stack, *chosen], environment)
    return (
        f"{stack} is made; commit Pulumi.{stack}.yaml: the engine wrote into it by what the "
        "stack's secrets are encrypted"
    )


def _bucket(bucket: BucketStore) -> list[str]:
    bucket.keys(".pulumi/meta")
    if not bucket.is_versioned():
        raise DeliveryError(
            f"the bucket {bucket.bucket} keeps no versions, so a state that goes wrong could not "
            "be put back: switch versioning on (docs/state.md has the command)"
        )
    if not bucket.is_encrypted():
        raise DeliveryError(
            f"the bucket {bucket.bucket} does not encrypt: switch default encryption on "
            "(docs/state.md has the command)"
        )
    return [f"the bucket {bucket.bucket} answers, keeps versions and encrypts"]

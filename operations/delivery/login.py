"""`oceanid login`: which backend holds the state of the stacks, checked before it is relied on."""

import json
import os

from operations.delivery.engine_output import run_pulumi
from operations.delivery.environment import LAB_STACK, engine_environment
from operations.delivery.shell import BACKEND_URL
from operations.delivery.state_store import BucketStore
from operations.errors import OperationError


def login() -> str:
    """Take the backend of PULUMI_BACKEND_URL for this checkout; what was found, in lines.

    Raises OperationError when there is none, it does not answer, or its bucket keeps no versions.
    """
    url = os.environ.get(BACKEND_URL)
    if not url:
        raise OperationError(
            "PULUMI_BACKEND_URL is not set: give the team's bucket, such as "
            "PULUMI_BACKEND_URL='s3://my-state?region=us-east-2' oceanid login (docs/state.md)"
        )
    environment = engine_environment()
    lines = _bucket(BucketStore(url)) if url.startswith("s3://") else []
    run_pulumi(["login", url], environment)
    stacks = json.loads(run_pulumi(["stack", "ls", "--json", "--all"], environment))
    names = ", ".join(sorted(stack["name"].rpartition("/")[2] for stack in stacks)) or "none yet"
    return "\n".join([*lines, f"state is kept in {url.partition('?')[0]}; stacks there: {names}"])


def make_stack(stack: str, environment: dict[str, str], provider: str | None) -> str:
    """Make the stack in the backend; what to commit afterwards.

    `provider` is a secrets provider such as awskms://…, the passphrase when None. Raises
    OperationError for the lab's stack, when the stack is there already, or the backend refuses.
    """
    if stack == LAB_STACK:
        # The engine would write the lab's salt into the file in the repository.
        raise OperationError(f"{stack} is the lab's stack: `oceanid up` makes it")
    chosen = ["--secrets-provider", provider] if provider else []
    run_pulumi(["stack", "init", stack, *chosen], environment)
    return (
        f"{stack} is made; commit Pulumi.{stack}.yaml: the engine wrote into it by what the "
        "stack's secrets are encrypted"
    )


def _bucket(bucket: BucketStore) -> list[str]:
    bucket.keys(".pulumi/meta")
    if not bucket.is_versioned():
        raise OperationError(
            f"the bucket {bucket.bucket} keeps no versions, so a state that goes wrong could not "
            "be restored: switch versioning on (docs/state.md has the command)"
        )
    if not bucket.is_encrypted():
        raise OperationError(
            f"the bucket {bucket.bucket} does not encrypt: switch default encryption on "
            "(docs/state.md has the command)"
        )
    return [f"the bucket {bucket.bucket} answers, keeps versions and encrypts"]

"""What docs/state.md says a role must be allowed is what the commands ask of the bucket."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.delivery.bucket import NAME
from tests.delivery.conftest import Stage
from workshop.testing.checkout import REPOSITORY, passed

pytestmark = pytest.mark.e2e

# Werkzeug colours some of them.
_REQUEST = re.compile(r'"(?:\x1b\[\d+m)*([A-Z]+) (/\S+) HTTP/')
# By the query of a request for the bucket itself.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
_OF_BUCKET = {
    "list-type": "ListBucket",
    "versions": "ListBucketVersions",
    "versioning": "GetBucketVersioning",
    "encryption": "GetEncryptionConfiguration",
}
_OF_OBJECT = {
    "HEAD": "GetObject",
    "GET": "GetObject",
    "PUT": "PutObject",
    "DELETE": "DeleteObject",
}


def _action(method: str, target: str) -> str:
    parts = urlsplit(target)
    query = parse_qs(parts.query, keep_blank_values=True)
    if parts.path.strip("/") == NAME:
        (action,) = (action for key, action in _OF_BUCKET.items() if key in query)
        return f"s3:{action}"
    return f"s3:{_OF_OBJECT[method]}{'Version' if 'versionId' in query else ''}"


def _documented(command: str) -> set[str]:
    lines = (REPOSITORY / "docs" / "state.md").read_text().splitlines()
    (row,) = (line for line in lines if line.startswith("| `oceanid ") and f"`{command}`" in line)
    return set(re.findall(r"s3:\w+", row))


def _asked(stage: Stage, *commands: tuple[str, ...]) -> set[str]:
    before = len(stage.bucket.log.read_text())
    for command in commands:
        passed(stage.checkout.oceanid(*command))
    return {_action(*each) for each in _REQUEST.findall(stage.bucket.log.read_text()[before:])}


@pytest.fixture(scope="module")
def updated(stage: Stage) -> Stage:
    _asked(stage, ("up", "--stack", "prod"))
    return stage


def test_a_login_looks_at_what_the_bucket_promises(updated: Stage) -> None:
    assert _asked(updated, ("login",)) == _documented("oceanid login")


def test_a_preview_and_a_plan_write_nothing(updated: Stage) -> None:
    previews = (("preview", "--stack", "prod"), ("plan", "--stack", "prod"))
    assert _asked(updated, *previews) == _documented("plan")


def test_an_update_writes_and_removes_its_lock(updated: Stage) -> None:
    assert _asked(updated, ("up", "--stack", "prod")) == _documented("oceanid promote")


def test_putting_a_version_back_reads_versions(updated: Stage) -> None:
    state = ".pulumi/stacks/oceanid-cluster/prod.json"
    found = updated.bucket.s3.list_object_versions(Bucket=NAME, Prefix=state)["Versions"]
    older = next(each["VersionId"] for each in found if not each["IsLatest"])
    restore = ("state", "restore", "--stack", "prod", "--version", older)
    assert _asked(updated, restore) == _documented("oceanid state restore")

"""The bucket as a backend: prefixes, versions, and what is said when it refuses."""

from pathlib import Path

import pytest

from operations.delivery.state_store import BucketStore, FolderStore, store_of
from operations.errors import OperationError
from tests.delivery.bucket import NAME, Bucket

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _credentials(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)


def _store(bucket: Bucket, path: str = "") -> BucketStore:
    here = bucket.environment["PULUMI_BACKEND_URL"].replace(f"//{NAME}", f"//{NAME}{path}")
    return BucketStore(here)


def test_a_prefix_of_the_address_is_a_backend_of_its_own(bucket: Bucket) -> None:
    whole, part = _store(bucket), _store(bucket, "/dev/1234")
    part.write(".pulumi/stacks/a.json", b"{}")
    assert part.keys(".pulumi/") == [".pulumi/stacks/a.json"]
    assert part.read(".pulumi/stacks/a.json") == b"{}"
    assert ".pulumi/stacks/a.json" not in whole.keys(".pulumi/")
    assert whole.keys("dev/1234/") == ["dev/1234/.pulumi/stacks/a.json"]


def test_the_versions_of_one_object_are_listed_newest_first(bucket: Bucket) -> None:
    store = _store(bucket, "/versions")
    for content in (b"1", b"22", b"333"):
        store.write("a.json", content)
    store.write("a.json.bak", b"another object")
    store.delete("a.json")
    found = store.versions("a.json")
    assert [(each.size, each.deleted) for each in found] == [
        (0, True),
        (3, False),
        (2, False),
        (1, False),
    ]
    assert store.read("a.json", found[-1].name) == b"1"
    assert store.keys("a.json") == ["a.json.bak"]


def test_a_bucket_that_is_not_there_is_said_in_one_line(bucket: Bucket) -> None:
    here = bucket.environment["PULUMI_BACKEND_URL"].replace(NAME, "nowhere")
    with pytest.raises(OperationError, match=r"^the bucket nowhere does not do it: .*NoSuchBucket"):
        BucketStore(here).keys("")


def test_what_a_bucket_promises_can_be_asked(bucket: Bucket) -> None:
    assert _store(bucket).is_versioned()
    assert _store(bucket).is_encrypted()
    bucket.make("plain", versioned=False, encrypted=False)
    plain = BucketStore(bucket.environment["PULUMI_BACKEND_URL"].replace(NAME, "plain"))
    assert not plain.is_versioned()
    assert not plain.is_encrypted()


def test_a_backend_is_a_bucket_a_folder_or_neither(tmp_path: Path) -> None:
    assert isinstance(store_of({"PULUMI_BACKEND_URL": "s3://bucket?region=eu-west-1"}), BucketStore)
    (tmp_path / ".pulumi").mkdir()
    (tmp_path / ".pulumi" / "meta.yaml").write_text("version: 1")
    folder = store_of({"PULUMI_BACKEND_URL": f"file://{tmp_path}"})
    assert isinstance(folder, FolderStore)
    assert folder.keys(".pulumi") == [".pulumi/meta.yaml"]
    with pytest.raises(OperationError, match="the backend is gs: this works on s3:// and file://"):
        store_of({"PULUMI_BACKEND_URL": "gs://bucket"})
    with pytest.raises(OperationError, match="the backend is Pulumi Cloud"):
        store_of({})

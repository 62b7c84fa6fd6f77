"""The files of a self-managed backend, in a bucket or a folder: what the engine has no command for.

The layout is the engine's own [backend/diy, 3.246.0]: `.pulumi/stacks/PROJECT/STACK.json` is a
stack's state, `.pulumi/locks/organization/PROJECT/STACK/ID.json` a lock on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3  # type: ignore[import-untyped]  # it has none of its own
import botocore.config  # type: ignore[import-untyped]
import botocore.exceptions  # type: ignore[import-untyped]

from operations.delivery.shell import BACKEND_URL
from operations.errors import OperationError

# Seconds, and tries: a bucket that does not answer is said to be out of reach, not waited for.
_NETWORK = botocore.config.Config(
    connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 2}
)


class FolderStore:
    """A backend `file://FOLDER`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keys(self, prefix: str) -> list[str]:
        paths = self._folder.joinpath(prefix).rglob("*")
        return sorted(str(path.relative_to(self._folder)) for path in paths if path.is_file())

    def read(self, key: str) -> bytes:
        """The file's content."""
        return self._folder.joinpath(key).read_bytes()

    def delete(self, key: str) -> None:
        """Remove the file; no error when it is gone already."""
        for path in (self._folder / key, self._folder / f"{key}.attrs"):
            path.unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of an object of a bucket; `deleted` marks that it was removed then."""

    name: str
    written: datetime
    size: int
    newest: bool
    deleted: bool


class BucketStore:
    """A backend `s3://BUCKET[/PREFIX][?region=&endpoint=&profile=&s3ForcePathStyle=]`.

    The query is the engine's (gocloud.dev, aws.V2ConfigFromURLParams); credentials are the AWS
    SDK's, as for the engine. Every method raises OperationError when the bucket refuses or does not
    answer.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        path_style = query.get("use_path_style") or query.get("s3ForcePathStyle")
        config = _NETWORK.merge(
            botocore.config.Config(
                s3={"addressing_style": "path" if path_style == "true" else "auto"}
            )
        )
        self.bucket = parts.netloc
        self._prefix = f"{parts.path.strip('/')}/" if parts.path.strip("/") else ""
        try:
            session = boto3.Session(
                profile_name=query.get("profile"), region_name=query.get("region")
            )
            self._s3 = session.client("s3", endpoint_url=query.get("endpoint"), config=config)
        except (botocore.exceptions.BotoCoreError, ValueError) as error:
            raise OperationError(f"the bucket {self.bucket} cannot be used: {error}") from None

    def keys(self, prefix: str) -> list[str]:
        pages = self._pages("list_objects_v2", prefix)
        keys = (entry["Key"] for page in pages for entry in page.get("Contents", ()))
        return sorted(key.removeprefix(self._prefix) for key in keys)

    def read(self, key: str, version: str | None = None) -> bytes:
        """The object's content, or that of one of its versions."""
        chosen = {"VersionId": version} if version else {}
        body: bytes = self._call("get_object", Key=self._prefix + key, **chosen)["Body"].read()
        return body

    def write(self, key: str, content: bytes) -> None:
        self._call("put_object", Key=self._prefix + key, Body=content)

    def delete(self, key: str) -> None:
        """Remove the object; no error when it is gone already."""
        self._call("delete_object", Key=self._prefix + key)

    def versions(self, key: str) -> list[Version]:
        """What is kept of the object, the newest first."""
        versions = []
        for page in self._pages("list_object_versions", key):
            for kind in ("Versions", "DeleteMarkers"):
                versions += [
                    Version(
                        name=entry["VersionId"],
                        written=entry["LastModified"],
                        size=entry.get("Size", 0),
                        newest=entry["IsLatest"],
                        deleted=kind == "DeleteMarkers",
                    )
                    for entry in page.get(kind, ())
                    if entry["Key"] == self._prefix + key
                ]
        return sorted(versions, key=lambda version: (version.newest, version.written), reverse=True)

    def is_versioned(self) -> bool:
        """Whether the bucket keeps what is overwritten."""
        return bool(self._call("get_bucket_versioning").get("Status") == "Enabled")

    def is_encrypted(self) -> bool:
        """Whether the bucket encrypts what is written, which S3 does by default since 2023."""
        try:
            return bool(self._call("get_bucket_encryption"))
        except OperationError as error:
            if "ServerSideEncryptionConfigurationNotFoundError" in str(error):
                return False
            raise

    def _pages(self, operation: str, prefix: str) -> Iterator[dict[str, Any]]:
        try:
            pages = self._s3.get_paginator(operation)
            yield from pages.paginate(Bucket=self.bucket, Prefix=self._prefix + prefix)
        except _FAULTS as error:
            raise self._refusal(error) from None

    def _call(self, operation: str, **arguments: object) -> dict[str, Any]:
        try:
            response: dict[str, Any] = getattr(self._s3, operation)(Bucket=self.bucket, **arguments)
        except _FAULTS as error:
            raise self._refusal(error) from None
        return response

    def _refusal(self, error: Exception) -> OperationError:
        return OperationError(f"the bucket {self.bucket} does not do it: {error}")


StateStore = BucketStore | FolderStore
"""The files of a backend, by keys such as `.pulumi/stacks/oceanid-cluster/prod.json`."""
_FAULTS = (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)


def has_store(environment: dict[str, str]) -> bool:
    """Whether the backend is one whose files can be reached here."""
    return environment.get(BACKEND_URL, "").startswith(("s3://", "file://"))


def store_of(environment: dict[str, str]) -> StateStore:
    """The files of the backend that the environment names.

    Raises OperationError for a backend that is neither a bucket of S3 nor a folder.
    """
    url = environment.get(BACKEND_URL, "")
    if url.startswith("s3://"):
        return BucketStore(url)
    if url.startswith("file://"):
        return FolderStore(Path(url.removeprefix("file://").partition("?")[0]).expanduser())
    shown = urlsplit(url).scheme or "Pulumi Cloud"
    raise OperationError(
        f"the backend is {shown}: this works on s3:// and file:// only; use what that service has"
    )


def is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True

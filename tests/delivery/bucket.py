"""A bucket: moto's server as S3, in a process of its own, and a valve in front of it."""

import contextlib
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import botocore.exceptions  # type: ignore[import-untyped]

from workshop.lab.ports import claim

_SECONDS_TO_START = 30.0
NAME = "oceanid-state"


class Bucket:
    """A versioned bucket at `port` of this machine, whose requests are in `log`."""

    def __init__(self, port: int, log: Path, *, reached_by: int | None = None) -> None:
        self.log = log
        # Made up for this run; moto takes any.
        key = secrets.token_hex(8)
        self.environment = {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": key,
            # moto does not take the newer checksums of the engine's SDK.
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
            "PULUMI_BACKEND_URL": url(reached_by or port),
        }
        self.s3: Any = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=key,
        )

    def make(self, name: str = NAME, *, versioned: bool = True, encrypted: bool = True) -> None:
        """Make the bucket as docs/state.md says, or with something left out."""
        self.s3.create_bucket(Bucket=name)
        if versioned:
            self.s3.put_bucket_versioning(
                Bucket=name, VersioningConfiguration={"Status": "Enabled"}
            )
        if encrypted:
            rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
            self.s3.put_bucket_encryption(
                Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]}
            )

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin so."""
        found = self.s3.list_objects_v2(Bucket=NAME, Prefix=prefix).get("Contents", [])
        return [each["Key"] for each in found]


def url(port: int, bucket: str = NAME) -> str:
    """The backend's URL, for PULUMI_BACKEND_URL."""
    query = f"endpoint=http://127.0.0.1:{port}&s3ForcePathStyle=true&region=us-east-1"
    return f"s3://{bucket}?{query}"


@contextmanager
def running_bucket(log: Path) -> Iterator[Bucket]:
    """moto's server with a versioned bucket, for as long as the block runs."""
    port = claim(log.parent)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as sink, subprocess.Popen(command, stdout=sink, stderr=sink) as server:
        try:
            bucket = Bucket(port, log)
            deadline = time.monotonic() + _SECONDS_TO_START
            while True:
                assert server.poll() is None, log.read_text()
                try:
                    bucket.make()
                    break
                except botocore.exceptions.EndpointConnectionError:
                    assert time.monotonic() < deadline, log.read_text()
                    time.sleep(0.1)
            yield bucket
        finally:
            server.terminate()


class Valve:
    """A TCP port in front of another; shut, it takes no connection and cuts those it has."""

    def __init__(self, target: int, folder: Path) -> None:
        # Not one of those that Linux gives out: it must be free still when it opens again.
        self.port = claim(folder)
        self._target = target
        self._connections: list[socket.socket] = []
        self._listener: socket.socket | None = None

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        for each in [*([self._listener] if self._listener else []), *self._connections]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._listener = None
        self._connections.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                near.close()
                continue
            self._connections += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(one, other), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while content := source.recv(65536):
            sink.sendall(content)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)

"""A stand-in for the operators' project-bootstrapper, which knows nothing of gateways.

Once a second it registers a webhook at Label Studio's Service, asks the database by its own name
with `sslmode=verify-full`, and puts an object into S3 with the keys of its environment. It prints
what came of each as one line of JSON.
"""

import argparse
import hashlib
import hmac
import http.client
import json
import os
import socket
import ssl
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime

_DATABASE, _S3, _REGION = (
    "p.oceanid.db.postgresbridge.com",
    "s3.us-east-2.amazonaws.com",
    "us-east-2",
)
_SECONDS = 5.0


def webhook() -> str:
    """Register it; the answer's status."""
    connection = http.client.HTTPConnection("label-studio", 8080, timeout=_SECONDS)
    body = json.dumps({"url": "http://project-bootstrapper/hook", "send_payload": True})
    connection.request("POST", "/api/webhooks", body)
    return str(connection.getresponse().status)


def database() -> str:
    """Where the database's name leads, and the address that the database sees."""
    with socket.create_connection((_DATABASE, 5432), timeout=_SECONDS) as raw:
        where = raw.getpeername()[0]
        raw.sendall(struct.pack("!ii", 8, 80877103))
        if raw.recv(1) != b"S":
            raise OSError("no TLS")
        with ssl.create_default_context().wrap_socket(raw, server_hostname=_DATABASE) as secured:
            startup = struct.pack("!i", 196608) + b"user\0oceanid\0\0"
            secured.sendall(struct.pack("!i", len(startup) + 4) + startup)
            query = b"select inet_client_addr()\0"
            secured.sendall(b"Q" + struct.pack("!i", len(query) + 4) + query + b"X\0\0\0\4")
            said = b""
            while piece := secured.recv(4096):
                said += piece
    row = said[said.index(b"D", said.index(b"T")) + 5 :]
    (length,) = struct.unpack("!i", row[2:6])
    return f"{where} {row[6 : 6 + length].decode()}"


def s3(name: str) -> str:
    """Put an object into the bucket, which is made first where it is not there; the status."""
    status = put("/labelstudio/" + name, name.encode())
    if status == http.client.NOT_FOUND:
        place = f"<LocationConstraint>{_REGION}</LocationConstraint>"
        put(
            "/labelstudio",
            f"<CreateBucketConfiguration>{place}</CreateBucketConfiguration>".encode(),
        )
        status = put("/labelstudio/" + name, name.encode())
    return str(status)


def put(path: str, body: bytes) -> int:
    """PUT to S3, signed by Signature Version 4; the answer's status."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    digest = hashlib.sha256(body).hexdigest()
    signed = "host;x-amz-content-sha256;x-amz-date"
    headers = f"host:{_S3}\nx-amz-content-sha256:{digest}\nx-amz-date:{now}\n"
    request = f"PUT\n{path}\n\n{headers}\n{signed}\n{digest}"
    scope = f"{now[:8]}/{_REGION}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = b"AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"].encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    credential = f"{os.environ['AWS_ACCESS_KEY_ID']}/{scope}"
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    connection = http.client.HTTPSConnection(_S3, timeout=_SECONDS)
    try:
        connection.request(
            "PUT",
            path,
            body,
            {
                "x-amz-content-sha256": digest,
                "x-amz-date": now,
                "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, "
                f"SignedHeaders={signed}, Signature={signature}",
            },
        )
        return connection.getresponse().status
    finally:
        connection.close()


def _came_of(action: Callable[[], str]) -> str:
    try:
        return action()
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, allow_abbrev=False).parse_args()
    turn = 0
    while True:
        turn += 1
        name = f"project-{turn}"
        came = {
            "turn": turn,
            "webhook": _came_of(webhook),
            "database": _came_of(database),
            "s3": _came_of(lambda name=name: s3(name)),  # type: ignore[misc]
        }
        print(json.dumps(came), flush=True)
        time.sleep(1.0)

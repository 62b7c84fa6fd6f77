"""A connection to the API server from a kubeconfig with embedded certificates."""

import base64
import ssl
import tempfile
from pathlib import Path
from typing import Any

import httpx
import yaml


def connect(kubeconfig: Path, *, timeout: float = 10.0) -> httpx.Client:
    """An HTTP client for the current context's cluster: TLS verified, client certificate set.

    `timeout` is in seconds and holds for each connect, read and write.
    """
    document = yaml.safe_load(kubeconfig.read_text())
    current = document["current-context"]
    context = _named(document["contexts"], current)["context"]
    cluster = _named(document["clusters"], context["cluster"])["cluster"]
    user = _named(document["users"], context["user"])["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    tls = ssl.create_default_context(cadata=authority)
    # The ssl module takes a client certificate only from a file.
    with tempfile.NamedTemporaryFile(mode="wb") as pair:
        pair.write(base64.b64decode(user["client-certificate-data"]))
        pair.write(base64.b64decode(user["client-key-data"]))
        pair.flush()
        tls.load_cert_chain(pair.name)
    # The lab is on loopback: a proxy of the environment must not see it.
    return httpx.Client(base_url=cluster["server"], verify=tls, timeout=timeout, trust_env=False)


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)

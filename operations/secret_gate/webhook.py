"""Waits until the operator's webhook answers the API server."""

from __future__ import annotations

import time

from preflight.kubectl import Document, Kubectl

_SECONDS_BETWEEN_LOOKS = 0.5
# Right by its form, and never made: the API server only asks what the webhook would say.
_STORE: Document = {
    "apiVersion": "external-secrets.io/v1",
    "kind": "SecretStore",
    "metadata": {"name": "oceanid-is-the-webhook-there"},
    "spec": {
        "provider": {
            "pulumi": {
                "organization": "none",
                "project": "none",
                "environment": "none",
                "accessToken": {"secretRef": {"name": "none", "key": "none"}},
            }
        }
    },
}


def answering(cluster: Kubectl, namespace: str, *, seconds: float) -> str | None:
    """None once the API server has taken a store in a dry run, else its last error.

    The webhook's pods are ready before the API server knows the authority that their certificate
    is from: the first store would be refused in between.
    """
    path = f"/apis/external-secrets.io/v1/namespaces/{namespace}/secretstores"
    deadline = time.monotonic() + seconds
    while True:
        refusal = cluster.dry_run(path, _STORE)
        if refusal is None or time.monotonic() > deadline:
            return refusal
        time.sleep(_SECONDS_BETWEEN_LOOKS)

"""Waits until the operator's webhook answers the API server."""

from __future__ import annotations

import time

from operations.errors import RequestError
from operations.kubernetes.client import Document, KubernetesClient

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.25, 4.0
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


def answering(client: KubernetesClient, namespace: str, *, seconds: float) -> str | None:
    """None once the API server has taken a store in a dry run, else its last error.

    The webhook's pods are ready before the API server knows the authority that their certificate
    is from: the first store would be refused in between. No object tells when that is over, so
    there is nothing to watch: it is asked again, less often each time.
    """
    path = f"/apis/external-secrets.io/v1/namespaces/{namespace}/secretstores"
    deadline = time.monotonic() + seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            client.dry_run(path, _STORE)
        except RequestError as error:
            left = deadline - time.monotonic()
            if left < 0:
                return str(error)
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        else:
            return None

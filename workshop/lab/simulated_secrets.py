"""`python -m workshop.lab.simulated_secrets`: says of every ExternalSecret that it is simulated.

The pods of the External Secrets Operator run no program on simulated nodes. An update waits until
each ExternalSecret has been read again: this says so at once, by the condition that the operator
would set, with a message that begins with `simulated: `. Nothing is read, and no Secret is made.
"""

import argparse
import json
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from workshop.lab.kube import connect

_PATH = "/apis/external-secrets.io/v1"
_SECONDS_BETWEEN_LOOKS = 0.5


def main() -> None:
    """Look at the ExternalSecrets until ended; an API server that is away is waited for."""
    parser = argparse.ArgumentParser(
        prog="python -m workshop.lab.simulated_secrets", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--kubeconfig", type=Path, required=True)
    options = parser.parse_args()
    with connect(options.kubeconfig) as api:
        while True:
            try:
                settle(api)
            except httpx.HTTPError as error:
                print(f"the API server does not answer: {error}", file=sys.stderr, flush=True)
            time.sleep(_SECONDS_BETWEEN_LOOKS)


def settle(api: httpx.Client) -> None:
    """Say it of each that has changed since; there is none before the stack's CRDs are there."""
    listed = api.get(f"{_PATH}/externalsecrets")
    for each in listed.json()["items"] if listed.is_success else ():
        status, metadata = simulated(each), each["metadata"]
        if status["syncedResourceVersion"] == each.get("status", {}).get("syncedResourceVersion"):
            continue
        api.patch(
            f"{_PATH}/namespaces/{metadata['namespace']}/externalsecrets/{metadata['name']}/status",
            content=json.dumps({"status": status}),
            headers={"content-type": "application/merge-patch+json"},
        )


def simulated(external_secret: dict[str, Any]) -> dict[str, Any]:
    """The status; its version is another one once the object or its annotations have changed."""
    metadata, now = external_secret["metadata"], datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked = (metadata.get("annotations") or {}).get("force-sync", "")
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "SecretSynced",
        "message": "simulated: nothing was read",
        "lastTransitionTime": now,
    }
    return {
        "conditions": [condition],
        "refreshTime": now,
        "syncedResourceVersion": f"{metadata['generation']}-{asked}",
    }


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()

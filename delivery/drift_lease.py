"""The Lease that tells the cluster's monitoring when the stack was last found without drift.

Nothing exports metrics of a database's firewall. A Lease's age is one of kube-state-metrics', and
an alert on it (components/_alerts.py) fires when there is drift, and when nobody looks.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from delivery.environment import REPOSITORY
from settings.names import NAMESPACE

NAME = "oceanid-drift"
_HOLDER = "make drift"
_SECONDS = 30
_BUILT = REPOSITORY / ".toolchain" / "bin" / "kubectl"


def renew(context: str, environment: dict[str, str]) -> str | None:
    """Note that just now there was no drift; None, or in one line why it could not be noted.

    `context` is the kubeconfig's, `environment` the stack's. The right to patch and create this
    Lease is all that it takes.
    """
    command = shutil.which("kubectl") or str(_BUILT)
    apply = ("apply", "--server-side", "--force-conflicts", f"--field-manager={NAME}")
    try:
        done = subprocess.run(
            [command, "--context", context, *apply, "--filename", "-"],
            input=json.dumps(_lease(datetime.now(UTC))),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"the API server gave no answer within {_SECONDS} s"
    except OSError as error:
        return f"{Path(command).name}: {error.strerror}"
    said = done.stderr.strip().splitlines()
    return None if done.returncode == 0 else (said or ["no reason given"])[-1]


def _lease(now: datetime) -> dict[str, Any]:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "holderIdentity": _HOLDER,
            # Kubernetes' MicroTime: RFC 3339 with six digits.
            "renewTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        },
    }

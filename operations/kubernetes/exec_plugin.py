"""A program that logs in to a cluster, as a kubeconfig's user names one.

https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from operations.errors import RequestError

_LONGEST_REASON = 200


class _Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _Variable(_Camel):
    name: str
    value: str


class Plugin(_Camel):
    api_version: str
    command: str
    args: list[str] | None = None
    env: list[_Variable] | None = None
    provide_cluster_info: bool = False


class Credential(_Camel):
    """What the plugin gives: a token, or a client certificate with its key, or both."""

    token: str | None = None
    certificate: str | None = Field(default=None, alias="clientCertificateData")
    key: str | None = Field(default=None, alias="clientKeyData")


class _ExecCredential(_Camel):
    api_version: str
    status: Credential


def credential(
    plugin: Plugin,
    *,
    folder: Path,
    cluster: Mapping[str, Any],
    environment: Mapping[str, str],
    seconds: float,
) -> Credential:
    """Run the plugin, without a terminal, and read what it gives; raises RequestError.

    `folder` is the kubeconfig's: a command with a slash is relative to it.
    """
    spec: dict[str, Any] = {"interactive": False}
    if plugin.provide_cluster_info:
        spec["cluster"] = cluster
    request = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    own = {variable.name: variable.value for variable in plugin.env or []}
    command = str(folder / plugin.command) if "/" in plugin.command else plugin.command
    try:
        done = subprocess.run(
            [command, *(plugin.args or [])],
            env={**environment, **own, "KUBERNETES_EXEC_INFO": json.dumps(request)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise RequestError(f"{plugin.command}: no credential within {seconds:g} s") from None
    except OSError as error:
        raise RequestError(f"{plugin.command}: {error.strerror}") from None
    if done.returncode != 0:
        *_, last = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise RequestError(f"{plugin.command}: {last[:_LONGEST_REASON]}")
    try:
        response = _ExecCredential.model_validate_json(done.stdout)
    except ValidationError:
        # Whatever it printed instead may be a credential.
        raise RequestError(f"{plugin.command}: no credential in what it printed") from None
    if response.api_version != plugin.api_version:
        raise RequestError(
            f"{plugin.command}: answers by {response.api_version}, not by {plugin.api_version}"
        )
    return response.status

"""The Prometheus Operator's kinds in the lab's API server, without the operator.

With them the API server takes and checks the stack's monitors, probes and rules as a cluster with
Prometheus does; nothing scrapes here.
"""

from __future__ import annotations

import time

import httpx
import yaml

from lab.home import BIN, LabError

_FOLDER = BIN / "prometheus-operator-crds"
_GROUP = "monitoring.coreos.com"
# The others are for running Prometheus itself.
_KINDS = ("podmonitors", "probes", "prometheusrules", "servicemonitors")
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_SECONDS_TO_SERVE = 30.0


def serve_kinds(api: httpx.Client) -> list[str]:
    """Make the kinds that the API server lacks, and wait for them; return their names.

    Raises LabError when it refuses one, or does not serve it after half a minute.
    """
    made = []
    for kind in _KINDS:
        name = f"{kind}.{_GROUP}"
        if api.get(f"{_DEFINITIONS}/{name}").is_success:
            continue
        text = (_FOLDER / f"{_GROUP}_{kind}.yaml").read_text()
        answer = api.post(_DEFINITIONS, json=yaml.load(text, yaml.CSafeLoader))
        if answer.status_code not in {httpx.codes.CREATED, httpx.codes.CONFLICT}:
            raise LabError(f"kind {name}: the API server answers {answer.status_code}")
        made.append(name)
    _wait(api)
    return made


def _wait(api: httpx.Client) -> None:
    deadline = time.monotonic() + _SECONDS_TO_SERVE
    while True:
        answer = api.get(f"/apis/{_GROUP}/v1")
        served = (
            {each["name"] for each in answer.json()["resources"]} if answer.is_success else set()
        )
        if served.issuperset(_KINDS):
            return
        if time.monotonic() > deadline:
            raise LabError(f"the API server does not serve {_GROUP}: see its log")
        time.sleep(0.1)

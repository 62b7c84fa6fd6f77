"""The Prometheus Operator's kinds in the lab's API server, without the operator.

With them the API server takes and checks the stack's monitors, probes and rules as a cluster with
Prometheus does; nothing scrapes here.
"""

import httpx
import yaml

from workshop.lab.home import BIN, LabError
from workshop.lab.waiting import until

_FOLDER = BIN / "prometheus-operator-crds"
_GROUP = "monitoring.coreos.com"
# The others are for running Prometheus itself.
_KINDS = ("podmonitors", "probes", "prometheusrules", "servicemonitors")
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


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

    def is_served() -> bool:
        response = api.get(f"/apis/{_GROUP}/v1")
        served = response.json()["resources"] if response.is_success else []
        return {kind["name"] for kind in served}.issuperset(_KINDS)

    until(is_served, f"the API server does not serve {_GROUP}: see its log")
    return made

"""The Prometheus Operator's kinds in the lab's API server, without the operator.

With them the API server takes and checks the stack's monitors, probes and rules as a cluster with
Prometheus does; nothing scrapes here.
"""

import httpx
import yaml

from workshop.lab.home import BIN
from workshop.lab.kube import Objects
from workshop.lab.waiting import until

_FOLDER = BIN / "prometheus-operator-crds"
_GROUP = "monitoring.coreos.com"
# The others are for running Prometheus itself.
_KINDS = ("podmonitors", "probes", "prometheusrules", "servicemonitors")


def serve_kinds(api: httpx.Client) -> None:
    """Make the kinds that the API server lacks, and wait for them.

    Raises LabError when it refuses one, or does not serve it after half a minute.
    """

    def is_served() -> bool:
        response = api.get(f"/apis/{_GROUP}/v1")
        served = response.json()["resources"] if response.is_success else []
        return {kind["name"] for kind in served}.issuperset(_KINDS)

    if is_served():
        return
    files = (_FOLDER / f"{_GROUP}_{kind}.yaml" for kind in _KINDS)
    Objects(api).apply(yaml.load(file.read_text(), yaml.CSafeLoader) for file in files)
    until(is_served, f"the API server does not serve {_GROUP}: see its log")

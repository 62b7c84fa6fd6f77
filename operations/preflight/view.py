"""What the checks look at: the cluster at one moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from components.cluster.labels import GATEWAY
from operations.errors import RequestError, UnavailableError
from operations.kubernetes.client import Document, KubernetesClient

# Lists that are asked for at the same time.
_PARALLEL = 12


class Kind(StrEnum):
    """What can be asked for, by its path at the API server."""

    NODES = "/api/v1/nodes"
    LEASES = "/apis/coordination.k8s.io/v1/leases"
    DAEMON_SETS = "/apis/apps/v1/daemonsets"
    DEPLOYMENTS = "/apis/apps/v1/deployments"
    STATEFUL_SETS = "/apis/apps/v1/statefulsets"
    JOBS = "/apis/batch/v1/jobs"
    CRON_JOBS = "/apis/batch/v1/cronjobs"
    NAMESPACES = "/api/v1/namespaces"
    GROUPS = "/apis"
    API_SERVERS = (
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
        "?labelSelector=kubernetes.io/service-name=kubernetes"
    )
    # CoreDNS' configuration, whose name differs between distributions.
    SYSTEM_CONFIG_MAPS = "/api/v1/namespaces/kube-system/configmaps"
    # This stack's own: pods of every kind would be too much to ask for.
    GATEWAYS = f"/api/v1/pods?labelSelector=app.kubernetes.io/name={GATEWAY}"
    UNSCHEDULED = "/api/v1/events?fieldSelector=reason=FailedScheduling"
    # Their names and labels only.
    SECRETS = "/api/v1/secrets"


@dataclass(frozen=True, kw_only=True)
class View:
    """The cluster at one moment: for each kind its objects, or why they are unavailable."""

    objects: Mapping[Kind, list[Document] | RequestError]

    def items(self, kind: Kind) -> list[Document]:
        """The objects of a kind in all namespaces; raises UnavailableError."""
        items = self.objects[kind]
        if isinstance(items, RequestError):
            what = kind.value.partition("?")[0].rpartition("/")[2]
            raise UnavailableError(f"{what} cannot be listed: {items}")
        return items


def view(client: KubernetesClient, kinds: Collection[Kind]) -> View:
    """Ask for all `kinds` at the same time, once each."""
    with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
        objects = pool.map(lambda kind: _objects(client, kind), kinds)
        return View(objects=dict(zip(kinds, objects, strict=True)))


def pods_on(client: KubernetesClient, node: str) -> list[Document]:
    """The pods on a node that have not ended, of all namespaces; raises RequestError."""
    fields = f"spec.nodeName={node},status.phase!=Succeeded,status.phase!=Failed"
    return client.list_objects("/api/v1/pods", fieldSelector=fields)


def _objects(client: KubernetesClient, kind: Kind) -> list[Document] | RequestError:
    try:
        if kind is Kind.GROUPS:
            groups: list[Document] = client.get(kind.value)["groups"]
            return groups
        if kind is Kind.SECRETS:
            return client.list_metadata(kind.value)
        return client.list_objects(kind.value)
    except RequestError as error:
        return error

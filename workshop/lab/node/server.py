"""The control plane in the first node: what k3s runs on a server node."""

from pathlib import Path

from workshop.lab.control_plane import (
    api_server_command,
    cluster_authority,
    controller_manager_command,
    etcd_command,
    kubeconfig,
    scheduler_command,
)
from workshop.lab.home import Home
from workshop.lab.network.plan import API_PORT, API_SERVICE, PODS, SERVICES, NodePlan
from workshop.lab.node.service import NodeService

API_UP = "api-up"
"""The file in the lab's folder that says that the API server has answered since its start."""

_ETCD, _ETCD_PEER = "https://127.0.0.1:2379", "https://127.0.0.1:2380"
_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc.cluster.local")


def url(plan: NodePlan) -> str:
    """The API server's, as nodes and pods reach it."""
    return f"https://{plan.address}:{API_PORT}"


def services(home: Home, plan: NodePlan, logs: Path) -> list[NodeService]:
    """etcd, the API server, the controller manager and the scheduler, on the node `plan`."""
    up = (str(home.path / API_UP),)
    for name in ("kube-controller-manager", "kube-scheduler"):
        kubeconfig(home, name, url(plan), user=f"system:{name}")
    return [
        NodeService(name="etcd", argv=etcd_command(home, _ETCD, _ETCD_PEER), log=logs / "etcd.log"),
        NodeService(
            name="kube-apiserver", argv=_api_server(home, plan), log=logs / "kube-apiserver.log"
        ),
        NodeService(
            name="kube-controller-manager",
            # Each node's range is the plan's, which the routes between the nodes go by.
            argv=controller_manager_command(home, pods=PODS, services=SERVICES),
            log=logs / "kube-controller-manager.log",
            after=up,
        ),
        NodeService(
            name="kube-scheduler",
            argv=scheduler_command(home),
            log=logs / "kube-scheduler.log",
            after=up,
        ),
    ]


def _api_server(home: Home, plan: NodePlan) -> tuple[str, ...]:
    authority = cluster_authority(home)
    hosts = (*_NAMES, str(API_SERVICE), str(plan.address))
    kubelets = authority.issue(
        "apiserver-kubelet-client", user="kube-apiserver-kubelet-client", group="system:masters"
    )
    return api_server_command(
        home,
        f"--advertise-address={plan.address}",
        f"--kubelet-client-certificate={kubelets.certificate}",
        f"--kubelet-client-key={kubelets.key}",
        f"--kubelet-certificate-authority={authority.pair.certificate}",
        "--kubelet-preferred-address-types=InternalIP",
        port=API_PORT,
        services=SERVICES,
        serving=authority.issue("kube-apiserver", user="kube-apiserver", hosts=hosts),
        etcd=_ETCD,
    )

"""The control plane in the first node: what k3s runs on a server node."""

from pathlib import Path

import yaml

from workshop.lab import pki
from workshop.lab.control_plane import (
    AUDIT_POLICY,
    cluster_authority,
    etcd_authority,
    etcd_command,
)
from workshop.lab.home import BIN, Home
from workshop.lab.network.plan import API_PORT, API_SERVICE, PODS, SERVICES, NodePlan
from workshop.lab.node.service import NodeService
from workshop.lab.private_file import write_private

API_UP = "api-up"
"""The file in the lab's folder that says that the API server has answered since its start."""

_ETCD, _ETCD_PEER = "https://127.0.0.1:2379", "https://127.0.0.1:2380"
_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc.cluster.local")


def url(plan: NodePlan) -> str:
    """The API server's, as nodes and pods reach it."""
    return f"https://{plan.address}:{API_PORT}"


def kubeconfig(home: Home, name: str, server: str, *, user: str, group: str | None = None) -> Path:
    """A kubeconfig for a part of the cluster, made at first use."""
    path = home.kubeconfig if name == "admin" else home.pki / f"{name}.kubeconfig"
    if not path.exists():
        authority = cluster_authority(home)
        client = authority.issue(name, user=user, group=group)
        pki.kubeconfig(path, server=server, authority=authority.pair, client=client)
    return path


def services(home: Home, plan: NodePlan, logs: Path) -> list[NodeService]:
    """etcd, the API server, the controller manager and the scheduler, on the node `plan`."""
    up = (str(home.path / API_UP),)
    return [
        NodeService(name="etcd", argv=etcd_command(home, _ETCD, _ETCD_PEER), log=logs / "etcd.log"),
        NodeService(
            name="kube-apiserver", argv=_api_server(home, plan), log=logs / "kube-apiserver.log"
        ),
        NodeService(
            name="kube-controller-manager",
            argv=_controller_manager(home, plan),
            log=logs / "kube-controller-manager.log",
            after=up,
        ),
        NodeService(
            name="kube-scheduler",
            argv=_scheduler(home, plan),
            log=logs / "kube-scheduler.log",
            after=up,
        ),
    ]


def _api_server(home: Home, plan: NodePlan) -> tuple[str, ...]:
    etcd_client = etcd_authority(home).issue("etcd-client", user="kube-apiserver")
    authority = cluster_authority(home)
    hosts = (*_NAMES, str(API_SERVICE), str(plan.address))
    serving = authority.issue("kube-apiserver", user="kube-apiserver", hosts=hosts)
    kubelets = authority.issue(
        "apiserver-kubelet-client", user="kube-apiserver-kubelet-client", group="system:masters"
    )
    tokens = pki.signing_key(home.pki, "service-accounts")
    audit_policy = home.pki / "audit-policy.yaml"
    write_private(audit_policy, yaml.safe_dump(AUDIT_POLICY))
    return (
        str(BIN / "kube-apiserver"),
        f"--advertise-address={plan.address}",
        f"--secure-port={API_PORT}",
        f"--tls-cert-file={serving.certificate}",
        f"--tls-private-key-file={serving.key}",
        f"--client-ca-file={authority.pair.certificate}",
        f"--kubelet-client-certificate={kubelets.certificate}",
        f"--kubelet-client-key={kubelets.key}",
        f"--kubelet-certificate-authority={authority.pair.certificate}",
        "--kubelet-preferred-address-types=InternalIP",
        "--anonymous-auth=false",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--service-cluster-ip-range={SERVICES}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={tokens}",
        f"--service-account-signing-key-file={tokens}",
        f"--etcd-servers={_ETCD}",
        f"--etcd-cafile={etcd_authority(home).pair.certificate}",
        f"--etcd-certfile={etcd_client.certificate}",
        f"--etcd-keyfile={etcd_client.key}",
        f"--encryption-provider-config={pki.encryption_config(home.pki)}",
        "--enable-aggregator-routing=true",
        f"--audit-policy-file={audit_policy}",
        f"--audit-log-path={home.logs / 'audit.log'}",
        "--audit-log-maxsize=50",
        "--audit-log-maxbackup=1",
        "--allow-privileged=true",
    )


def _controller_manager(home: Home, plan: NodePlan) -> tuple[str, ...]:
    user = "system:kube-controller-manager"
    config = kubeconfig(home, "kube-controller-manager", url(plan), user=user)
    return (
        str(BIN / "kube-controller-manager"),
        f"--kubeconfig={config}",
        "--secure-port=0",
        "--leader-elect=false",
        "--use-service-account-credentials",
        f"--service-account-private-key-file={pki.signing_key(home.pki, 'service-accounts')}",
        f"--root-ca-file={cluster_authority(home).pair.certificate}",
        # Each node's range is the plan's, which the routes between the nodes go by.
        f"--cluster-cidr={PODS}",
        f"--service-cluster-ip-range={SERVICES}",
    )


def _scheduler(home: Home, plan: NodePlan) -> tuple[str, ...]:
    config = kubeconfig(home, "kube-scheduler", url(plan), user="system:kube-scheduler")
    return (
        str(BIN / "kube-scheduler"),
        f"--kubeconfig={config}",
        "--secure-port=0",
        "--leader-elect=false",
    )

"""etcd, the API server, the controller manager, the scheduler and kwok as lab services."""

from pathlib import Path

import httpx

from workshop.lab import pki, processes
from workshop.lab.home import BIN, REPOSITORY, Home
from workshop.lab.kube import connect
from workshop.lab.processes import Service
from workshop.lab.waiting import until

# The ranges k3s uses, so that network policies in dev read as they do in prod.
POD_CIDR = "10.42.0.0/16"
SERVICE_CIDR = "10.43.0.0/16"

NAMES = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
)

_SECONDS_TO_START = 60.0
_AUDIT_POLICY = Path(__file__).with_name("audit_policy.yaml")


def start(home: Home) -> list[str]:
    """Bring the control plane up and wait until it answers; return the names just started.

    Raises LabError when a part ends or stays silent for a minute.
    """
    _write_credentials(home)
    # The API server waits for etcd by itself; the others would exit without an API server.
    started = _start(home, _etcd(home), _api_server(home))
    _wait_for_api_server(home)
    started += _start(home, _controller_manager(home), _scheduler(home), _kwok(home))
    return started


def api_server_url(home: Home) -> str:
    return f"https://127.0.0.1:{home.port('kube-apiserver')}"


def cluster_authority(home: Home) -> pki.Authority:
    """The authority that the API server's clients, and its own certificate, are known by."""
    return pki.Authority(folder=home.pki, name="cluster-ca")


def etcd_authority(home: Home) -> pki.Authority:
    """The authority of etcd and of its clients."""
    # Of its own, or any client of the API server could read the database behind it.
    return pki.Authority(folder=home.pki, name="etcd-ca")


def kubeconfig(home: Home, name: str, server: str, *, user: str, group: str | None = None) -> Path:
    """A kubeconfig for a part of the cluster, made at first use."""
    path = home.kubeconfig if name == "admin" else home.pki / f"{name}.kubeconfig"
    if not path.exists():
        authority = cluster_authority(home)
        client = authority.issue(name, user=user, group=group)
        pki.kubeconfig(path, server=server, authority=authority.pair, client=client)
    return path


def _write_credentials(home: Home) -> None:
    url, everything = api_server_url(home), "system:masters"
    kubeconfig(home, "admin", url, user="oceanid-lab-admin", group=everything)
    # kwok reads and writes every node and pod; cluster administrator is what its own manifests use.
    kubeconfig(home, "kwok", url, user="oceanid-lab-kwok", group=everything)
    for name in ("kube-controller-manager", "kube-scheduler"):
        kubeconfig(home, name, url, user=f"system:{name}")


def _etcd(home: Home) -> Service:
    client = f"https://127.0.0.1:{home.port('etcd')}"
    return Service(
        name="etcd",
        argv=etcd_command(home, client, f"https://127.0.0.1:{home.port('etcd-peer')}"),
    )


def etcd_command(home: Home, client: str, peer: str) -> tuple[str, ...]:
    """etcd's command line; it listens at these two URLs."""
    pair = etcd_authority(home).issue("etcd", user="etcd")
    authority = etcd_authority(home).pair.certificate
    return (
        str(BIN / "etcd"),
        f"--data-dir={home.path / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        f"--cert-file={pair.certificate}",
        f"--key-file={pair.key}",
        f"--trusted-ca-file={authority}",
        "--client-cert-auth",
        f"--peer-cert-file={pair.certificate}",
        f"--peer-key-file={pair.key}",
        f"--peer-trusted-ca-file={authority}",
        "--peer-client-cert-auth",
        # A lab loses nothing by a power cut; a killed process loses nothing either way.
        "--unsafe-no-fsync",
        "--log-level=warn",
    )


def _api_server(home: Home) -> Service:
    return Service(
        name="kube-apiserver",
        argv=api_server_command(
            home,
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            # The default one refuses a loopback address for the `kubernetes` service.
            "--endpoint-reconciler-type=none",
            # No pod runs a program: a webhook in one would refuse what it is asked about.
            "--disable-admission-plugins=MutatingAdmissionWebhook,ValidatingAdmissionWebhook",
            port=home.port("kube-apiserver"),
            services=SERVICE_CIDR,
            serving=cluster_authority(home).issue("kube-apiserver", user="kube-apiserver"),
            etcd=f"https://127.0.0.1:{home.port('etcd')}",
        ),
    )


def api_server_command(
    home: Home, *more: str, port: int, services: object, serving: pki.Pair, etcd: str
) -> tuple[str, ...]:
    """The API server's command line in either lab, with `more` of its own.

    `services` is the range of the Services' addresses, `etcd` where the database listens.
    """
    etcd_client = etcd_authority(home).issue("etcd-client", user="kube-apiserver")
    tokens = pki.signing_key(home.pki, "service-accounts")
    return (
        str(BIN / "kube-apiserver"),
        *more,
        f"--secure-port={port}",
        f"--tls-cert-file={serving.certificate}",
        f"--tls-private-key-file={serving.key}",
        f"--client-ca-file={cluster_authority(home).pair.certificate}",
        "--anonymous-auth=false",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--service-cluster-ip-range={services}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={tokens}",
        f"--service-account-signing-key-file={tokens}",
        f"--etcd-servers={etcd}",
        f"--etcd-cafile={etcd_authority(home).pair.certificate}",
        f"--etcd-certfile={etcd_client.certificate}",
        f"--etcd-keyfile={etcd_client.key}",
        f"--encryption-provider-config={pki.encryption_config(home.pki)}",
        "--enable-aggregator-routing=true",
        f"--audit-policy-file={_AUDIT_POLICY}",
        f"--audit-log-path={home.logs / 'audit.log'}",
        "--audit-log-maxsize=50",
        "--audit-log-maxbackup=1",
        "--allow-privileged=true",
    )


def _controller_manager(home: Home) -> Service:
    return Service(
        name="kube-controller-manager",
        argv=controller_manager_command(
            home,
            "--allocate-node-cidrs",
            # Room for 512 nodes of at most 110 pods, for the benchmark's largest fleet.
            "--node-cidr-mask-size=25",
            pods=POD_CIDR,
            services=SERVICE_CIDR,
        ),
    )


def controller_manager_command(
    home: Home, *more: str, pods: object, services: object
) -> tuple[str, ...]:
    """The controller manager's command line in either lab; the ranges are the cluster's."""
    return (
        str(BIN / "kube-controller-manager"),
        f"--kubeconfig={home.pki / 'kube-controller-manager.kubeconfig'}",
        "--secure-port=0",
        "--leader-elect=false",
        "--use-service-account-credentials",
        f"--service-account-private-key-file={pki.signing_key(home.pki, 'service-accounts')}",
        f"--root-ca-file={cluster_authority(home).pair.certificate}",
        f"--cluster-cidr={pods}",
        f"--service-cluster-ip-range={services}",
        *more,
    )


def _scheduler(home: Home) -> Service:
    return Service(name="kube-scheduler", argv=scheduler_command(home))


def scheduler_command(home: Home) -> tuple[str, ...]:
    """The scheduler's command line in either lab."""
    return (
        str(BIN / "kube-scheduler"),
        f"--kubeconfig={home.pki / 'kube-scheduler.kubeconfig'}",
        "--secure-port=0",
        "--leader-elect=false",
    )


def _kwok(home: Home) -> Service:
    stages = BIN / "kwok-stages"
    chosen = (
        "node/fast/node-initialize.yaml",
        "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
        "pod/fast/pod-ready.yaml",
        "pod/fast/pod-delete.yaml",
    )
    return Service(
        name="kwok",
        argv=(
            str(BIN / "kwok"),
            f"--kubeconfig={home.pki / 'kwok.kubeconfig'}",
            *(f"--config={stages / name}" for name in chosen),
            *(
                f"--config={path}"
                for path in sorted((REPOSITORY / "workshop" / "lab" / "stages").iterdir())
            ),
            "--manage-all-nodes",
            f"--cidr={POD_CIDR}",
            # Half a kubelet's, so renewed every 5 s: kwok lets a Lease expire that it was kept from
            # renewing, and a busy machine must not make nodes look silent.
            "--node-lease-duration-seconds=20",
        ),
        # Or it reads a configuration of the user's own.
        environment={"KWOK_WORKDIR": str(home.path / "kwok")},
    )


def _start(home: Home, *services: Service) -> list[str]:
    return [service.name for service in services if processes.start(home, service)]


def _wait_for_api_server(home: Home) -> None:
    with connect(home.kubeconfig, timeout=2) as api:

        def is_ready() -> bool:
            for name in ("etcd", "kube-apiserver"):
                processes.assert_alive(home, name)
            try:
                return api.get("/readyz").is_success
            except httpx.TransportError:
                return False  # not listening yet

        log = home.logs / "kube-apiserver.log"
        failure = f"the API server is not ready after {_SECONDS_TO_START:.0f} s: see {log}"
        until(is_ready, failure, seconds=_SECONDS_TO_START)

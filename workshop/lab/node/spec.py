"""A node's spec for `init.py`: its folders, its configuration files and its services."""

import json
import uuid
from pathlib import Path
from typing import Any

from workshop.lab.control_plane import cluster_authority, kubeconfig
from workshop.lab.home import BIN, Home
from workshop.lab.network.plan import CLUSTER_DNS, PODS, SERVICES, NodePlan
from workshop.lab.node import cgroup, server
from workshop.lab.node.images import PAUSE
from workshop.lab.node.service import NodeService

_SOCKET = "/run/containerd/containerd.sock"
# Where each folder of the node's in the lab's is in the node.
_FOLDERS = {
    "kubelet": "/var/lib/kubelet",
    "containerd": "/var/lib/containerd",
    "log": "/var/log",
    "cni": "/var/lib/cni",
    "etc-cni": "/etc/cni",
}
# The kubelet's protectKernelDefaults asks for these, and they are the whole machine's.
_SHADOWED = {
    "vm/overcommit_memory": "1\n",
    "vm/panic_on_oom": "0\n",
    "kernel/panic": "10\n",
    "kernel/panic_on_oops": "1\n",
    "kernel/keys/root_maxkeys": "1000000\n",
    "kernel/keys/root_maxbytes": "25000000\n",
}
# Both hold in the node's network namespace only.
_SYSCTLS = {"net/ipv4/ip_forward": "1", "net/bridge/bridge-nf-call-iptables": "1"}


def folder(home: Home, name: str) -> Path:
    """Where the lab keeps what is the node's."""
    return home.path / "nodes" / name


def write(home: Home, plan: NodePlan, fleet: tuple[NodePlan, ...]) -> Path:
    """Write the node's files and return the spec's; the first of `fleet` is the server."""
    place = folder(home, plan.name)
    for name in (*_FOLDERS, "logs", "etc-cni/net.d"):
        (place / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    files = {
        "resolv.conf": f"nameserver {plan.resolver}\n",
        "hosts": "127.0.0.1 localhost\n"
        + "".join(f"{each.address} {each.name}\n" for each in fleet),
        "machine-id": f"{uuid.uuid5(uuid.NAMESPACE_DNS, f'{home.path}.{plan.name}').hex}\n",
        "containerd.toml": _CONTAINERD,
        "kubelet.json": json.dumps(_kubelet(home, plan), indent=1),
        "kube-proxy.json": json.dumps(_proxy(home, plan, fleet[0]), indent=1),
        "etc-cni/net.d/10-lab.conflist": json.dumps(_network(plan), indent=1),
    }
    for name, text in files.items():
        # kube-proxy ends, to be started again, whenever its file is written.
        if not (place / name).exists() or (place / name).read_text() != text:
            (place / name).write_text(text)
    binds = [(str(place / name), target) for name, target in _FOLDERS.items()]
    binds += [
        (str(place / name), f"/etc/{name}") for name in ("resolv.conf", "hosts", "machine-id")
    ]
    spec = {
        "name": plan.name,
        "cgroups": {key: str(path) for key, path in cgroup.make(home, plan.name).items()},
        "binds": binds,
        "shadowed": _SHADOWED,
        "sysctls": _SYSCTLS,
        "services": [each.spec() for each in _services(home, plan, fleet[0], place)],
    }
    path = place / "spec.json"
    path.write_text(json.dumps(spec, indent=1))
    return path


def _services(home: Home, plan: NodePlan, first: NodePlan, place: Path) -> list[NodeService]:
    logs = place / "logs"
    control_plane = server.services(home, plan, logs) if plan is first else []
    router = kubeconfig(
        home, "kube-router", server.url(first), user="lab-kube-router", group="system:masters"
    )
    kubelet = kubeconfig(
        home,
        f"kubelet-{plan.name}",
        server.url(first),
        user=f"system:node:{plan.name}",
        group="system:nodes",
    )
    up = str(home.path / server.API_UP)
    containerd = (str(BIN / "containerd"), f"--config={place / 'containerd.toml'}")
    return [
        *control_plane,
        NodeService(name="containerd", argv=containerd, log=logs / "containerd.log"),
        NodeService(
            name="kubelet",
            argv=(
                str(BIN / "kubelet"),
                f"--config={place / 'kubelet.json'}",
                f"--kubeconfig={kubelet}",
                f"--hostname-override={plan.name}",
                f"--node-ip={plan.address}",
            ),
            log=logs / "kubelet.log",
            after=(up, _SOCKET),
        ),
        NodeService(
            name="kube-proxy",
            argv=(str(BIN / "kube-proxy"), f"--config={place / 'kube-proxy.json'}"),
            log=logs / "kube-proxy.log",
            after=(up,),
        ),
        # The part of it that k3s embeds: the controller of NetworkPolicies.
        NodeService(
            name="kube-router",
            argv=(
                str(BIN / "kube-router"),
                "--run-firewall=true",
                "--run-router=false",
                "--run-service-proxy=false",
                "--run-loadbalancer=false",
                f"--kubeconfig={router}",
                f"--hostname-override={plan.name}",
                f"--service-cluster-ip-range={SERVICES}",
                "--metrics-port=0",
                "--health-port=0",
            ),
            log=logs / "kube-router.log",
            after=(up,),
        ),
    ]


_CONTAINERD = f"""version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.blockfile",
  "io.containerd.snapshotter.v1.erofs",
  "io.containerd.nri.v1.nri",
  "io.containerd.internal.v1.tracing",
  "io.containerd.tracing.processor.v1.otlp",
]
[grpc]
  address = "{_SOCKET}"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "{PAUSE}"
[plugins.'io.containerd.cri.v1.runtime']
  # Without CAP_SYS_RESOURCE no process may have a lower oom_score_adj than it has.
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["{BIN}"]
    conf_dir = "/etc/cni/net.d"
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = "runc"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
"""


def _kubelet(home: Home, plan: NodePlan) -> dict[str, Any]:
    authority = cluster_authority(home)
    serving = authority.issue(
        f"kubelet-serving-{plan.name}",
        user=f"system:node:{plan.name}",
        group="system:nodes",
        hosts=(plan.name, str(plan.address)),
    )
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        # Version 1 of cgroups is all that some machines have.
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(authority.pair.certificate)},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(serving.certificate),
        "tlsPrivateKeyFile": str(serving.key),
        "readOnlyPort": 0,
        "clusterDNS": [str(CLUSTER_DNS)],
        "clusterDomain": "cluster.local",
        "resolvConf": "/etc/resolv.conf",
        "containerRuntimeEndpoint": f"unix://{_SOCKET}",
        "failSwapOn": False,
        "protectKernelDefaults": True,
        # This machine's disk is the developer's: a full one is no reason to evict the lab.
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
            "imagefs.inodesFree": "0%",
        },
        # Nothing is pulled here, so nothing that is removed would come back.
        "imageGCHighThresholdPercent": 100,
    }


def _proxy(home: Home, plan: NodePlan, first: NodePlan) -> dict[str, Any]:
    config = kubeconfig(home, "kube-proxy", server.url(first), user="system:kube-proxy")
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clusterCIDR": str(PODS),
        "hostnameOverride": plan.name,
        "clientConnection": {"kubeconfig": str(config)},
        # The maximum of connections is the machine's.
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
        "metricsBindAddress": "127.0.0.1:10249",
        "healthzBindAddress": "127.0.0.1:10256",
    }


def _network(plan: NodePlan) -> dict[str, Any]:
    """The pods' bridge. The routes between nodes, and the NAT, are the topology's."""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isDefaultGateway": True,
        "hairpinMode": True,
        "ipMasq": False,
        "mtu": plan.mtu,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": str(plan.pods)}]],
            "dataDir": "/run/cni-networks",
        },
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "1.0.0", "name": "lab", "plugins": [bridge, ports]}

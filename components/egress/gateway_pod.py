"""A worker gateway's pod: one tailscaled for each exit node, and Envoy in front of them."""

import json
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core import v1 as core

from ..cluster.pod_parts import config_volume, http_probe, node_name
from ..cluster.ports import (
    ADMIN_PORT,
    FIRST_HTTP_PORT,
    FIRST_SOCKS5_PORT,
    HEALTH_PORT,
    HTTP_PORT,
    SOCKS5_PORT,
    STATUS_PORT,
    WIREGUARD_PORT,
)
from . import tailscale_pod
from .egress_args import EgressArgs
from .envoy import (
    ALIVE_PATH,
    ARGUMENTS,
    READY_PATH,
    bootstrap,
    drain_script,
)
from .envoy_gateway import ExitNodeProxy, Gateway
from .requests import ENVOY_REQUESTS, TAILSCALE_REQUESTS

# Envoy takes 66 MB idle and at most 250 KiB a connection that is full both ways (measured with
# v1.40): 2000 fit the container's limit. What passes inside Envoy does not count for it.
_MAX_CONNECTIONS = 2_000
_ENVOY_MEMORY_LIMIT = "640Mi"
# What a roll-out leaves connections to finish in; clients' pools connect again meanwhile.
DRAIN_SECONDS = 30
# And the pod's grace period: `preStop` counts in it.
GRACE_SECONDS = DRAIN_SECONDS + 15
_DRAIN = f"{drain_script(ADMIN_PORT)}; sleep {DRAIN_SECONDS}"
_CONFIG_KEY = "envoy.json"
_CONFIG_PATH = "/etc/envoy"
_SOCKETS_PATH = "/run/tailscale"
_STATE_PATH = "/var/lib/tailscale"

# Node names have dots and up to 253 characters; a tailnet name is one DNS label of at most 63.
# The suffix (TS_HOSTNAME as set) is at most 22 long, so 40 of the node's name fit before it.
_START = (
    "node=$(printf %s \"$NODE_NAME\" | tr 'A-Z.' 'a-z-' | cut -c1-40 | sed 's/-*$//'); "
    'export TS_HOSTNAME="$node-$TS_HOSTNAME"; exec /usr/local/bin/containerboot'
)
# Online alone does not tell an approved exit node from one that is not: the option does. The three
# fields follow each other in ipnstate.PeerStatus of Tailscale v1.102.3.
_ANY_EXIT_NODE = (
    f"for socket in {_SOCKETS_PATH}/*.sock; do "
    'tailscale --socket="$socket" status --json 2>/dev/null | tr -d " \\n" | '
    'grep -q \'"Online":true,"ExitNode":true,"ExitNodeOption":true\' && exit 0; '
    "done; exit 1"
)


@dataclass(frozen=True, kw_only=True)
class GatewayExitNode:
    """An exit node as a gateway uses it; `name` is a DNS label of at most 50 characters."""

    name: str
    tailnet_address: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class GatewayPod:
    egress: EgressArgs
    exit_nodes: tuple[GatewayExitNode, ...]


def envoy_config(pod: GatewayPod) -> pulumi.Output[dict[str, str]]:
    """The ConfigMap's data: Envoy's bootstrap, known once the exit nodes' addresses are."""

    def rendered(addresses: list[str]) -> dict[str, str]:
        gateway = Gateway(
            destinations=pod.egress.targets.destinations,
            exit_nodes=tuple(
                ExitNodeProxy(
                    name=exit_node.name,
                    tailnet_address=address,
                    health_port=HEALTH_PORT,
                    http_port=FIRST_HTTP_PORT + index,
                    socks5_port=FIRST_SOCKS5_PORT + index,
                )
                for index, (exit_node, address) in enumerate(
                    zip(pod.exit_nodes, addresses, strict=True)
                )
            ),
            http_port=HTTP_PORT,
            socks5_port=SOCKS5_PORT,
            status_port=STATUS_PORT,
            admin_port=ADMIN_PORT,
            max_connections=_MAX_CONNECTIONS,
        )
        return {_CONFIG_KEY: json.dumps(bootstrap(gateway), indent=1)}

    return pulumi.Output.all(*(each.tailnet_address for each in pod.exit_nodes)).apply(rendered)


def containers(pod: GatewayPod) -> list[core.ContainerArgs]:
    return [
        _envoy(pod),
        *(_tailscale(pod, index, each) for index, each in enumerate(pod.exit_nodes)),
    ]


def volumes(*, credential: str, config: core.ConfigMap) -> list[core.VolumeArgs]:
    """The containers' volumes; nothing in them outlives the pod."""
    return [
        *tailscale_pod.volumes(credential),
        config_volume("envoy", config),
        _empty("sockets", "1Mi"),
        _empty("state", "32Mi"),
    ]


def _tailscale(pod: GatewayPod, index: int, exit_node: GatewayExitNode) -> core.ContainerArgs:
    daemon = tailscale_pod.Daemon(
        hostname=f"egress-{exit_node.name[:15].rstrip('-')}",
        tag=pod.egress.gateway_access.tag,
        flags=("--exit-node=$(EXIT_NODE_ADDRESS)",),
        health_port=HEALTH_PORT + index,
        wireguard_port=WIREGUARD_PORT + index,
        socket=f"{_SOCKETS_PATH}/{exit_node.name}.sock",
    )
    address = core.EnvVarArgs(name="EXIT_NODE_ADDRESS", value=exit_node.tailnet_address)
    environment = tailscale_pod.environment(
        daemon,
        # No Secret: the device is ephemeral, and pods must not share a node key.
        TS_KUBE_SECRET="",
        TS_STATE_DIR=f"{_STATE_PATH}/{exit_node.name}",
        TS_OUTBOUND_HTTP_PROXY_LISTEN=f"127.0.0.1:{FIRST_HTTP_PORT + index}",
        TS_SOCKS5_SERVER=f"127.0.0.1:{FIRST_SOCKS5_PORT + index}",
    )
    return core.ContainerArgs(
        name=f"tailscale-{exit_node.name}",
        image=pod.egress.tailscale_image,
        command=["/bin/sh", "-ec", _START],
        env=[node_name(), address, *environment],
        ports=[core.ContainerPortArgs(name=f"health-{index}", container_port=daemon.health_port)],
        startup_probe=tailscale_pod.startup_probe(daemon),
        # Every tailscaled is ready while any exit node is: one exit node's outage is no reason
        # to take the gateway away, as long as there is another.
        readiness_probe=core.ProbeArgs(
            exec_=core.ExecActionArgs(command=["/bin/sh", "-c", _ANY_EXIT_NODE]),
            period_seconds=5,
            timeout_seconds=4,
            failure_threshold=2,
        ),
        liveness_probe=tailscale_pod.liveness_probe(daemon),
        # As long as Envoy drains, its tunnels must stay.
        lifecycle=core.LifecycleArgs(
            pre_stop=core.LifecycleHandlerArgs(
                sleep=core.SleepActionArgs(seconds=DRAIN_SECONDS + 5)
            )
        ),
        # The audit's limits were too low: 200m let 44 MB/s of 147 through (bench's paths, by cgroup
        # quota), one CPU lets 152; for its 200Mi see MEMORY_LIMIT.
        resources=core.ResourceRequirementsArgs(
            requests=TAILSCALE_REQUESTS,
            limits={"cpu": "1", "memory": tailscale_pod.MEMORY_LIMIT},
        ),
        security_context=tailscale_pod.container_security(),
        volume_mounts=[
            *tailscale_pod.mounts(),
            core.VolumeMountArgs(name="sockets", mount_path=_SOCKETS_PATH),
            core.VolumeMountArgs(name="state", mount_path=_STATE_PATH),
        ],
    )


def _envoy(pod: GatewayPod) -> core.ContainerArgs:
    ports = [
        *(
            core.ContainerPortArgs(container_port=destination.local_port)
            for destination in pod.egress.targets.destinations
        ),
        core.ContainerPortArgs(name="http-proxy", container_port=HTTP_PORT),
        core.ContainerPortArgs(name="socks5", container_port=SOCKS5_PORT),
        core.ContainerPortArgs(name="status", container_port=STATUS_PORT),
    ]
    return core.ContainerArgs(
        name="envoy",
        image=pod.egress.envoy_image,
        command=["envoy"],
        args=["--config-path", f"{_CONFIG_PATH}/{_CONFIG_KEY}", *ARGUMENTS],
        ports=ports,
        startup_probe=http_probe(ALIVE_PATH, STATUS_PORT, period=2, failures=30, timeout=2),
        readiness_probe=http_probe(READY_PATH, STATUS_PORT, period=2, failures=2, timeout=2),
        liveness_probe=http_probe(ALIVE_PATH, STATUS_PORT, period=10, failures=4, timeout=2),
        lifecycle=core.LifecycleArgs(
            pre_stop=core.LifecycleHandlerArgs(
                exec_=core.ExecActionArgs(command=["/bin/bash", "-c", _DRAIN])
            )
        ),
        resources=core.ResourceRequirementsArgs(
            requests=ENVOY_REQUESTS,
            limits={"cpu": "1", "memory": _ENVOY_MEMORY_LIMIT},
        ),
        security_context=tailscale_pod.container_security(),
        volume_mounts=[core.VolumeMountArgs(name="envoy", mount_path=_CONFIG_PATH, read_only=True)],
    )


def _empty(name: str, size: str) -> core.VolumeArgs:
    return core.VolumeArgs(name=name, empty_dir=core.EmptyDirVolumeSourceArgs(size_limit=size))

"""The prober: a blackbox exporter that asks the egress path, through the gateways only."""

import json
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apps import v1 as apps
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.networking import v1 as networking

from ..cluster.labels import GATEWAY, PROBER, PROBER_LABELS
from ..cluster.network_policy import ClusterNetwork, probed_policy, prober_policy
from ..cluster.pod_parts import config_volume, http_probe
from ..cluster.ports import HTTP_PORT, PROBER_PORT
from ..cluster.toleration import Toleration
from ..cluster.tolerations import tolerated
from ..egress import tailscale_pod
from ..egress.fleet import EgressTargets
from .prober_config import config

_CONFIG_KEY = "prober.json"
_CONFIG_PATH = "/etc/prober"
_HEALTH_PATH = "/-/healthy"


@dataclass(frozen=True, kw_only=True)
class ProberArgs:
    """What is probed; `prometheus` is the namespace that may have it probe."""

    namespace: str
    image: str
    targets: EgressTargets
    prometheus: str
    cluster: ClusterNetwork
    tolerations: tuple[Toleration, ...] = ()


class Prober(pulumi.ComponentResource):
    """One pod, its Service and its NetworkPolicies.

    One for all nodes, not one on each: it asks every node's gateway at that gateway's own address,
    which shows the same, and leaves no DaemonSet to keep from reaching every node at once. It can
    send nothing anywhere but to a gateway.
    """

    def __init__(
        self, name: str, args: ProberArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:Prober", name, None, opts)
        self._name = name
        self._args = args
        self._network_policies()
        self._deployment(self._config())
        self._service()
        self.register_outputs({})

    def _metadata(self, suffix: str = "") -> meta.ObjectMetaArgs:
        return meta.ObjectMetaArgs(
            name=f"{PROBER}{suffix}", namespace=self._args.namespace, labels=PROBER_LABELS
        )

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)

    def _network_policies(self) -> None:
        specs = {
            "": prober_policy(self._args.cluster, prometheus=self._args.prometheus),
            "-gateways": probed_policy(),
        }
        for suffix, spec in specs.items():
            networking.NetworkPolicy(
                f"{self._name}-fence{suffix}",
                metadata=self._metadata(suffix),
                spec=spec,
                opts=self._child(),
            )

    def _config(self) -> core.ConfigMap:
        gateway = f"{GATEWAY}.{self._args.namespace}.svc:{HTTP_PORT}"
        document = config(gateway, self._args.targets)
        return core.ConfigMap(
            f"{self._name}-config",
            # Named by the engine: a changed one is a new object, and makes a new pod.
            metadata=meta.ObjectMetaArgs(namespace=self._args.namespace, labels=PROBER_LABELS),
            # JSON, which is YAML too.
            data={_CONFIG_KEY: json.dumps(document, indent=1)},
            immutable=True,
            opts=self._child(),
        )

    def _deployment(self, configuration: core.ConfigMap) -> None:
        apps.Deployment(
            f"{self._name}-deployment",
            metadata=self._metadata(),
            spec=apps.DeploymentSpecArgs(
                replicas=1,
                selector=meta.LabelSelectorArgs(match_labels=PROBER_LABELS),
                template=core.PodTemplateSpecArgs(
                    metadata=meta.ObjectMetaArgs(labels=PROBER_LABELS),
                    spec=core.PodSpecArgs(
                        automount_service_account_token=False,
                        enable_service_links=False,
                        tolerations=tolerated(self._args.tolerations),
                        security_context=tailscale_pod.pod_security(),
                        containers=[self._container()],
                        volumes=[config_volume("config", configuration)],
                    ),
                ),
            ),
            opts=self._child(),
        )

    def _container(self) -> core.ContainerArgs:
        return core.ContainerArgs(
            name="prober",
            image=self._args.image,
            # By its name: wherever the image has it.
            command=["blackbox_exporter"],
            args=[
                f"--config.file={_CONFIG_PATH}/{_CONFIG_KEY}",
                f"--web.listen-address=:{PROBER_PORT}",
                "--log.level=warn",
            ],
            ports=[core.ContainerPortArgs(name="probe", container_port=PROBER_PORT)],
            readiness_probe=http_probe(_HEALTH_PATH, PROBER_PORT, period=5, failures=2),
            liveness_probe=http_probe(_HEALTH_PATH, PROBER_PORT, period=30, failures=4),
            resources=core.ResourceRequirementsArgs(
                requests={"cpu": "10m", "memory": "32Mi"}, limits={"cpu": "200m", "memory": "128Mi"}
            ),
            security_context=tailscale_pod.container_security(),
            volume_mounts=[
                core.VolumeMountArgs(name="config", mount_path=_CONFIG_PATH, read_only=True)
            ],
        )

    def _service(self) -> None:
        core.Service(
            f"{self._name}-service",
            metadata=meta.ObjectMetaArgs(
                name=PROBER,
                namespace=self._args.namespace,
                labels=PROBER_LABELS,
                annotations={"pulumi.com/skipAwait": "true"},
            ),
            spec=core.ServiceSpecArgs(
                selector=PROBER_LABELS,
                ports=[
                    core.ServicePortArgs(name="probe", port=PROBER_PORT, target_port=PROBER_PORT)
                ],
            ),
            opts=self._child(),
        )

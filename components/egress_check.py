"""The gate of a wave: a Job on each of its nodes measures the egress path through the gateway."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from pulumi_kubernetes.batch import v1 as batch
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.networking import v1 as networking

from components import _tailscale_pod as tailscale_pod
from components._egress_checks import MeasuredDestination, document
from components._gateway_pod import HTTP_PORT, SOCKS5_PORT
from components._labels import CHECK_LABELS, FENCED_LABELS, GATEWAY, WAVE_LABEL
from components._network_policy import ClusterNetwork, check_policy
from components._node_affinity import HOSTNAME_LABEL, by_hostname

__all__ = ["EgressCheck", "EgressCheckArgs", "MeasuredDestination"]

_PROGRAM = Path(__file__).resolve().parent / "programs" / "egress_check"
_PROGRAM_PATH = "/opt/egress-check"
_DOCUMENT_KEY = "checks.json"
_CA_PATH = "/run/secrets/cluster-ca"


@dataclass(frozen=True, kw_only=True)
class EgressCheckArgs:
    """What one wave's gate measures.

    `nodes` are the `kubernetes.io/hostname` labels of the wave's nodes; `expected` the addresses
    of which one must be seen outside; `peers` DNS names of pods on other nodes; `revision` changes
    when what is measured changes, and a changed one is measured again; `seconds` bounds it all.
    """

    namespace: str
    wave: str
    nodes: tuple[str, ...]
    image: str
    destinations: tuple[MeasuredDestination, ...]
    expected: tuple[str, ...]
    echo_url: str
    peers: tuple[str, ...]
    cluster: ClusterNetwork
    revision: pulumi.Input[str]
    seconds: int


class EgressCheck(pulumi.ComponentResource):
    """One Job with a pod on each node of the wave; done when every check has passed on each."""

    job: pulumi.Output[str]

    def __init__(
        self, name: str, args: EgressCheckArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:EgressCheck", name, None, opts)
        self._labels = {**CHECK_LABELS, WAVE_LABEL: args.wave}
        self._child = pulumi.ResourceOptions(parent=self)
        config = core.ConfigMap(
            f"{name}-program",
            metadata=meta.ObjectMetaArgs(namespace=args.namespace, labels=self._labels),
            data={**_program(), _DOCUMENT_KEY: json.dumps(_document(args), indent=1)},
            immutable=True,
            opts=self._child,
        )
        policy = networking.NetworkPolicy(
            f"{name}-policy",
            metadata=meta.ObjectMetaArgs(
                name=f"oceanid-check-{args.wave}", namespace=args.namespace, labels=self._labels
            ),
            spec=check_policy(
                self._labels,
                args.cluster,
                ports=[*(each.local_port for each in args.destinations), HTTP_PORT, SOCKS5_PORT],
                health_port=tailscale_pod.HEALTH_PORT,
            ),
            opts=self._child,
        )
        job = self._job(name, args, config, policy)
        self.job = job.metadata.apply(lambda metadata: str(metadata.name))
        self.register_outputs({"job": self.job})

    def _job(
        self,
        name: str,
        args: EgressCheckArgs,
        config: core.ConfigMap,
        policy: networking.NetworkPolicy,
    ) -> batch.Job:
        what = json.dumps([_program(), _document(args), args.image, args.nodes], sort_keys=True)
        digest = pulumi.Output.from_input(args.revision).apply(
            lambda revision: hashlib.sha256(f"{revision}\n{what}".encode()).hexdigest()[:10]
        )
        return batch.Job(
            f"{name}-job",
            metadata=meta.ObjectMetaArgs(
                # A change is measured again, and what has not changed is not.
                name=pulumi.Output.concat(f"oceanid-check-{args.wave}-", digest),
                namespace=args.namespace,
                labels=self._labels,
                # A gate that failed is measured again by the next update.
                annotations={"pulumi.com/replaceUnready": "true"},
            ),
            spec=batch.JobSpecArgs(
                parallelism=len(args.nodes),
                completions=len(args.nodes),
                backoff_limit=0,
                active_deadline_seconds=args.seconds,
                template=core.PodTemplateSpecArgs(
                    metadata=meta.ObjectMetaArgs(labels={**self._labels, **FENCED_LABELS}),
                    spec=self._pod(args, config),
                ),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[policy],
                # Else the Job of the state before would still be there, to be deleted at the end of
                # an update that the new one has just ended, and a rollback would meet its name.
                delete_before_replace=True,
                # So that it is the Job's own verdict that ends the update, not the engine's clock.
                custom_timeouts=pulumi.CustomTimeouts(
                    create=f"{args.seconds + 60}s", update=f"{args.seconds + 60}s"
                ),
            ),
        )

    def _pod(self, args: EgressCheckArgs, config: core.ConfigMap) -> core.PodSpecArgs:
        return core.PodSpecArgs(
            restart_policy="Never",
            automount_service_account_token=False,
            enable_service_links=False,
            affinity=core.AffinityArgs(
                node_affinity=by_hostname("In", args.nodes),
                pod_anti_affinity=_one_a_node(self._labels),
            ),
            security_context=tailscale_pod.pod_security(),
            containers=[
                core.ContainerArgs(
                    name="egress-check",
                    image=args.image,
                    command=["python3", _PROGRAM_PATH, f"{_PROGRAM_PATH}/{_DOCUMENT_KEY}"],
                    env=[core.EnvVarArgs(name="PYTHONDONTWRITEBYTECODE", value="1")],
                    resources=core.ResourceRequirementsArgs(
                        requests={"cpu": "20m", "memory": "32Mi"},
                        limits={"cpu": "500m", "memory": "128Mi"},
                    ),
                    security_context=tailscale_pod.container_security(),
                    termination_message_policy="File",
                    volume_mounts=[
                        core.VolumeMountArgs(
                            name="program", mount_path=_PROGRAM_PATH, read_only=True
                        ),
                        core.VolumeMountArgs(name="ca", mount_path=_CA_PATH, read_only=True),
                    ],
                )
            ],
            volumes=[
                core.VolumeArgs(
                    name="program",
                    config_map=core.ConfigMapVolumeSourceArgs(
                        name=config.metadata.apply(lambda metadata: str(metadata.name))
                    ),
                ),
                core.VolumeArgs(
                    name="ca",
                    # Kubernetes puts it into every namespace.
                    config_map=core.ConfigMapVolumeSourceArgs(name="kube-root-ca.crt"),
                ),
            ],
        )


def _program() -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(_PROGRAM.glob("*.py"))}


def _document(args: EgressCheckArgs) -> dict[str, Any]:
    return document(
        gateway=f"{GATEWAY}.{args.namespace}.svc",
        destinations=args.destinations,
        expected=args.expected,
        echo_url=args.echo_url,
        peers=args.peers,
        api_server=f"https://{args.cluster.api_service}:443",
        ca_file=f"{_CA_PATH}/ca.crt",
        seconds=args.seconds,
    )


def _one_a_node(labels: dict[str, str]) -> core.PodAntiAffinityArgs:
    return core.PodAntiAffinityArgs(
        required_during_scheduling_ignored_during_execution=[
            core.PodAffinityTermArgs(
                topology_key=HOSTNAME_LABEL,
                label_selector=meta.LabelSelectorArgs(match_labels=labels),
            )
        ]
    )

"""The gate of a wave: a Job for every node measures the egress path through the node's gateway."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
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
from components._gateways import WaveGateways, all_measured
from components._labels import CHECK_LABELS, FENCED_LABELS, GATEWAY, NODE_ANNOTATION, WAVE_LABEL
from components._network_policy import ClusterNetwork, check_policy
from components._node_affinity import by_name
from components._tolerations import tolerated

__all__ = ["EgressCheck", "EgressCheckArgs", "MeasuredDestination"]

_PROGRAM = Path(__file__).resolve().parent / "programs" / "egress_check"
_PROGRAM_PATH = "/opt/egress-check"
_DOCUMENT_KEY = "checks.json"
_CA_PATH = "/run/secrets/cluster-ca"
# A Job's name is the value of a label of its pods.
_LONGEST_LABEL = 63
_NOT_IN_A_LABEL = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, kw_only=True)
class EgressCheckArgs:
    """What one wave's gate measures.

    `nodes` are the names of the nodes to measure, each by a Job of its own; `expected` the
    addresses of which one must be seen outside; `peers` DNS names of pods on other nodes; `seconds`
    bounds it all. With `stop` the gate fails when nobody can say on which nodes the wave has
    gateways, else that is a warning; `excused` are nodes whose gateways need no measurement. `uids`
    are the nodes' uids by name: a machine that has joined again under its old name is measured.
    """

    context: str
    gateways: WaveGateways
    nodes: tuple[str, ...]
    image: str
    destinations: tuple[MeasuredDestination, ...]
    expected: tuple[str, ...]
    echo_url: str
    peers: tuple[str, ...]
    cluster: ClusterNetwork
    seconds: int
    stop: bool
    excused: frozenset[str] = frozenset()
    uids: Mapping[str, str] = field(default_factory=dict)


class EgressCheck(pulumi.ComponentResource):
    """A Job for every node of the wave; done when every check has passed on every one of them."""

    def __init__(
        self, name: str, args: EgressCheckArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:EgressCheck", name, None, opts)
        self._labels = {**CHECK_LABELS, WAVE_LABEL: args.gateways.wave}
        data = {**_program(), _DOCUMENT_KEY: json.dumps(_document(args), indent=1)}
        every_node = all_measured(
            args.gateways,
            context=args.context,
            nodes=args.nodes,
            stop=args.stop,
            excused=args.excused,
        )
        config = core.ConfigMap(
            f"{name}-program",
            metadata=meta.ObjectMetaArgs(namespace=args.gateways.namespace, labels=self._labels),
            # No program, and so no gate that passes, while the wave has a gateway without a Job.
            data=every_node.apply(lambda _: data),
            immutable=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        policy = networking.NetworkPolicy(
            f"{name}-policy",
            metadata=meta.ObjectMetaArgs(
                name=f"oceanid-check-{args.gateways.wave}",
                namespace=args.gateways.namespace,
                labels=self._labels,
            ),
            spec=check_policy(
                self._labels,
                args.cluster,
                ports=[*(each.local_port for each in args.destinations), HTTP_PORT, SOCKS5_PORT],
                health_port=tailscale_pod.HEALTH_PORT,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        for node in args.nodes:
            what = json.dumps([data, args.image, args.gateways.wave, args.uids.get(node, "")])
            self._job(name, node, what, args, config, policy)
        uids = {node: args.uids.get(node, "") for node in args.nodes}
        # A saved plan holds these: whoever promotes it sees which machines it is for.
        self.register_outputs({"nodes": list(args.nodes), "uids": uids})

    def _job(
        self,
        name: str,
        node: str,
        what: str,
        args: EgressCheckArgs,
        config: core.ConfigMap,
        policy: networking.NetworkPolicy,
    ) -> None:
        batch.Job(
            # Neither a wave's name nor a node's holds a slash: no two gates share a name.
            f"{name}/{node}",
            metadata=meta.ObjectMetaArgs(
                # A change is measured again, and what has not changed is not.
                name=args.gateways.revision.apply(
                    lambda revision: job_name(args.gateways.wave, node, f"{revision}\n{what}")
                ),
                namespace=args.gateways.namespace,
                labels=self._labels,
                annotations={
                    NODE_ANNOTATION: node,
                    # A gate that failed is measured again by the next update.
                    "pulumi.com/replaceUnready": "true",
                },
            ),
            spec=batch.JobSpecArgs(
                parallelism=1,
                completions=1,
                backoff_limit=0,
                active_deadline_seconds=args.seconds,
                template=core.PodTemplateSpecArgs(
                    metadata=meta.ObjectMetaArgs(labels={**self._labels, **FENCED_LABELS}),
                    spec=_pod(node, args, config),
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


def job_name(wave: str, node: str, what: str) -> str:
    """A Job's name: the wave, as much of the node's name as there is room for, and a digest.

    Two nodes whose names are cut short to the same differ by the digest.
    """
    digest = hashlib.sha256(json.dumps([wave, node, what]).encode()).hexdigest()[:10]
    room = _LONGEST_LABEL - len(f"oceanid-check-{wave}--{digest}")
    shortened = _NOT_IN_A_LABEL.sub("-", node.lower())[: max(room, 0)].strip("-")
    return "-".join(part for part in ("oceanid-check", wave, shortened, digest) if part)


def _pod(node: str, args: EgressCheckArgs, config: core.ConfigMap) -> core.PodSpecArgs:
    return core.PodSpecArgs(
        restart_policy="Never",
        automount_service_account_token=False,
        enable_service_links=False,
        affinity=core.AffinityArgs(node_affinity=by_name(node)),
        tolerations=[
            # Every key, and not those of the settings only: a gateway that runs on a node goes on
            # carrying its traffic, whoever has cordoned or tainted the node since, and is measured
            # there. The pod goes to that node alone and is over in seconds.
            core.TolerationArgs(operator="Exists", effect="NoSchedule"),
            # NoExecute ends gateways, but for the keys that they tolerate.
            *(tolerated(args.gateways.tolerations) or ()),
        ],
        security_context=tailscale_pod.pod_security(),
        containers=[
            core.ContainerArgs(
                name="egress-check",
                image=args.image,
                command=["python3", _PROGRAM_PATH, f"{_PROGRAM_PATH}/{_DOCUMENT_KEY}", node],
                env=[
                    core.EnvVarArgs(name="PYTHONDONTWRITEBYTECODE", value="1"),
                    core.EnvVarArgs(
                        name="NODE_NAME",
                        value_from=core.EnvVarSourceArgs(
                            field_ref=core.ObjectFieldSelectorArgs(field_path="spec.nodeName")
                        ),
                    ),
                ],
                resources=core.ResourceRequirementsArgs(
                    # A node that is full is measured all the same: the check is over in seconds.
                    requests={"cpu": "0", "memory": "0"},
                    limits={"cpu": "500m", "memory": "128Mi"},
                ),
                security_context=tailscale_pod.container_security(),
                termination_message_policy="File",
                volume_mounts=[
                    core.VolumeMountArgs(name="program", mount_path=_PROGRAM_PATH, read_only=True),
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
        gateway=f"{GATEWAY}.{args.gateways.namespace}.svc",
        destinations=args.destinations,
        expected=args.expected,
        echo_url=args.echo_url,
        peers=args.peers,
        api_server=f"https://{args.cluster.api_service}:443",
        ca_file=f"{_CA_PATH}/ca.crt",
        seconds=args.seconds,
    )

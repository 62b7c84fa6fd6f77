"""The gate of a wave: a Job for every node measures the egress path through the node's gateway."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from pulumi_kubernetes.batch import v1 as batch
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.networking import v1 as networking

from ..cluster.labels import (
    CHECK_LABELS,
    EGRESS_RESTRICTED_LABELS,
    GATEWAY,
    LONGEST_LABEL,
    NODE_ANNOTATION,
    WAVE_LABEL,
)
from ..cluster.network_policy import check_policy
from ..cluster.node_affinity import by_name
from ..cluster.pod_parts import config_volume, node_name
from ..cluster.tolerations import tolerated
from . import tailscale_pod
from .egress_args import EgressArgs
from .gate_config import document
from .gate_findings import findings
from .gateway_nodes import WaveGateways, all_measured

_PROGRAM = Path(__file__).resolve().parent / "gate_program"
_PROGRAM_PATH = "/opt/egress-check"
_DOCUMENT_KEY = "checks.json"
_CA_PATH = "/run/secrets/cluster-ca"
_NOT_IN_A_LABEL = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, kw_only=True)
class EgressCheckArgs:
    """What one wave's gate measures; `nodes` are the names of the nodes, each with its own Job."""

    egress: EgressArgs
    gateways: WaveGateways
    nodes: tuple[str, ...]


class EgressCheck(pulumi.ComponentResource):
    """A Job for every node of the wave; done when every check has passed on every one of them."""

    findings: pulumi.Output[dict[str, str]]
    """What each node's check has said; unknown in a preview."""

    def __init__(
        self, name: str, args: EgressCheckArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:EgressCheck", name, None, opts)
        self._labels = {**CHECK_LABELS, WAVE_LABEL: args.gateways.wave}
        data = {**_program(), _DOCUMENT_KEY: json.dumps(_document(args.egress), indent=1)}
        every_node = all_measured(
            args.gateways,
            context=args.egress.context,
            nodes=args.nodes,
            stop=args.egress.stop,
            excused=args.egress.excused,
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
                args.egress.cluster,
                [destination.local_port for destination in args.egress.targets.destinations],
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        uids = {node: args.egress.uids.get(node, "") for node in args.nodes}
        jobs = {}
        for node, uid in uids.items():
            what = json.dumps([data, args.egress.check_image, args.gateways.wave, uid])
            jobs[node] = self._job(name, node, what, args, config, policy)
        self.findings = findings(
            jobs, context=args.egress.context, namespace=args.gateways.namespace
        )
        # A saved plan holds these: whoever promotes it sees which machines it is for.
        self.register_outputs({"nodes": list(args.nodes), "uids": uids, "findings": self.findings})

    def _job(
        self,
        name: str,
        node: str,
        what: str,
        args: EgressCheckArgs,
        config: core.ConfigMap,
        policy: networking.NetworkPolicy,
    ) -> batch.Job:
        seconds = args.egress.gate_seconds
        return batch.Job(
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
                active_deadline_seconds=seconds,
                template=core.PodTemplateSpecArgs(
                    metadata=meta.ObjectMetaArgs(
                        labels={**self._labels, **EGRESS_RESTRICTED_LABELS}
                    ),
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
                    create=f"{seconds + 60}s", update=f"{seconds + 60}s"
                ),
            ),
        )


def job_name(wave: str, node: str, what: str) -> str:
    """A Job's name: the wave, as much of the node's name as there is room for, and a digest.

    Two nodes whose names are cut short to the same differ by the digest.
    """
    digest = hashlib.sha256(json.dumps([wave, node, what]).encode()).hexdigest()[:10]
    # A Job's name is the value of a label of its pods.
    room = LONGEST_LABEL - len(f"oceanid-check-{wave}--{digest}")
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
                image=args.egress.check_image,
                command=["python3", _PROGRAM_PATH, f"{_PROGRAM_PATH}/{_DOCUMENT_KEY}", node],
                env=[
                    core.EnvVarArgs(name="PYTHONDONTWRITEBYTECODE", value="1"),
                    node_name(),
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
            config_volume("program", config),
            core.VolumeArgs(
                name="ca",
                # Kubernetes puts it into every namespace.
                config_map=core.ConfigMapVolumeSourceArgs(name="kube-root-ca.crt"),
            ),
        ],
    )


def _program() -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(_PROGRAM.glob("*.py"))}


def _document(args: EgressArgs) -> dict[str, Any]:
    return document(
        gateway=f"{GATEWAY}.{args.namespace}.svc",
        targets=args.targets,
        peers=[f"{exit_node.hostname}.{args.namespace}.svc" for exit_node in args.exit_nodes],
        api_server=f"https://{args.cluster.api_service}:443",
        ca_file=f"{_CA_PATH}/ca.crt",
        seconds=args.gate_seconds,
    )

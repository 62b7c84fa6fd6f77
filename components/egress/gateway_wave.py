"""The worker gateways: a DaemonSet a wave, each behind the gate of the wave before."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.apps import v1 as apps
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta

from ..cluster.labels import (
    EGRESS_RESTRICTED_LABELS,
    GATEWAY,
    GATEWAY_CREDENTIAL,
    GATEWAY_LABELS,
    WAVE_LABEL,
)
from ..cluster.node_affinity import by_hostname
from ..cluster.tolerations import tolerated
from . import gateway_pod, tailscale_pod
from .fleet import EgressWave
from .gateway_nodes import WaveGateways
from .gateway_pod import GatewayPod

# A gateway's pod goes, which takes its grace period, and the next one starts: mostly the time to
# pull images over a slow line.
_SECONDS_A_NODE = gateway_pod.GRACE_SECONDS + 135
# What one slow login takes at the most: the start-up probe's five minutes.
_SLOWEST_LOGIN_SECONDS = 300
# What the provider waits by itself; never less.
_PROVIDERS_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class GatewayWaveArgs:
    """One wave of gateways; `earlier` are the nodes of the waves before it."""

    wave: EgressWave
    earlier: tuple[str, ...]
    pod: GatewayPod


class GatewayWave(pulumi.ComponentResource):
    """The gateways of one wave: a DaemonSet in the pod network, and its Envoy configuration.

    The configuration is the wave's own, so that a later wave's pods cannot pick up a change before
    their turn.
    """

    daemon_set: pulumi.Output[str]
    gateways: WaveGateways

    def __init__(
        self, name: str, args: GatewayWaveArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:GatewayWave", name, None, opts)
        seconds = roll_out_seconds(len(args.wave.nodes))
        labels = {**GATEWAY_LABELS, WAVE_LABEL: args.wave.name}
        config = core.ConfigMap(
            f"{name}-envoy",
            # Named by the engine: a changed configuration is a new object, so a pod that restarts
            # in the middle of a roll-out still finds the one it was made with.
            metadata=meta.ObjectMetaArgs(namespace=args.pod.egress.namespace, labels=labels),
            data=gateway_pod.envoy_config(args.pod),
            immutable=True,
            opts=pulumi.ResourceOptions(parent=self),
        )
        daemon_set = apps.DaemonSet(
            f"{name}-gateway",
            metadata=meta.ObjectMetaArgs(
                name=f"{GATEWAY}-{args.wave.name}",
                namespace=args.pod.egress.namespace,
                labels=labels,
            ),
            spec=apps.DaemonSetSpecArgs(
                selector=meta.LabelSelectorArgs(match_labels=labels),
                update_strategy=apps.DaemonSetUpdateStrategyArgs(
                    type="RollingUpdate",
                    rolling_update=apps.RollingUpdateDaemonSetArgs(max_unavailable=1),
                ),
                template=core.PodTemplateSpecArgs(
                    metadata=meta.ObjectMetaArgs(labels={**labels, **EGRESS_RESTRICTED_LABELS}),
                    spec=core.PodSpecArgs(
                        automount_service_account_token=False,
                        enable_service_links=False,
                        # The node's resolver: a transparent destination's name leads to this very
                        # gateway in the cluster's DNS.
                        dns_policy="Default",
                        affinity=_nodes(args.wave, args.earlier),
                        tolerations=tolerated(args.pod.egress.tolerations),
                        security_context=tailscale_pod.pod_security(),
                        termination_grace_period_seconds=gateway_pod.GRACE_SECONDS,
                        containers=gateway_pod.containers(args.pod),
                        volumes=gateway_pod.volumes(credential=GATEWAY_CREDENTIAL, config=config),
                    ),
                ),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Kept in the engine's state only: the resource does not change with the number.
                custom_timeouts=pulumi.CustomTimeouts(create=seconds, update=seconds),
            ),
        )
        self.daemon_set = daemon_set.metadata.apply(lambda metadata: str(metadata.name))
        # Each becomes text by itself, because `Output.all` walks into what it is given and trips
        # over objects that have a field named `values`.
        revision = pulumi.Output.all(
            # Gateways that are made again are measured again.
            daemon_set.metadata.apply(lambda metadata: str(metadata.uid)),
            daemon_set.spec.apply(lambda spec: _text(spec.template)),
            config.data.apply(_text),
        ).apply(_digest)
        self.gateways = WaveGateways(
            namespace=args.pod.egress.namespace,
            wave=args.wave.name,
            rolled_out=daemon_set.urn,
            revision=revision,
            tolerations=args.pod.egress.tolerations,
        )
        self.register_outputs({"daemon_set": self.daemon_set, "revision": revision})


def roll_out_seconds(nodes: int) -> str:
    """How long the roll-out of a wave of that many nodes may take, such as `"840s"`.

    It takes one node after the other (`maxUnavailable: 1`), and one of them may be slow: 3 nodes
    are given 3 times 180 s and 300 s more, 14 minutes; 20 nodes 65 minutes.
    """
    seconds = max(_PROVIDERS_SECONDS, nodes * _SECONDS_A_NODE + _SLOWEST_LOGIN_SECONDS)
    return f"{seconds}s"


def _digest(texts: list[str]) -> str:
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]


def _text(value: object) -> str:
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:  # noqa: ANN401  whatever the API has there
    # The SDK's objects are dicts on which `items` and `values` may be a field's value.
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in dict.items(value)}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _nodes(wave: EgressWave, earlier: Sequence[str]) -> core.AffinityArgs | None:
    if not wave.others:
        return core.AffinityArgs(node_affinity=by_hostname("In", wave.nodes))
    return core.AffinityArgs(node_affinity=by_hostname("NotIn", earlier)) if earlier else None

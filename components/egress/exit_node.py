"""One Tailscale exit node, pinned to the cluster node whose address the database admits."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apps import v1 as apps
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.networking import v1 as networking
from pulumi_kubernetes.policy import v1 as policy
from pulumi_kubernetes.rbac import v1 as rbac

from ..cluster.labels import EXIT_NODE_LABELS, HOSTNAME_LABEL
from ..cluster.network_policy import ClusterNetwork, exit_node_policy
from ..cluster.ports import HEALTH_PORT
from ..cluster.toleration import Toleration
from ..cluster.tolerations import tolerated
from . import tailscale_pod
from .requests import TAILSCALE_REQUESTS
from .tailnet import TailnetAccess

_DEFAULT_ROUTES_FLAG = "--advertise-exit-node"
# When a gateway goes without a word, nobody but the exit node can end its connections to the
# database, whose slots they take. Tailscale's own keepalive takes 2 h 11 min for it. This takes
# 30 + 9 x 5 = 75 s: so long without a byte, then the 9 probes of gVisor, whose number is fixed.
# Where bytes are under way there is no keepalive: gVisor gives up after 15 retransmissions, whose
# waits double from 0.2 s or more to 120 s: 13 to 17 minutes, and there is no variable for it.
_KEEPALIVE = {"TS_NETSTACK_KEEPALIVE_IDLE": "30s", "TS_NETSTACK_KEEPALIVE_INTERVAL": "5s"}


@dataclass(frozen=True, kw_only=True)
class ExitNodeArgs:
    """What makes one exit node.

    `hostname` is its name in the tailnet and the prefix of its objects' names; `node` is the
    cluster node's `kubernetes.io/hostname`; `tolerations` are of the node's taints. All but the
    credential are plain values, because the policies judge them in a preview.
    """

    namespace: str
    hostname: str
    node: str
    image: str
    access: TailnetAccess
    cluster: ClusterNetwork
    tolerations: tuple[Toleration, ...] = ()


class ExitNode(pulumi.ComponentResource):
    """A StatefulSet of one in userspace mode, with its identity in a Secret made beforehand."""

    hostname: pulumi.Output[str]

    def __init__(
        self, name: str, args: ExitNodeArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:ExitNode", name, None, opts)
        self._name = name
        self._args = args
        self._labels = {**EXIT_NODE_LABELS, "app.kubernetes.io/instance": args.hostname}
        credential = self._credential()
        binding, state = self._state()
        network_policy = self._network_policy()
        self._service()
        stateful_set = self._stateful_set(depends_on=[credential, binding, state, network_policy])
        self._disruption_budget()
        # Known only once the pod runs, so that whoever looks the device up waits for it.
        self.hostname = stateful_set.id.apply(lambda _: args.hostname)
        self.register_outputs({"hostname": self.hostname})

    def _metadata(self, suffix: str = "") -> meta.ObjectMetaArgs:
        return meta.ObjectMetaArgs(
            name=f"{self._args.hostname}{suffix}",
            namespace=self._args.namespace,
            labels=self._labels,
        )

    def _child(self, *depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(depends_on))

    def _credential(self) -> core.Secret:
        return core.Secret(
            f"{self._name}-credential",
            metadata=self._metadata("-credential"),
            data=tailscale_pod.credential_data(self._args.access.credential),
            opts=self._child(),
        )

    def _state(self) -> tuple[rbac.RoleBinding, core.Secret]:
        """The Secret that keeps the identity, and the right to it and to nothing else.

        RBAC cannot limit `create` to one name: that is why the Secret is made here, empty.
        """
        account = core.ServiceAccount(
            f"{self._name}-account",
            metadata=self._metadata(),
            automount_service_account_token=False,
            opts=self._child(),
        )
        secret = core.Secret(
            f"{self._name}-state",
            metadata=self._metadata("-state"),
            # containerboot fills it: what it holds is never ours to compare or to put back.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["data", "stringData"]),
        )
        role = rbac.Role(
            f"{self._name}-role",
            metadata=self._metadata(),
            rules=[
                rbac.PolicyRuleArgs(
                    api_groups=[""],
                    resources=["secrets"],
                    resource_names=[f"{self._args.hostname}-state"],
                    verbs=["get", "update", "patch"],
                )
            ],
            opts=self._child(),
        )
        binding = rbac.RoleBinding(
            f"{self._name}-binding",
            metadata=self._metadata(),
            role_ref=rbac.RoleRefArgs(
                api_group="rbac.authorization.k8s.io", kind="Role", name=self._args.hostname
            ),
            subjects=[
                rbac.SubjectArgs(
                    kind="ServiceAccount",
                    name=self._args.hostname,
                    namespace=self._args.namespace,
                )
            ],
            opts=self._child(role, account),
        )
        return binding, secret

    def _network_policy(self) -> networking.NetworkPolicy:
        return networking.NetworkPolicy(
            f"{self._name}-fence",
            metadata=self._metadata(),
            spec=exit_node_policy(self._labels, self._args.cluster),
            opts=self._child(),
        )

    def _service(self) -> None:
        """A headless Service: the StatefulSet's, and the name the gate finds the pod by."""
        core.Service(
            f"{self._name}-service",
            metadata=meta.ObjectMetaArgs(
                name=self._args.hostname,
                namespace=self._args.namespace,
                labels=self._labels,
                # The pod comes after it: the engine must not wait for an endpoint.
                annotations={"pulumi.com/skipAwait": "true"},
            ),
            spec=core.ServiceSpecArgs(
                cluster_ip="None",
                selector=self._labels,
                ports=[core.ServicePortArgs(name="health", port=HEALTH_PORT)],
            ),
            opts=self._child(),
        )

    def _stateful_set(self, depends_on: list[pulumi.Resource]) -> apps.StatefulSet:
        args = self._args
        return apps.StatefulSet(
            f"{self._name}-tailscale",
            metadata=self._metadata(),
            spec=apps.StatefulSetSpecArgs(
                replicas=1,
                service_name=args.hostname,
                selector=meta.LabelSelectorArgs(match_labels=self._labels),
                template=core.PodTemplateSpecArgs(
                    metadata=meta.ObjectMetaArgs(labels=self._labels),
                    spec=core.PodSpecArgs(
                        service_account_name=args.hostname,
                        automount_service_account_token=True,
                        enable_service_links=False,
                        # The node's resolver: an exit node has no business in the cluster's DNS.
                        dns_policy="Default",
                        node_selector={HOSTNAME_LABEL: args.node},
                        tolerations=tolerated(args.tolerations),
                        security_context=tailscale_pod.pod_security(),
                        termination_grace_period_seconds=30,
                        containers=[self._container()],
                        volumes=tailscale_pod.volumes(f"{args.hostname}-credential"),
                    ),
                ),
            ),
            opts=self._child(*depends_on),
        )

    def _container(self) -> core.ContainerArgs:
        daemon = tailscale_pod.Daemon(
            hostname=self._args.hostname, tag=self._args.access.tag, flags=(_DEFAULT_ROUTES_FLAG,)
        )
        return core.ContainerArgs(
            name="tailscale",
            image=self._args.image,
            env=tailscale_pod.environment(
                daemon, TS_KUBE_SECRET=f"{self._args.hostname}-state", **_KEEPALIVE
            ),
            ports=[core.ContainerPortArgs(name="health", container_port=HEALTH_PORT)],
            startup_probe=tailscale_pod.startup_probe(daemon),
            readiness_probe=tailscale_pod.readiness_probe(daemon),
            liveness_probe=tailscale_pod.liveness_probe(daemon),
            # The audit's limit of 500m let 72 MB/s of 117 through with 8 connections, one CPU 132.
            resources=core.ResourceRequirementsArgs(
                requests=TAILSCALE_REQUESTS,
                limits={"cpu": "1", "memory": tailscale_pod.MEMORY_LIMIT},
            ),
            security_context=tailscale_pod.container_security(),
            volume_mounts=tailscale_pod.mounts(),
        )

    def _disruption_budget(self) -> None:
        # A drain of the exit node's node stops all egress: it takes a decision, not a side effect.
        policy.PodDisruptionBudget(
            f"{self._name}-budget",
            metadata=self._metadata(),
            spec=policy.PodDisruptionBudgetSpecArgs(
                min_available=1, selector=meta.LabelSelectorArgs(match_labels=self._labels)
            ),
            opts=self._child(),
        )

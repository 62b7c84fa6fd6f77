"""The External Secrets Operator: its CRDs, its chart, its rights and its NetworkPolicies."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_command
from pulumi_kubernetes import apiextensions
from pulumi_kubernetes.helm import v4 as helm
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.networking import v1 as networking
from pulumi_kubernetes.rbac import v1 as rbac

from ..cluster.network_policy import ClusterNetwork, operator_policy
from ..cluster.toleration import Toleration, documents
from . import operator_access as access
from .crds import definitions
from .esc_access import EscAccess
from .operator_chart import (
    CERTIFICATES,
    CONTROLLER,
    RELEASE,
    WEBHOOK,
    WEBHOOK_PORT,
    pod_labels,
    values,
)
from .synced import SyncOptions

# The program's own, by a path that is the same in every checkout: another would be a change.
_PYTHON = ".venv/bin/python"
_RBAC_GROUP = "rbac.authorization.k8s.io"


@dataclass(frozen=True, kw_only=True)
class SyncArgs:
    """What is synced from Pulumi ESC, and by which operator.

    `context` is the kubeconfig's; `namespace` is the operator's, which exists; `token_secret` is
    the name of the Secret that holds the token, in each store's namespace: no synced secret may
    have it. All that the operator needs are plain values: a chart with one argument unknown renders
    nothing in a preview, and no policy would see it.
    """

    context: str
    namespace: str
    access: EscAccess
    token_secret: str
    options: SyncOptions
    cluster: ClusterNetwork
    tolerations: tuple[Toleration, ...] = ()


class SecretsOperator(pulumi.ComponentResource):
    """The operator, which takes stores and secrets once `ready` has been made.

    A destroy leaves the CustomResourceDefinitions: with them would go every ExternalSecret of the
    cluster, whoever made it, and with those their Secrets.
    """

    namespace: pulumi.Output[str]
    ready: pulumi.Resource

    def __init__(
        self, name: str, args: SyncArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:SecretsOperator", name, None, opts)
        self._name = name
        self._args = args
        before = [*self._crds(), *self._network_policies(), *self._rights()]
        self.ready = self._answering(self._chart(before))
        self.namespace = pulumi.Output.from_input(args.namespace)
        self.register_outputs({"namespace": self.namespace})

    def _crds(self) -> list[pulumi.Resource]:
        options = self._args.options
        kinds = access.served_crds(cluster_kinds=options.cluster_kinds)
        return [
            apiextensions.CustomResource(
                f"{self._name}-{crd['metadata']['name']}",
                api_version=crd["apiVersion"],
                kind=crd["kind"],
                metadata=crd["metadata"],
                spec=crd["spec"],
                opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
            )
            for crd in definitions(options.crds, kinds)
        ]

    def _chart(self, before: Sequence[pulumi.Resource]) -> helm.Chart:
        options = self._args.options
        chart = options.chart
        return helm.Chart(
            f"{self._name}-chart",
            name=RELEASE,
            namespace=self._args.namespace,
            chart=chart.reference,
            version=chart.version,
            repository_opts=(helm.RepositoryOptsArgs(repo=chart.index) if chart.index else None),
            values=values(
                only_namespace=self._only_namespace,
                cluster_kinds=options.cluster_kinds,
                webhook=options.webhook,
                tolerations=documents(self._args.tolerations),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(before)),
        )

    @property
    def _only_namespace(self) -> str | None:
        """The one namespace served; the operator can look at one, or at all of them."""
        options = self._args.options
        alone = len(options.namespaces) == 1 and not options.cluster_kinds
        return options.namespaces[0] if alone else None

    def _answering(self, chart: helm.Chart) -> pulumi.Resource:
        """The chart, or what waits behind it for the webhook to answer."""
        args = self._args
        if not args.options.webhook:
            return chart
        command = (_PYTHON, "-m", "operations.secret_gate", "webhook", "--context", args.context)
        return pulumi_command.local.Command(
            f"{self._name}-webhook-answers",
            create=shlex.join([*command, args.namespace]),
            triggers=[args.options.chart.version or args.options.chart.reference],
            logging=pulumi_command.local.Logging.NONE,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[chart]),
        )

    def _rights(self) -> list[pulumi.Resource]:
        """Bindings name accounts that the chart makes: Kubernetes takes them in either order."""
        own, cluster_kinds = self._args.namespace, self._args.options.cluster_kinds
        syncing = access.syncing(cluster_kinds=cluster_kinds)
        made = self._grant("lead", CONTROLLER, access.leading(), namespace=own)
        if cluster_kinds:
            made += self._grant("sync", CONTROLLER, syncing, namespace=None)
        else:
            for namespace in self._args.options.namespaces:
                made += self._grant(f"sync-{namespace}", CONTROLLER, syncing, namespace=namespace)
            if self._only_namespace is None:
                made += self._grant("watch", CONTROLLER, access.watching(), namespace=None)
        if self._args.options.webhook:
            certifying = access.certifying(cluster_kinds=cluster_kinds)
            keeping = access.keeping_certificate()
            made += self._grant("certify", CERTIFICATES, certifying, namespace=None)
            made += self._grant("certificate", CERTIFICATES, keeping, namespace=own)
        return made

    def _grant(
        self, purpose: str, account: str, rules: list[rbac.PolicyRuleArgs], *, namespace: str | None
    ) -> list[pulumi.Resource]:
        """A role and its binding: in `namespace`, or in all of them."""
        metadata = meta.ObjectMetaArgs(name=f"{RELEASE}-{purpose}", namespace=namespace)
        role, binding = (
            (rbac.ClusterRole, rbac.ClusterRoleBinding)
            if namespace is None
            else (rbac.Role, rbac.RoleBinding)
        )
        kind = role.__name__
        return [
            role(f"{self._name}-{purpose}", metadata=metadata, rules=rules, opts=self._child()),
            binding(
                f"{self._name}-{purpose}-binding",
                metadata=metadata,
                role_ref=rbac.RoleRefArgs(
                    api_group=_RBAC_GROUP, kind=kind, name=f"{RELEASE}-{purpose}"
                ),
                subjects=[self._account(account)],
                opts=self._child(),
            ),
        ]

    def _account(self, name: str) -> rbac.SubjectArgs:
        return rbac.SubjectArgs(kind="ServiceAccount", name=name, namespace=self._args.namespace)

    def _network_policies(self) -> list[pulumi.Resource]:
        cluster = self._args.cluster
        specs = {CONTROLLER: operator_policy(pod_labels(CONTROLLER), cluster, https=True)}
        if self._args.options.webhook:
            specs |= {
                WEBHOOK: operator_policy(pod_labels(WEBHOOK), cluster, webhook=WEBHOOK_PORT),
                CERTIFICATES: operator_policy(pod_labels(CERTIFICATES), cluster),
            }
        return [
            networking.NetworkPolicy(
                f"{self._name}-fence-{part}",
                metadata=meta.ObjectMetaArgs(name=part, namespace=self._args.namespace),
                spec=spec,
                opts=self._child(),
            )
            for part, spec in specs.items()
        ]

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)

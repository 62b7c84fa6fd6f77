"""The External Secrets Operator: its resource kinds, its chart, its rights and its fences."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_command
from pulumi_kubernetes import apiextensions
from pulumi_kubernetes.helm import v4 as helm
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.networking import v1 as networking
from pulumi_kubernetes.rbac import v1 as rbac

from components import _secrets_operator_access as access
from components._custom_resources import definitions
from components._network_policy import (
    ClusterNetwork,
    certificate_controller_policy,
    secrets_controller_policy,
    webhook_policy,
)
from components._secrets_operator_chart import (
    CERTIFICATES,
    CONTROLLER,
    RELEASE,
    WEBHOOK,
    WEBHOOK_PORT,
    pod_labels,
    values,
)
from components._tolerations import Toleration, documents

# The program's own, by a path that is the same in every checkout: another would be a change.
_PYTHON = ".venv/bin/python"
_RBAC_GROUP = "rbac.authorization.k8s.io"


@dataclass(frozen=True, kw_only=True)
class ChartSource:
    """A chart's name in `repository` at `version`, an oci:// one at `version`, or a folder."""

    chart: str
    repository: str | None = None
    version: str | None = None


@dataclass(frozen=True, kw_only=True)
class SecretsOperatorArgs:
    """What makes the operator.

    `context` is the kubeconfig's, `namespace` is its own and exists; `serves` are those whose
    secrets it syncs. `custom_resources` is the path or URL of its bundle of
    CustomResourceDefinitions; with `cluster_kinds` it also serves ClusterSecretStores and
    ClusterExternalSecrets, in every namespace. All are plain values: a chart with one argument
    unknown renders nothing in a preview, and no policy would see it.
    """

    context: str
    namespace: str
    serves: tuple[str, ...]
    chart: ChartSource
    custom_resources: str
    cluster_kinds: bool
    webhook: bool
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
        self, name: str, args: SecretsOperatorArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:SecretsOperator", name, None, opts)
        self._name = name
        self._args = args
        before = [*self._kinds(), *self._fences(), *self._rights()]
        self.ready = self._answering(self._chart(before))
        self.namespace = pulumi.Output.from_input(args.namespace)
        self.register_outputs({"namespace": self.namespace})

    def _kinds(self) -> list[pulumi.Resource]:
        kinds = access.kinds(cluster_kinds=self._args.cluster_kinds)
        return [
            apiextensions.CustomResource(
                f"{self._name}-{each['metadata']['name']}",
                api_version=each["apiVersion"],
                kind=each["kind"],
                metadata=each["metadata"],
                spec=each["spec"],
                opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
            )
            for each in definitions(self._args.custom_resources, kinds)
        ]

    def _chart(self, before: Sequence[pulumi.Resource]) -> helm.Chart:
        source = self._args.chart
        return helm.Chart(
            f"{self._name}-chart",
            name=RELEASE,
            namespace=self._args.namespace,
            chart=source.chart,
            version=source.version,
            repository_opts=(
                helm.RepositoryOptsArgs(repo=source.repository) if source.repository else None
            ),
            values=values(
                only_namespace=self._only_namespace,
                cluster_kinds=self._args.cluster_kinds,
                webhook=self._args.webhook,
                tolerations=documents(self._args.tolerations),
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(before)),
        )

    @property
    def _only_namespace(self) -> str | None:
        """The one namespace served; the operator can look at one, or at all of them."""
        alone = len(self._args.serves) == 1 and not self._args.cluster_kinds
        return self._args.serves[0] if alone else None

    def _answering(self, chart: helm.Chart) -> pulumi.Resource:
        """The chart, or what waits behind it for the webhook to answer."""
        args = self._args
        if not args.webhook:
            return chart
        question = (_PYTHON, "-m", "secret_sync", "webhook", "--context", args.context)
        return pulumi_command.local.Command(
            f"{self._name}-webhook-answers",
            create=shlex.join([*question, args.namespace]),
            triggers=[args.chart.version or args.chart.chart],
            logging=pulumi_command.local.Logging.NONE,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[chart]),
        )

    def _rights(self) -> list[pulumi.Resource]:
        """Bindings name accounts that the chart makes: Kubernetes takes them in either order."""
        own, cluster_kinds = self._args.namespace, self._args.cluster_kinds
        syncing = access.syncing(cluster_kinds=cluster_kinds)
        made = self._grant("lead", CONTROLLER, access.leading(), namespace=own)
        if cluster_kinds:
            made += self._grant("sync", CONTROLLER, syncing, namespace=None)
        else:
            for each in self._args.serves:
                made += self._grant(f"sync-{each}", CONTROLLER, syncing, namespace=each)
            if self._only_namespace is None:
                made += self._grant("watch", CONTROLLER, access.watching(), namespace=None)
        if self._args.webhook:
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

    def _fences(self) -> list[pulumi.Resource]:
        cluster = self._args.cluster
        specs: Mapping[str, networking.NetworkPolicySpecArgs] = {
            CONTROLLER: secrets_controller_policy(pod_labels(CONTROLLER), cluster),
        }
        if self._args.webhook:
            specs = {
                **specs,
                WEBHOOK: webhook_policy(pod_labels(WEBHOOK), cluster, port=WEBHOOK_PORT),
                CERTIFICATES: certificate_controller_policy(pod_labels(CERTIFICATES), cluster),
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

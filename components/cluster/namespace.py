"""A namespace whose pods can have no privilege and talk to nobody unless a policy says so."""

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta
from pulumi_kubernetes.networking import v1 as networking


@dataclass(frozen=True, kw_only=True)
class RestrictedNamespaceArgs:
    """`name` is the namespace's name in the cluster."""

    name: str


class RestrictedNamespace(pulumi.ComponentResource):
    """A namespace that enforces Pod Security's `restricted` and denies all traffic by default."""

    namespace_name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: RestrictedNamespaceArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("oceanid:index:RestrictedNamespace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        modes = ("enforce", "audit", "warn")
        labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in modes}
        namespace = core.Namespace(
            f"{name}-namespace",
            metadata=meta.ObjectMetaArgs(name=args.name, labels=labels),
            opts=child,
        )
        networking.NetworkPolicy(
            f"{name}-deny-all",
            metadata=meta.ObjectMetaArgs(name="deny-all", namespace=args.name),
            spec=networking.NetworkPolicySpecArgs(
                pod_selector=meta.LabelSelectorArgs(), policy_types=["Ingress", "Egress"]
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[namespace]),
        )
        self.namespace_name = namespace.metadata.apply(lambda metadata: metadata.name or args.name)
        self.register_outputs({"namespace_name": self.namespace_name})

"""What each part of the External Secrets Operator may do in the API server.

Read from the chart's own roles (lines 0.19 and 2.9) and the operator's sources, less what it does
not need here: cluster-wide kinds, tokens of service accounts, generators, and the certificate
controller's right to every Secret of the cluster.
"""

from collections.abc import Sequence

from pulumi_kubernetes.rbac import v1 as rbac

from .operator_chart import WEBHOOK

_GROUP = "external-secrets.io"
_WEBHOOK_CONFIGURATIONS = ["secretstore-validate", "externalsecret-validate"]
_READ = ["get", "list", "watch"]
_WRITE = ["update", "patch"]


def served_crds(*, cluster_kinds: bool) -> tuple[str, ...]:
    """The kinds whose CRDs are made; without these no other of the operator's can be."""
    own = ("ExternalSecret", "SecretStore", "GeneratorState")
    return (*own, "ClusterExternalSecret", "ClusterSecretStore") if cluster_kinds else own


def syncing(*, cluster_kinds: bool) -> list[rbac.PolicyRuleArgs]:
    """The controller's, in each namespace it serves.

    It makes, watches and removes Secrets whose names it learns from ExternalSecrets, so that no
    list of names can bound it: the rule rbac-secrets says so in every preview.
    """
    resources = ["externalsecrets", "secretstores"]
    for_the_cluster = []
    if cluster_kinds:
        resources += ["clusterexternalsecrets", "clustersecretstores"]
        for_the_cluster = [
            _rule(_GROUP, ["externalsecrets"], ["create", "delete"]),
            _rule("", ["namespaces"], [*_READ, *_WRITE]),
        ]
    return [
        _rule(_GROUP, resources, [*_READ, *_WRITE]),
        _rule(_GROUP, [f"{resource}/status" for resource in resources], ["get", *_WRITE]),
        _rule(_GROUP, [f"{resource}/finalizers" for resource in resources], _WRITE),
        *for_the_cluster,
        _rule("", ["secrets"], [*_READ, *_WRITE, "create", "delete"]),
        _rule(f"generators.{_GROUP}", ["generatorstates"], _READ),
        events(),
    ]


def watching() -> list[rbac.PolicyRuleArgs]:
    """The controller's in the cluster, where it serves several namespaces.

    It looks at one namespace or at all (v0.19.2, cmd/controller/root.go, `namespace`), and does
    not start without lists of what it watches: its own kinds, and Secrets with their values.
    """
    look = ["list", "watch"]
    return [
        _rule(_GROUP, ["externalsecrets", "secretstores"], look),
        _rule("", ["secrets"], look),
        _rule(f"generators.{_GROUP}", ["generatorstates"], look),
    ]


def leading() -> list[rbac.PolicyRuleArgs]:
    """The controller's in its own namespace: to agree on which of its pods works."""
    return [_rule("coordination.k8s.io", ["leases"], ["get", "create", *_WRITE]), events()]


def certifying(*, cluster_kinds: bool) -> list[rbac.PolicyRuleArgs]:
    """The certificate controller's in the cluster: it writes its CA into what calls the webhook."""
    stores = ("secretstores", "clustersecretstores") if cluster_kinds else ("secretstores",)
    resources = [f"{store}.{_GROUP}" for store in ("externalsecrets", *stores)]
    admission = "admissionregistration.k8s.io"
    return [
        _rule("apiextensions.k8s.io", ["customresourcedefinitions"], _READ),
        _rule("apiextensions.k8s.io", ["customresourcedefinitions"], _WRITE, resources),
        _rule(admission, ["validatingwebhookconfigurations"], _READ),
        _rule(admission, ["validatingwebhookconfigurations"], _WRITE, _WEBHOOK_CONFIGURATIONS),
        _rule("", ["endpoints"], _READ),
        _rule("discovery.k8s.io", ["endpointslices"], _READ),
        # What happens to an object of the cluster is told in the namespace default.
        events(),
    ]


def keeping_certificate() -> list[rbac.PolicyRuleArgs]:
    """The certificate controller's in its own namespace: the webhook's certificate."""
    return [_rule("", ["secrets"], ["get", *_WRITE], [WEBHOOK])]


def events() -> rbac.PolicyRuleArgs:
    return _rule("", ["events"], ["create", "patch"])


def _rule(
    group: str, resources: Sequence[str], verbs: Sequence[str], names: Sequence[str] = ()
) -> rbac.PolicyRuleArgs:
    return rbac.PolicyRuleArgs(
        api_groups=[group],
        resources=list(resources),
        verbs=list(verbs),
        resource_names=list(names) or None,
    )

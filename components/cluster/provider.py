"""How the program reaches the cluster."""

import pulumi_kubernetes


def cluster_provider(context: str, identifier: str) -> pulumi_kubernetes.Provider:
    """The provider of all objects of the cluster; `context` is the kubeconfig's.

    `identifier` is the cluster's identity: a moved or renewed kubeconfig replaces nothing.
    """
    return pulumi_kubernetes.Provider(
        "cluster",
        context=context,
        cluster_identifier=identifier,
        # A Secret that changes is never away in between: what reads it would fail meanwhile.
        enable_secret_mutable=True,
        # Whatever the environment says: an API server that is away must not empty the state.
        delete_unreachable=False,
        skip_update_unreachable=False,
    )

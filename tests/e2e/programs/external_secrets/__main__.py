"""The operator's chart with upstream's own values: no component of ours has a part in it."""

from pulumi_kubernetes.helm import v4 as helm

helm.Chart(
    "operator",
    name="external-secrets",
    namespace="external-secrets-system",
    # A copy beside this program.
    chart="./chart",
    # The test waits by itself: the engine waits 10 s for a Service to settle.
    skip_await=True,
    values={"installCRDs": False, "replicaCount": 2, "leaderElect": True},
)

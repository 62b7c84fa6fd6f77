"""Random documents made of the words that the rules look at: nothing fails, no key is shown."""

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.rules import all_rules, cross_resource_rules
from policies.rules._cross_resource import Observation
from policies.rules._model import Verdict, judge
from policies.rules._subject import subjects_of_manifest
from tests.policies.test_policy_properties import KEYS, LEAVES
from workshop.testing.rule_cases import FAKE_KEY

# fmt: off
_WORDS = st.sampled_from(
    [
        "securityContext", "capabilities", "add", "drop", "privileged", "ports", "hostPort",
        "livenessProbe", "httpGet", "host", "tolerations", "affinity", "nodeAffinity",
        "nodeSelector", "labels", "namespace", "rules", "verbs", "resources", "roleRef",
        "conditions", "updateStrategy", "rollingUpdate", "maxUnavailable", "valueFrom", "envFrom",
        "command", "seccompProfile", "type", "sysctls", "nodeSelectorTerms", "matchExpressions",
        "requiredDuringSchedulingIgnoredDuringExecution", "key", "operator", "secretStoreRefs",
        "pod-security.kubernetes.io/enforce", "egress", "policyTypes", "refreshInterval",
        "selector", "podSelector", "namespaceSelector", "matchLabels", "matchNames", "values",
        "provider", "pulumi", "serviceAccountName", "configMapRef", "secretRef", "optional",
    ]
)
_KINDS = st.sampled_from(
    [
        "Pod", "DaemonSet", "Deployment", "CronJob", "Role", "RoleBinding", "Namespace",
        "NetworkPolicy", "ExternalSecret", "ClusterSecretStore", "PushSecret", "HelmRelease",
        "List", "Service", "ServiceMonitor", "PodDisruptionBudget", "SecretStore", "Secret",
    ]
)
# fmt: on
_TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS | KEYS, inner, max_size=6),
    max_leaves=40,
)


@settings(deadline=None, max_examples=300)
@given(_KINDS, _TREES, _TREES, st.integers(0, 2))
def test_nothing_fails_on_a_document_of_the_rules_own_words(
    kind: str, meta: object, part: object, shape: int
) -> None:
    spec: object = part
    if shape == 1:
        spec = {"template": {"metadata": meta, "spec": part}}
    elif shape == 2:
        container = {"env": [part, {"name": part, "value": part}], "securityContext": part}
        spec = {"containers": [part, container], "volumes": [part], "securityContext": part}
    body = {"kind": kind, "metadata": meta, "spec": spec, "rules": part, "roleRef": part}
    observations: dict[str, list[Observation]] = {rule.name: [] for rule in cross_resource_rules()}
    for subject in subjects_of_manifest(body):
        fired = set()
        for rule in all_rules():
            for finding in judge(rule, subject).findings:
                assert finding.verdict is not Verdict.FAILED, rule.name
                assert FAKE_KEY not in finding.path + finding.message
                if finding.verdict is Verdict.FIRES:
                    fired.add(rule.name)
        for cross in cross_resource_rules():
            observations[cross.name].extend(cross.collect(subject, frozenset(fired)))
    for cross in cross_resource_rules():
        for observation, finding in cross.evaluate(observations[cross.name]):
            assert any(observation is each for each in observations[cross.name])
            assert FAKE_KEY not in finding.path + finding.message

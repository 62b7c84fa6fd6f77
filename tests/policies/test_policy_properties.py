"""What must hold for every document, not only for those that somebody thought of."""

import copy
from collections.abc import Iterator

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.rules import all_rules, cross_resource_rules
from policies.rules._cross_resource import Observation
from policies.rules._model import UNKNOWN, Finding, Path, Verdict, judge
from policies.rules._subject import Subject, subjects_of_manifest, subjects_of_resource
from workshop.testing.rule_cases import FAKE_KEY, Case, all_cases, plain

pytestmark = pytest.mark.slow

# fmt: off
WORDS = (
    "kind", "apiVersion", "items", "spec", "template", "jobTemplate", "metadata", "data",
    "stringData", "binaryData", "name", "value", "env", "image", "args", "containers",
    "initContainers", "ephemeralContainers", "volumes", "reference", "hostNetwork",
    "hostPID", "hostIPC", "annotations", "Pod", "DaemonSet", "CronJob", "List",
    "DaemonSetList", "DaemonSetPatch", "Secret", "ConfigMap", "TS_AUTHKEY", "a:latest", "@",
    ":", "/", "tskey-", "securityContext", "capabilities", "add", "drop", "privileged", "ports",
    "hostPort", "livenessProbe", "httpGet", "host", "tolerations", "affinity", "nodeAffinity",
    "nodeSelector", "labels", "namespace", "rules", "verbs", "resources", "roleRef", "conditions",
    "updateStrategy", "rollingUpdate", "maxUnavailable", "valueFrom", "envFrom", "command",
    "seccompProfile", "type", "sysctls", "nodeSelectorTerms", "matchExpressions", "key", "operator",
    "requiredDuringSchedulingIgnoredDuringExecution", "secretStoreRefs", "egress", "policyTypes",
    "pod-security.kubernetes.io/enforce", "refreshInterval", "selector", "podSelector", "values",
    "namespaceSelector", "matchLabels", "matchNames", "provider", "pulumi", "serviceAccountName",
    "configMapRef", "secretRef", "optional",
)
KINDS = (
    "Pod", "DaemonSet", "Deployment", "CronJob", "Role", "RoleBinding", "Namespace", "List",
    "NetworkPolicy", "ExternalSecret", "ClusterSecretStore", "PushSecret", "HelmRelease", "Service",
    "ServiceMonitor", "PodDisruptionBudget", "SecretStore", "Secret",
)
# fmt: on
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(max_size=8)
    | st.just(FAKE_KEY)
    | st.just(UNKNOWN)
    | st.dates()
)
KEYS = st.sampled_from(WORDS) | st.text(max_size=5) | st.integers() | st.none() | st.booleans()
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=40,
)
TOKENS = st.sampled_from(
    [
        "kubernetes:apps/v1:DaemonSet",
        "kubernetes:apps/v1:DaemonSetPatch",
        "kubernetes:apps/v1:DaemonSetList",
        "kubernetes:core/v1:List",
        "kubernetes:core/v1:Secret",
        "kubernetes:batch/v1beta1:CronJob",
        "kubernetes:helm.sh/v3:Release",
        "kubernetes:yaml:ConfigGroup",
        "pulumi:pulumi:Stack",
        "kubernetes",
        "",
    ]
)
POD: dict[str, object] = {"hostNetwork": True, "containers": [{"name": "a", "image": "a:latest"}]}
DAEMONSET: dict[str, object] = {"kind": "DaemonSet", "spec": {"template": {"spec": POD}}}


def found(subjects: Iterator[Subject]) -> list[tuple[str, Finding]]:
    return [
        (rule.name, finding)
        for subject in subjects
        for rule in all_rules()
        for finding in judge(rule, subject).findings
    ]


def unsure(subjects: Iterator[Subject]) -> set[str]:
    return {name for name, one in found(subjects) if one.verdict is Verdict.CANNOT_BE_JUDGED}


def fired(subjects: Iterator[Subject]) -> set[tuple[str, Path]]:
    return {(name, one.where) for name, one in found(subjects) if one.verdict is Verdict.FIRES}


def fired_of_pods(subjects: Iterator[Subject]) -> set[str]:
    """Without the rules for workloads that run for good, which bare pods and Jobs do not."""
    lasting = {rule.name for rule in all_rules() if "reliability" in rule.tags}
    return {name for name, _ in fired(subjects)} - lasting


def shifted(prefix: Path, findings: set[tuple[str, Path]]) -> set[tuple[str, Path]]:
    return {(name, (*prefix, *where)) for name, where in findings}


@st.composite
def objects(draw: st.DrawFn) -> dict[str, object]:
    """An object whose parts are anything, in the places where the rules look for them."""
    meta, part = draw(TREES), draw(TREES)
    container = {"env": [part, {"name": part, "value": part}], "securityContext": part}
    specs = (
        part,
        {"template": {"metadata": meta, "spec": part}},
        {"containers": [part, container], "volumes": [part], "securityContext": part},
    )
    kind, spec = draw(st.sampled_from(KINDS)), draw(st.sampled_from(specs))
    return {"kind": kind, "metadata": meta, "spec": spec, "rules": part, "roleRef": part}


@settings(deadline=None, max_examples=700)
@given(objects() | TREES)
def test_no_document_makes_a_rule_fail_or_gives_a_key_away(document: object) -> None:
    observations: dict[str, list[Observation]] = {rule.name: [] for rule in cross_resource_rules()}
    for subject in subjects_of_manifest(document):
        for name, finding in found(iter([subject])):
            assert finding.verdict is not Verdict.FAILED, name
            assert FAKE_KEY not in finding.path + finding.message
        names = frozenset(name for name, _ in fired(iter([subject])))
        for cross in cross_resource_rules():
            observations[cross.name].extend(cross.collect(subject, names))
    for cross in cross_resource_rules():
        for observation, finding in cross.evaluate(observations[cross.name]):
            assert any(observation is each for each in observations[cross.name])
            assert FAKE_KEY not in finding.path + finding.message


@settings(deadline=None, max_examples=400)
@given(
    TOKENS,
    st.dictionaries(KEYS, TREES, max_size=6),
    st.sampled_from([None, frozenset({("data",)})]),
)
def test_no_resource_makes_a_rule_fail(
    token: str, body: dict[object, object], secrets: frozenset[Path] | None
) -> None:
    for name, finding in found(subjects_of_resource(token, body, secrets)):
        assert finding.verdict is not Verdict.FAILED, name


@settings(deadline=None)
@given(st.lists(st.sampled_from(["List", "DaemonSetList", "v1 List"]), max_size=4), st.data())
def test_wrapping_in_lists_keeps_the_verdict(wrappers: list[str], data: st.DataObject) -> None:
    document: dict[str, object] = copy.deepcopy(DAEMONSET)
    expected = fired(subjects_of_manifest(document))
    assert expected
    for wrapper in wrappers:
        before = data.draw(st.integers(0, 3))
        neighbours: list[object] = [{"kind": "Namespace"}] * before
        kind = wrapper.removeprefix("v1 ")
        document = {"apiVersion": "v1", "kind": kind, "items": [*neighbours, document]}
        expected = shifted(("items", before), expected)
    assert fired(subjects_of_manifest(document)) == expected


@settings(deadline=None)
@given(
    st.sampled_from(["apps/v1", "apps/v1beta2", "extensions/v1beta1", "apps.kruise.io/v1alpha1"]),
    st.sampled_from(["", "Patch"]),
    st.sampled_from([{}, {"kind": "DaemonSet"}]),
)
def test_group_and_patch_keep_the_verdict(
    group: str, patch: str, stated: dict[object, object]
) -> None:
    body = {**stated, "spec": DAEMONSET["spec"]}
    resource = subjects_of_resource(f"kubernetes:{group}:DaemonSet{patch}", body, frozenset())
    expected = fired(subjects_of_manifest(DAEMONSET))
    if patch:  # what a patch does not say stays as it is
        expected = {(name, where) for name, where in expected if where in set(_places(DAEMONSET))}
    assert fired(resource) == expected


def test_every_workload_kind_gives_the_same_verdict_at_its_own_place() -> None:
    bare = fired_of_pods(subjects_of_manifest({"kind": "Pod", "spec": POD}))
    template: dict[str, object] = {"template": {"spec": POD}}
    documents: dict[str, dict[str, object]] = {
        "Job": {"spec": template},
        "CronJob": {"spec": {"jobTemplate": {"spec": template}}},
        "PodTemplate": template,
        "Deployment": {"spec": template},
        "StatefulSet": {"spec": template},
        "ReplicaSet": {"spec": template},
        "ReplicationController": {"spec": template},
    }
    for kind, body in documents.items():
        assert fired_of_pods(subjects_of_manifest({"kind": kind, **body})) == bare


def _places(tree: object, where: Path = ()) -> Iterator[Path]:
    entries: Iterator[tuple[str | int, object]] = iter(())
    if isinstance(tree, dict):
        entries = iter(tree.items())
    elif isinstance(tree, list):
        entries = iter(enumerate(tree))
    for step, value in entries:
        yield (*where, step)
        yield from _places(value, (*where, step))


def _with_unknown_at(tree: object, where: Path) -> object:
    if not where:
        return UNKNOWN
    if isinstance(tree, list):
        return [
            _with_unknown_at(entry, where[1:]) if place == where[0] else entry
            for place, entry in enumerate(tree)
        ]
    assert isinstance(tree, dict)
    # What is missing is reported where it could be said, so the way there may not exist yet.
    return {**tree, where[0]: _with_unknown_at(tree.get(where[0], {}), where[1:])}


# Any text may be a key or a reference, and any value of a wrong type, so what is unknown is judged
# on update. The rules' `limitations` says so.
JUDGED_ON_UPDATE = {"plain-text-keys", "variable-reference", "field-type"}
FIRING = [
    case for case in all_cases() if case.group == "fires" and case.token and "kind" in case.tree
]


@pytest.mark.parametrize("case", FIRING, ids=lambda case: f"{case.rule.name}: {case.why}")
def test_an_unknown_value_never_hides_a_violation(case: Case) -> None:
    # Every place of every case, not some of them: there are few enough.
    body, marks = plain(case.tree)
    assert isinstance(body, dict)
    assert case.token is not None
    before = fired(subjects_of_resource(case.token, body, frozenset(marks)))
    # A custom resource whose spec is unknown cannot be told from one that runs no pods.
    is_certain = not any(subject.foreign for subject in case.subjects())
    for place in _places(body):
        after = _with_unknown_at(body, place)
        assert isinstance(after, dict)
        kept = {
            (name, where)
            for name, where in before
            # Only what lies under the unknown value, or is it, can no longer be seen.
            if where[: len(place)] != place
        }
        answers = list(subjects_of_resource(case.token, after, frozenset(marks)))
        lost = kept - fired(iter(answers))
        # What depends on two fields turns from a violation into a doubt, and never into a pass.
        assert {name for name, _ in lost} <= unsure(iter(answers)), place
        # On the way to a violation, or in its place, an unknown is never a pass.
        if is_certain and case.rule.name not in JUDGED_ON_UPDATE and before - kept:
            hidden = {name for name, _ in before - kept} & {case.rule.name}
            assert hidden <= {name for name, _ in found(iter(answers))}, place


def test_a_document_that_contains_itself_is_judged_to_the_end() -> None:
    text = (
        "{kind: List, items: &i [{kind: List, items: *i}, "
        "{kind: Pod, spec: &s {hostPID: true, a: *s}}]}"
    )
    findings = fired(subjects_of_manifest(yaml.load(text, Loader=yaml.CSafeLoader)))
    assert findings == {("workload-host-namespaces", ("items", 1, "spec", "hostPID"))}


def test_a_bomb_of_aliases_is_walked_in_the_size_of_its_text() -> None:
    bomb: object = "x"
    for _ in range(64):
        bomb = [bomb, bomb]
    assert found(subjects_of_manifest({"kind": "ConfigMap", "data": bomb})) == []
    lists: object = {"kind": "Namespace"}
    for _ in range(64):
        items = [lists, lists]
        lists = {"kind": "List", "items": items}
    assert found(subjects_of_manifest(lists)) == []

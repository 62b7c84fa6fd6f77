"""What a scan reads, what it cannot read, and what it passes over."""

from pathlib import Path

import pytest

from tests.policies.test_policy_scan import GOOD, run
from workshop.testing.rule_cases import FAKE_KEY


@pytest.mark.parametrize(
    "text",
    [
        "kind: Pod\na: [",
        "kind: Pod\na: *b",
        "kind: Pod\na: \x01",
        "apiVersion: " + "[" * 5000,
        "kind: Pod\nname: {{ .Values.a }}",
        "kind: Pod\nkind: Pod",
        '{"kind": "Pod", "kind": "Pod"}',
        '{"a": 1, "kind": "Pod",',
        "kind: Pod\na: " + "{b: " * 3000,
        "kind: Pod\na: !!binary no",
        "kind: Pod\na: !!int x",
        "kind: Pod\n[a]: b",
        "kind: Pod\na: .inf",
        "kind: Pod\n<<: a",
        "kind: Pod\na: &a [*a]",
    ],
)
def test_a_manifest_that_kubectl_cannot_read_is_a_failure_of_its_own(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "bad.yaml").write_text(f"{text}\n# {FAKE_KEY}\n")
    (tmp_path / "good.yaml").write_text(GOOD)
    scanned = run("scan", tmp_path / "bad.yaml", tmp_path / "good.yaml")
    assert scanned.returncode == 2
    *complaints, summary = scanned.stderr.splitlines()
    assert all(line.startswith(f"{tmp_path / 'bad.yaml'}:") for line in complaints)
    assert "kubectl cannot read this: " in scanned.stderr
    assert "a Tailscale key stands here in plain text" in scanned.stderr
    assert FAKE_KEY not in scanned.stderr
    assert summary.startswith("2 files, 1 documents: 0 violations")


@pytest.mark.parametrize(
    "text",
    [
        '{\n  // as in tsconfig.json\n  "compilerOptions": {"strict": true},\n}',
        '{"tasks": [{"group": {"kind": "build"}},]}',
        "Resources:\n  B: {Type: a, Properties: {Name: !Sub '${X}'}}",
        "script: [!reference [.a, script]]",
        "markdown_extensions:\n- pymdownx.emoji: {index: !!python/name:a.b ''}",
        "a: [",
    ],
    ids=["comments", "a kind of its own", "CloudFormation", "GitLab", "mkdocs", "no YAML"],
)
def test_a_file_that_is_no_manifest_is_passed_over_with_a_line_but_for_its_keys(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "other.yaml"
    file.write_text(text)
    scanned = run("scan", file)
    assert (scanned.returncode, scanned.stdout) == (0, "")
    assert "no Kubernetes manifest: it has neither apiVersion nor kind; passed over" in (
        scanned.stderr
    )
    file.write_text(f"{text}\n# {FAKE_KEY}\nb: {{c: '{FAKE_KEY}'")
    scanned = run("scan", file)
    assert scanned.returncode == 2
    assert f"{file}:{len(text.splitlines()) + 1}:1: a Tailscale key stands here" in scanned.stderr
    assert FAKE_KEY not in scanned.stderr


def test_a_file_that_kustomize_reads_is_a_manifest_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [")
    assert run("scan", tmp_path).returncode == 2


_TWICE = '{"kind": "Pod"}\n {"kind": "Pod",\n\t"spec": {"a": 1, "a": 2}}'


@pytest.mark.parametrize(
    ("text", "place", "fault"),
    [
        ("kind: Pod\nspec:\n\thostPID: true\n", "3:1", "a tab indents here"),
        ("kind: Pod\nspec:\n  \thostPID: true\n", "3:3", "a tab indents here"),
        ("kind: Pod\nspec:\n-\ta: b\n\tc: d\n", "3:2", "a tab indents here"),
        # A tab that does not indent.
        ("kind: Pod\nspec:\ta: b\n", "2:8", "mapping values are not allowed"),
        ("kind: Pod\nspec:\n  hostPID: true\n  hostPID: false\n", "4:3", "a key stands"),
        (_TWICE, "3:19", "a key stands"),
        ("kind: Pod\nc: [*d]\n", "2:5", ""),
    ],
)
def test_a_fault_is_told_in_plain_words_where_it_stands(
    tmp_path: Path, text: str, place: str, fault: str
) -> None:
    file = tmp_path / ("a.json" if text is _TWICE else "a.yaml")
    file.write_text(text)
    scanned = run("scan", file)
    assert scanned.returncode == 2
    assert scanned.stderr.startswith(f"{file}:{place}: kubectl cannot read this: {fault}")


def test_all_documents_are_judged_past_what_other_readers_stumble_on(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "kind: ConfigMap\ndata: {op: =, at: 12:30:45, n: 0x_, b: !!binary aGk=, c: &c 1, d: &c 2}\n"
        "---\nkind: Pod\nspec: {hostNetwork: &c yes, securityContext: {runAsUser: 0o0}}\n"
    )
    scanned = run("scan", tmp_path / "a.yaml")
    assert scanned.returncode == 1
    assert f"{tmp_path / 'a.yaml'}:5:8: " in scanned.stdout
    assert "workload-host-namespaces: spec.hostNetwork: " in scanned.stdout
    assert "root-user: spec.securityContext.runAsUser: " in scanned.stdout


@pytest.mark.parametrize("name", ["a.json", "a.yaml"])
def test_the_members_of_a_plain_list_are_judged(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('[{"kind": "Pod", "spec": {"hostPID": true}}, {"a": 1}]')
    scanned = run("scan", tmp_path)
    assert scanned.returncode == 1
    assert f"{tmp_path / name}:1:27: [mandatory]" in scanned.stdout
    assert "workload-host-namespaces: [0].spec.hostPID: " in scanned.stdout


@pytest.mark.parametrize("text", ["- - a: KEY", "KEY", "- KEY", "- a: KEY"])
def test_a_key_is_found_in_a_document_that_is_no_mapping(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text.replace("KEY", FAKE_KEY))
    scanned = run("scan", tmp_path)
    assert scanned.returncode == 1
    assert "plain-text-keys: " in scanned.stdout
    assert FAKE_KEY not in scanned.stdout + scanned.stderr


def test_a_file_that_is_too_large_to_look_for_keys_in_it_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f'a: "{"postgres://a" * 1_000_000}\n')
    scanned = run("scan", tmp_path)
    assert scanned.returncode == 2
    assert "too large to look for keys in it" in scanned.stderr


def test_a_key_that_names_what_holds_a_pod_is_found_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "class.yaml"
    pod = "{containers: [{name: a, image: a}], hostNetwork: true}"
    file.write_text(
        f"apiVersion: tailscale.com/v1alpha1\nkind: ProxyClass\nspec: {{{FAKE_KEY}: {pod}}}\n"
    )
    scanned = run("scan", file)
    assert scanned.returncode == 1
    assert "plain-text-keys" in scanned.stdout
    assert 'spec["..."].hostNetwork' in scanned.stdout
    assert FAKE_KEY not in scanned.stdout + scanned.stderr

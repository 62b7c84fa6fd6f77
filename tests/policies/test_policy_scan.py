"""The scanner as people and pipelines run it."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.policies.rule_cases import FAKE_KEY, HERE

ROOT = HERE.parents[1]
INCIDENT = HERE / "manifests" / "incident.yaml"
GOOD = """kind: Pod
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
  - image: tailscale/tailscale:v1.102.3
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"""


def run(*arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "policies", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        input=given,
    )


def test_the_manifest_of_the_incident_is_stopped() -> None:
    scanned = run("scan", INCIDENT)
    assert scanned.returncode == 1
    lines = scanned.stdout.splitlines()
    for line, finding in (
        ("22:7", "daemonset-host-namespaces: spec.template.spec.hostNetwork: "),
        ("23:7", "daemonset-host-namespaces: spec.template.spec.hostPID: "),
        ("21:5", "daemonset-reach: spec.template.spec.nodeSelector: "),
        ("41:11", "host-path: spec.template.spec.volumes[1].hostPath: "),
        ("26:11", "pinned-image: spec.template.spec.containers[0].image: "),
    ):
        (said,) = [each for each in lines if finding in each]
        assert said.startswith(f"{INCIDENT}:{line}: [mandatory] [severity: ")
        assert "DaemonSet tailscale-system/tailscale-worker: " in said
        assert "Remedy: " in said


def test_a_clean_folder_is_clean(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(f"{GOOD}---\n{GOOD}---\n")
    (tmp_path / "notes.txt").write_text("kind: [")
    scanned = run("scan", tmp_path)
    assert (scanned.returncode, scanned.stdout) == (0, "")


def test_every_file_of_a_folder_is_scanned_but_hidden_folders(tmp_path: Path) -> None:
    for place in ("a.yaml", "b/c.yml", "b/d.json", ".git/e.yaml"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text('{"kind": "Pod", "spec": {"hostPID": true}}')
    scanned = run("scan", tmp_path)
    assert scanned.returncode == 1
    files = [line.split(":")[0] for line in scanned.stdout.splitlines()]
    assert files == [str(tmp_path / place) for place in ("a.yaml", "b/c.yml", "b/d.json")]


def test_standard_input_is_a_file_as_well() -> None:
    scanned = run("scan", "-", given=INCIDENT.read_text())
    assert scanned.returncode == 1
    assert scanned.stdout.startswith("<stdin>:22:7: ")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("\ufeffkind: Pod\r\nspec:\r\n  hostPID: true\r\n", "3:3"),
        ('{\n\t"kind": "Pod",\n\t"spec": {"hostPID": true}\n}', "3:11"),
        ("base: &a {hostPID: true}\nkind: Pod\nspec: *a\n", "1:11"),
        ("base: &a {hostPID: true}\nkind: Pod\nspec: {<<: *a, dnsPolicy: Default}\n", "1:11"),
        (
            "kind: Namespace\n---\nkind: List\nitems:\n- kind: Pod\n  spec: {hostPID: true}\n",
            "6:10",
        ),
        ("%YAML 1.1\n---\nkind: Pod\nspec: {hostPID: true}\n...\n", "4:8"),
    ],
    ids=["BOM and CRLF", "JSON with tabs", "alias", "merge", "list", "directive"],
)
def test_a_field_is_found_at_its_line_and_column(tmp_path: Path, text: str, place: str) -> None:
    (tmp_path / "a.yaml").write_bytes(text.encode())
    scanned = run("scan", tmp_path / "a.yaml")
    assert scanned.returncode == 1, scanned.stderr
    assert scanned.stdout.startswith(f"{tmp_path / 'a.yaml'}:{place}: ")


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "a: !Ref b",
        "a: 2025-13-45",
        "a: *b",
        "\x01",
        "[" * 5000,
        "{{ .Values.a }}: {{ b }}",
        "a: 1\nb: 2\na: 3",
        '{"a": 1, "a": 2}',
        "a: " + "{b: " * 3000,
    ],
)
def test_a_file_that_is_not_plain_yaml_is_a_failure_of_its_own(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yaml").write_text(f"{text}\n# {FAKE_KEY}\n")
    (tmp_path / "good.yaml").write_text(GOOD)
    scanned = run("scan", tmp_path / "bad.yaml", tmp_path / "good.yaml")
    assert scanned.returncode == 2
    complaint, summary = scanned.stderr.splitlines()
    assert complaint.startswith(f"{tmp_path / 'bad.yaml'}:")
    assert "not plain YAML" in complaint
    assert FAKE_KEY not in scanned.stderr
    assert summary.startswith("2 files, 1 documents: 0 violations")


def test_a_key_that_stands_twice_is_refused_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: Pod\nspec:\n  hostPID: true\n  hostPID: false\n")
    scanned = run("scan", tmp_path / "a.yaml")
    assert scanned.returncode == 2
    assert scanned.stderr.startswith(f"{tmp_path / 'a.yaml'}:4:3: not plain YAML: a key stands")


def test_a_key_that_overrides_what_is_merged_in_is_no_duplicate(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: &a {x: 1, y: 2}\nb: {c: {<<: *a, x: 3}, d: {<<: [*a]}}\n")
    assert run("scan", tmp_path / "a.yaml").returncode == 0


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.yaml").write_text(f"kind: ConfigMap\ndata: {{a: {FAKE_KEY}}}\n")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "good.yaml").write_text(GOOD)
    (inside / "same.yaml").symlink_to("good.yaml")
    (inside / "file.yaml").symlink_to("../outside/a.yaml")
    (inside / "folder").symlink_to("../outside")
    (inside / "loop.yaml").symlink_to("loop.yaml")
    scanned = run("scan", inside)
    assert scanned.returncode == 2
    assert scanned.stdout == ""
    assert scanned.stderr.count("a link out of the folder, not followed") == 3
    assert "2 files" in scanned.stderr


def test_a_chart_that_is_not_rendered_is_said_to_be_not_evaluated(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("name: c\n")
    (tmp_path / "templates" / "a.yaml").write_text(
        "kind: Pod\n{{- if .x }}\nspec: {}\n{{- end }}\n"
    )
    scanned = run("scan", tmp_path)
    assert scanned.returncode == 0
    assert f"{tmp_path / 'templates' / 'a.yaml'}:1:1: [advisory]" in scanned.stdout
    assert f"{tmp_path / 'Chart.yaml'}:1:1: [advisory]" in scanned.stdout
    assert scanned.stdout.count("not-evaluated: ") == 2


def test_a_template_that_happens_to_be_yaml_is_judged_and_said_to_be_not_evaluated(
    tmp_path: Path,
) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("name: c\ndependencies: [{name: d}]\n")
    (tmp_path / "templates" / "a.yaml").write_text(
        'kind: Pod\nspec: {hostPID: true, hostname: "{{ .x }}"}\n'
    )
    scanned = run("scan", tmp_path)
    assert scanned.returncode == 1
    assert "workload-host-namespaces: spec.hostPID: " in scanned.stdout
    assert "not-evaluated: the whole document: " in scanned.stdout
    assert f"{tmp_path / 'Chart.yaml'}:2:1: " in scanned.stdout


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_what_kustomize_would_fetch_is_not_evaluated(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("resources:\n- pod.yaml\n- https://example.com/a.yaml\n")
    (tmp_path / "pod.yaml").write_text(GOOD)
    scanned = run("scan", tmp_path)
    assert scanned.returncode == 0
    (line,) = [each for each in scanned.stdout.splitlines() if "not-evaluated" in each]
    assert line.startswith(f"{file}:3:3: [advisory]")
    file.write_text("resources: [pod.yaml]\n")
    assert "not-evaluated" not in run("scan", tmp_path).stdout


def test_violations_are_shown_even_where_another_path_cannot_be_read(tmp_path: Path) -> None:
    scanned = run("scan", tmp_path / "absent", INCIDENT)
    assert scanned.returncode == 2
    assert "absent:1:1: no such file or folder" in scanned.stderr
    assert "daemonset-host-namespaces" in scanned.stdout


def test_a_folder_without_manifests_is_not_clean(tmp_path: Path) -> None:
    scanned = run("scan", tmp_path)
    assert scanned.returncode == 2
    assert "holds no .yaml" in scanned.stderr


@pytest.mark.parametrize("arguments", [(), ("scan",), ("serve",)])
def test_a_wrong_call_says_how_to_call(arguments: tuple[str, ...]) -> None:
    called = run(*arguments)
    assert called.returncode == 2
    assert "usage: " in called.stderr


@pytest.mark.parametrize("form", ["text", "json", "sarif", "junit", "github"])
def test_a_key_is_found_and_not_shown(tmp_path: Path, form: str) -> None:
    (tmp_path / "key.yaml").write_text(
        f"kind: ConfigMap\nmetadata: {{name: {FAKE_KEY}}}\ndata: {{{FAKE_KEY}: a, b: {FAKE_KEY}}}\n"
    )
    scanned = run("scan", tmp_path, "--format", form)
    assert scanned.returncode == 1
    assert scanned.stdout.count("plain-text-keys") >= 3
    assert FAKE_KEY not in scanned.stdout + scanned.stderr


def test_every_form_tells_the_same(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("a: [")
    arguments = ("scan", INCIDENT, tmp_path / "bad.yaml", "--format")
    told = json.loads(run(*arguments, "json").stdout)
    places = {(each["rule"], each["line"], each["column"]) for each in told["results"]}
    assert ("daemonset-host-namespaces", 22, 7) in places
    assert len(told["problems"]) == 1

    (sarif,) = json.loads(run(*arguments, "sarif").stdout)["runs"]
    assert {each["id"] for each in sarif["tool"]["driver"]["rules"]} == {
        name for name, *_ in places
    }
    regions = {
        (
            each["ruleId"],
            each["locations"][0]["physicalLocation"]["region"]["startLine"],
            each["locations"][0]["physicalLocation"]["region"]["startColumn"],
        )
        for each in sarif["results"]
    }
    assert regions == places
    assert not sarif["invocations"][0]["executionSuccessful"]

    suite = ET.fromstring(run(*arguments, "junit").stdout)
    assert {case.attrib["classname"] for case in suite} == {name for name, *_ in places} | {
        "not judged"
    }
    assert int(suite.attrib["failures"]) == sum(each["blocks"] for each in told["results"])

    annotations = run(*arguments, "github").stdout.splitlines()
    assert len(annotations) == len(told["results"]) + 1
    assert f"::error file={INCIDENT},line=22,col=7,title=daemonset-host-namespaces::" in "\n".join(
        annotations
    )


def test_a_baseline_puts_up_with_what_was_there_and_with_nothing_new(tmp_path: Path) -> None:
    manifest, baseline = tmp_path / "a.yaml", tmp_path / "baseline.json"
    manifest.write_text("kind: Pod\nspec: {hostPID: true}\n")
    assert run("scan", manifest, "--write-baseline", baseline).returncode == 1
    manifest.write_text("# moved\nkind: Pod\nspec: {hostPID: true}\n")
    again = run("scan", manifest, "--baseline", baseline)
    assert again.returncode == 0
    assert "[in the baseline]" in again.stdout
    manifest.write_text("kind: Pod\nspec: {hostPID: true, hostIPC: true}\n")
    assert run("scan", manifest, "--baseline", baseline).returncode == 1
    baseline.write_text("{")
    assert "no baseline" in run("scan", manifest, "--baseline", baseline).stderr


def test_the_hook_of_pre_commit_runs_the_scanner() -> None:
    hook = subprocess.run(
        [sys.executable, ROOT / "policies" / "pre-commit-hook", INCIDENT],
        capture_output=True,
        text=True,
        check=False,
        cwd=HERE,
    )
    assert hook.returncode == 1
    assert "daemonset-host-namespaces" in hook.stdout
    assert os.access(ROOT / "policies" / "pre-commit-hook", os.X_OK)


def test_the_scanner_starts_without_pulumi() -> None:
    code = (
        "import sys; from policies.scan import main; main([sys.argv[1]]); "
        "sys.exit(any(name.partition('.')[0] in ('pulumi', 'pulumi_policy', 'grpc') "
        "for name in sys.modules))"
    )
    started = subprocess.run(
        [sys.executable, "-c", code, INCIDENT], cwd=ROOT, check=False, stdout=subprocess.DEVNULL
    )
    assert started.returncode == 0

"""The scanner as people and pipelines run it, and what the pack may import."""

import ast
import os
import subprocess
import sys
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


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "policies", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_manifest_of_the_incident_is_stopped() -> None:
    scanned = run("scan", INCIDENT)
    assert scanned.returncode == 1
    lines = scanned.stdout.splitlines()
    first = f"{INCIDENT}: document 2: daemonset-host-namespaces: spec.template.spec.hostNetwork: "
    assert any(line.startswith(first) and "Remedy: remove hostNetwork" in line for line in lines)
    for finding in (
        "daemonset-host-namespaces: spec.template.spec.hostPID: ",
        "daemonset-reach: spec.template.spec.nodeSelector: ",
        "host-path: spec.template.spec.volumes[1].hostPath: ",
        "pinned-image: spec.template.spec.containers[0].image: ",
        "privileged-container: spec.template.spec.containers[0].securityContext.privileged: ",
    ):
        assert any(finding in line for line in lines)


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
    files = [line.split(": ")[0] for line in scanned.stdout.splitlines()]
    assert files == [str(tmp_path / place) for place in ("a.yaml", "b/c.yml", "b/d.json")]


@pytest.mark.parametrize(
    "text",
    ["a: [", "a: !Ref b", "a: 2025-13-45", "a: *b", "\x01", "[" * 5000, "{{ .Values.a }}: {{ b }}"],
    ids=["open list", "tag", "date", "alias", "control", "deep", "template"],
)
def test_a_file_that_is_not_plain_yaml_is_a_failure_of_its_own(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yaml").write_text(f"# {FAKE_KEY}\n{text}\n")
    (tmp_path / "good.yaml").write_text(GOOD)
    scanned = run("scan", tmp_path / "bad.yaml", tmp_path / "good.yaml")
    assert scanned.returncode == 2
    complaint, summary = scanned.stderr.splitlines()
    assert complaint.startswith(f"{tmp_path / 'bad.yaml'}: ")
    assert "not plain YAML" in complaint
    assert FAKE_KEY not in scanned.stderr
    assert summary == "2 files, 1 documents, 0 violations"


def test_violations_are_shown_even_where_another_path_cannot_be_read(tmp_path: Path) -> None:
    scanned = run("scan", tmp_path / "absent", INCIDENT)
    assert scanned.returncode == 2
    assert "absent: no such file or folder" in scanned.stderr
    assert "daemonset-host-namespaces" in scanned.stdout


def test_a_folder_without_manifests_is_not_clean(tmp_path: Path) -> None:
    scanned = run("scan", tmp_path)
    assert scanned.returncode == 2
    assert "holds no .yaml" in scanned.stderr


@pytest.mark.parametrize("arguments", [(), ("scan",), ("serve",)])
def test_a_wrong_call_says_how_to_call(arguments: tuple[str, ...]) -> None:
    called = run(*arguments)
    assert called.returncode == 2
    assert "usage: python -m policies" in called.stderr


def test_a_key_is_found_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "key.yaml").write_text(f"kind: ConfigMap\ndata: {{{FAKE_KEY}: a, b: {FAKE_KEY}}}\n")
    scanned = run("scan", tmp_path)
    assert scanned.returncode == 1
    assert len(scanned.stdout.splitlines()) == 2
    assert FAKE_KEY not in scanned.stdout + scanned.stderr


def test_the_scanner_starts_without_pulumi() -> None:
    code = (
        "import sys; from policies.scan import main; main(['scan', sys.argv[1]]); "
        "sys.exit(any(name.partition('.')[0] in ('pulumi', 'pulumi_policy', 'grpc') "
        "for name in sys.modules))"
    )
    started = subprocess.run(
        [sys.executable, "-c", code, INCIDENT], cwd=ROOT, check=False, stdout=subprocess.DEVNULL
    )
    assert started.returncode == 0


def test_the_guard_imports_nothing_of_the_code_it_guards() -> None:
    allowed = {*sys.stdlib_module_names, "policies", "yaml", "google", "grpc", "pulumi"}
    allowed |= {"pulumi_policy"}
    for folder, _, names in os.walk(ROOT / "policies"):
        for name in names:
            if name.endswith(".py"):
                tree = ast.parse(Path(folder, name).read_text("utf-8"))
                for node in ast.walk(tree):
                    if isinstance(node, ast.ImportFrom):
                        assert node.level == 0
                        imported = [node.module or ""]
                    elif isinstance(node, ast.Import):
                        imported = [alias.name for alias in node.names]
                    else:
                        continue
                    strangers = {module.partition(".")[0] for module in imported} - allowed
                    assert not strangers, f"{name} imports {strangers}"

"""The scanner as people and pipelines run it."""

import os
import sys
from pathlib import Path

import pytest

from workshop.testing.checkout import Completed, completed
from workshop.testing.rule_cases import FAKE_KEY, HERE

ROOT = HERE.parents[1]
INCIDENT = HERE / "manifests" / "incident.yaml"
GOOD = """kind: Pod
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
  - image: tailscale/tailscale:v1.102.3
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"""


def run(*arguments: str | Path, given: str = "") -> Completed:
    return completed(sys.executable, "-m", "policies", *map(str, arguments), given=given)


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
        ("27:29", "spec.template.spec.containers[0].securityContext.privileged: a privileged "),
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


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_what_kustomize_would_fetch_is_not_evaluated(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("resources:\n- pod.yaml\n- https://example.com/a.yaml\n")
    (tmp_path / "pod.yaml").write_text(GOOD)
    scanned = run("scan", tmp_path)
    assert scanned.returncode == 2
    (line,) = [each for each in scanned.stdout.splitlines() if "not-evaluated" in each]
    assert line.startswith(f"{file}:3:3: [advisory]")
    assert "1 not evaluated" in scanned.stderr
    file.write_text("resources: [pod.yaml]\n")
    assert "not-evaluated" not in run("scan", tmp_path).stdout


def test_what_is_not_evaluated_is_accepted_by_a_flag(tmp_path: Path) -> None:
    manifest = tmp_path / "a.yaml"
    manifest.write_text("apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: a}\n")
    assert run("scan", manifest).returncode == 2
    accepted = run("scan", manifest, "--accept-not-evaluated")
    assert accepted.returncode == 0
    assert "not-evaluated: kind: " in accepted.stdout
    assert "1 not evaluated" in accepted.stderr
    assert run("scan", manifest, "--accept").returncode == 2  # no flag is guessed


def test_nothing_given_is_not_clean() -> None:
    scanned = run("scan", "-")
    assert scanned.returncode == 2
    assert "<stdin>:1:1: nothing was given; check the command before the pipe" in scanned.stderr


@pytest.mark.parametrize("path", ["-", "/dev/stdin", "<(cat)"])
def test_a_pipe_is_read(path: str) -> None:
    command = f"{sys.executable} -m policies scan {path}"
    called = completed("bash", "-c", command, given="kind: Pod\nspec: {hostPID: true}\n")
    assert called.returncode == 1
    assert ":2:8: [mandatory]" in called.stdout


def test_each_document_of_a_json_file_is_found_at_its_own_lines(tmp_path: Path) -> None:
    pod = '{"kind":"Pod",\n\t"spec":{\n"hostPID":true}}\n'
    (tmp_path / "two.json").write_text(pod * 2)
    lines = run("scan", tmp_path / "two.json").stdout.splitlines()
    places = [line.split(": ")[0] for line in lines if "hostPID" in line]
    assert places == [f"{tmp_path / 'two.json'}:{line}:1" for line in (3, 6)]


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


def test_the_hook_of_pre_commit_runs_the_scanner() -> None:
    hook = completed(sys.executable, f"{ROOT}/policies/pre-commit-hook", str(INCIDENT), cwd=HERE)
    assert hook.returncode == 1
    assert "daemonset-host-namespaces" in hook.stdout
    assert os.access(ROOT / "policies" / "pre-commit-hook", os.X_OK)


def test_the_scanner_starts_without_pulumi() -> None:
    code = (
        "import sys; from policies.scan import main; main([sys.argv[1]]); "
        "sys.exit(any(name.partition('.')[0] in ('pulumi', 'pulumi_policy', 'grpc') "
        "for name in sys.modules))"
    )
    started = completed(sys.executable, "-c", code, str(INCIDENT))
    assert started.returncode == 0

"""Templates of charts: rendered where helm is there, and else said to be not judged."""

import shutil
import stat
from pathlib import Path

import pytest

from policies import charts
from policies.scan import main

_POD = "kind: Pod\nmetadata: {name: a}\nspec: {hostPID: {{ .Values.enabled }}, containers: []}\n"
# A stand-in for helm, where there is none: it prints what helm 3 prints of the chart below.
_STAND_IN = """#!/bin/sh
test "$1" = template || exit 3
cat <<'END'
---
# Source: c/templates/a.yaml
kind: Pod
metadata: {name: a}
spec: {hostPID: true, containers: []}
---
# Source: c/charts/sub/templates/b.yaml
kind: Pod
metadata: {name: b}
spec: {hostIPC: true, containers: []}
END
"""


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A chart with a part of its own, and a template that gives nothing as it is."""
    root = tmp_path / "chart"
    for folder, name in ((root, "c"), (root / "charts" / "sub", "sub")):
        (folder / "templates").mkdir(parents=True)
        (folder / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: 0.1.0\n")
        (folder / "values.yaml").write_text("enabled: true\n")
    (root / "templates" / "a.yaml").write_text(_POD)
    (root / "templates" / "off.yaml").write_text("{{ if .Values.off }}\nkind: Pod\n{{ end }}\n")
    (root / "charts" / "sub" / "templates" / "b.yaml").write_text(
        _POD.replace("hostPID", "hostIPC").replace("name: a", "name: b")
    )
    return root


def helm_is(program: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "bin").mkdir()
    helm = folder / "bin" / "helm"
    helm.write_text(program)
    helm.chmod(helm.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{helm.parent}:/usr/bin:/bin")


def without_helm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "empty").mkdir()
    monkeypatch.setenv("PATH", str(folder / "empty"))


def test_a_chart_is_judged_as_helm_renders_it(
    chart: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The real one where this machine has it: both must give the same.
    if shutil.which("helm") is None:
        helm_is(_STAND_IN, chart.parent, monkeypatch)
    assert main([str(chart)]) == 2
    said = capsys.readouterr()
    a, b = chart / "templates" / "a.yaml", chart / "charts" / "sub" / "templates" / "b.yaml"
    assert f"{a}:1:1: [mandatory]" in said.out
    assert "Pod a: workload-host-namespaces: spec.hostPID: " in said.out
    assert f"{b}:1:1: [mandatory]" in said.out
    assert "Pod b: workload-host-namespaces: spec.hostIPC: " in said.out
    # Neither the charts nor what was rendered is said to be not evaluated, but the one that gave
    # nothing is.
    assert "1 not evaluated" in said.err
    assert f"{chart / 'templates' / 'off.yaml'}:1:1: [advisory]" in said.out
    assert main([str(chart), "--accept-not-evaluated"]) == 1


def test_a_single_template_is_judged_as_its_chart_renders_it(
    chart: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    helm_is(_STAND_IN, chart.parent, monkeypatch)
    monkeypatch.chdir(chart)
    assert main(["./templates/a.yaml"]) == 1
    said = capsys.readouterr()
    assert "Pod a: workload-host-namespaces: " in said.out
    assert "Pod b" not in said.out


def test_a_chart_that_is_not_rendered_is_not_evaluated(
    chart: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without_helm(chart.parent, monkeypatch)
    shutil.rmtree(chart / "charts")
    assert main([str(chart)]) == 2
    said = capsys.readouterr()
    assert said.out.count("not-evaluated: ") == 3
    assert f"{chart / 'templates' / 'a.yaml'}:1:1: [advisory]" in said.out
    assert f"{chart / 'Chart.yaml'}:2:1: [advisory]" in said.out
    assert main([str(chart), "--accept-not-evaluated"]) == 0


def test_a_template_that_happens_to_be_yaml_is_judged_too(
    chart: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without_helm(chart.parent, monkeypatch)
    file = chart / "templates" / "a.yaml"
    file.write_text('kind: Pod\nspec: {hostPID: true, hostname: "{{ .x }}"}\n')
    assert main([str(file)]) == 2
    said = capsys.readouterr()
    assert f"{file}:2:8: [mandatory]" in said.out
    assert "not-evaluated: the whole document: " in said.out


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("#!/bin/sh\necho Error: $SECRET >&2\nexit 1\n", "helm cannot render the chart"),
        ("#!/bin/sh\nexec sleep 60\n", "helm has not rendered the chart in 1 s"),
        ("#!/bin/sh\nexec yes\n", "helm renders more than 0 MiB"),
    ],
    ids=["an error", "no end", "too much"],
)
def test_a_chart_that_helm_cannot_render_is_one_problem_and_not_evaluated(
    program: str,
    why: str,
    chart: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    helm_is(program, chart.parent, monkeypatch)
    monkeypatch.setattr(charts, "_SECONDS", 1)
    monkeypatch.setattr(charts, "LARGEST", 10_000)
    assert main([str(chart)]) == 2
    said = capsys.readouterr()
    assert said.err.count(f"{chart / 'Chart.yaml'}:1:1: {why}") == 1
    assert f"{chart / 'templates' / 'off.yaml'}:1:1: [advisory]" in said.out


def test_helm_cannot_reach_another_host_and_sees_no_cluster(
    chart: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/somewhere")
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "a")
    helm_is(f"#!/bin/sh\nenv > {chart.parent}/seen\n", chart.parent, monkeypatch)
    main([str(chart / "templates" / "a.yaml")])
    capsys.readouterr()
    seen = dict(line.split("=", 1) for line in (chart.parent / "seen").read_text().splitlines())
    assert seen["KUBECONFIG"] == "/dev/null"
    assert seen["https_proxy"] == seen["HTTP_PROXY"] == "http://127.0.0.1:9"
    assert "PULUMI_ACCESS_TOKEN" not in seen

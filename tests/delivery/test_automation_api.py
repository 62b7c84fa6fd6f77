"""Why the engine is asked by its command line: what `pulumi.automation` does with each question.

Each test holds a reason of docs/adr/0017-engine-by-its-command-line.md. One that fails after an
upgrade of the SDK says that the record can be looked at again.
"""

import json
from pathlib import Path

import pytest
from pulumi import automation
from pulumi.automation.events import EngineEvent

_RECORDED = Path(__file__).parent / "recorded" / "incident.jsonl"
# Says what it is asked for and which cluster it would find, and answers as an empty stack does.
_ENGINE = """#!/bin/sh
[ "$1" = version ] && echo v3.246.0 && exit
echo "$KUBECONFIG: $*" >>"$ASKED"
case "$*" in *history*) echo '[]' ;; *) echo '{}' ;; esac
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of what a stand-in of the engine is asked."""
    (tmp_path / "bin").mkdir()
    engine = tmp_path / "bin" / "pulumi"
    engine.write_text(_ENGINE)
    engine.chmod(0o755)
    monkeypatch.setenv("KUBECONFIG", "/of/another/project")
    return tmp_path / "asked"


def _workspace(asked: Path) -> automation.LocalWorkspace:
    return automation.LocalWorkspace(
        work_dir=str(asked.parent),
        env_vars={"ASKED": str(asked)},
        pulumi_command=automation.PulumiCommand(root=str(asked.parent)),
    )


def test_an_export_asks_for_every_secret(asked: Path) -> None:
    _workspace(asked).export_stack("prod")
    assert "stack export --show-secrets" in asked.read_text()


def test_a_history_selects_the_stack_for_whoever_works_here(asked: Path) -> None:
    automation.Stack.select("prod", _workspace(asked)).history(show_secrets=False)
    selected, listed = asked.read_text().splitlines()
    assert "stack select --stack prod" in selected
    assert "stack history --json" in listed


def test_the_engine_gets_what_the_shell_exports_for_something_else(asked: Path) -> None:
    _workspace(asked).export_stack("prod")
    assert asked.read_text().startswith("/of/another/project: ")


def test_the_events_lose_the_result_and_the_severity() -> None:
    documents = [json.loads(line) for line in _RECORDED.read_text().splitlines()]
    typed = [EngineEvent.from_json(document) for document in documents]
    (summary,) = (event.summary_event for event in typed if event.summary_event)
    findings = [event.policy_event for event in typed if event.policy_event]
    assert documents[-1]["summaryEvent"]["result"] == "failed"
    assert any("severity" in document.get("policyEvent", ()) for document in documents)
    assert "result" not in vars(summary)
    assert not any("severity" in vars(finding) for finding in findings)

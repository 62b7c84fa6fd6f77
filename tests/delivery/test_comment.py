"""The comment on a pull request, from events that the real engine wrote.

`recorded/` holds event logs of `pulumi preview --event-log` (3.246.0) on the lab: an update of an
image, the outage's DaemonSet, and a refresh that found drift. Inputs and outputs are left out.
After a change that is meant: `python -m tests.delivery.test_comment` writes the expected text anew.
"""

import argparse
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.delivery import drift, events, plan, pull_request, run
from operations.delivery.comment import comment
from operations.delivery.environment import stacks
from operations.delivery.events import Change, Preview
from operations.delivery.markdown import code, plain, table
from operations.errors import OperationError
from settings import Settings, read_file

_HERE = Path(__file__).resolve().parent
_REPOSITORY = _HERE.parents[1]
_EXPECTED = _HERE / "recorded" / "comment.md"
_MEASURED = (
    "egress-address saw 157.173.210.123 in 34 ms; database saw SSLRequest answered S in 61 ms"
)
_GATES = {
    "canary": {"styx": f"node styx: all 9 checks passed: {_MEASURED}"},
    "fleet": {"calypso": "simulated: node calypso: all checks passed"},
}
_COMMIT = "5f1e2d3c4b5a69788796a5b4c3d2e1f001234567"


def _recorded(name: str) -> Preview:
    return events.read(_HERE / "recorded" / f"{name}.jsonl")


def _settings(stack: str) -> Settings:
    return read_file(_REPOSITORY / f"Pulumi.{stack}.yaml")


def _excepted() -> events.PolicyFinding:
    """A finding that a dated exception covers, in the words of policies/pack.py."""
    message = (
        "A container must not mount the node's file system.\nhost-path: spec.volumes[0].hostPath: "
        "the pod reads the node's files. Remedy: use a volume (excepted until 2027-01-31: it reads "
        "logs (all of them))"
    )
    event: dict[str, Any] = {
        "policyName": "host-path",
        "message": message,
        "enforcementLevel": "advisory",
        "severity": "high",
        "resourceUrn": "urn:pulumi:dev::oceanid-cluster::kubernetes:apps/v1:DaemonSet::agent",
    }
    return events.parse([{"policyEvent": event}]).findings[0]


def _comment() -> str:
    update = _recorded("update")
    previews = {
        "dev": replace(_recorded("incident"), unchanged=71),
        "prod": replace(update, findings=(_excepted(),), gates=_GATES),
        "staging": None,
    }
    return comment(previews, {name: _settings(name) for name in ("dev", "prod")}, _COMMIT)


def test_the_comment_is_as_it_was_agreed() -> None:
    assert _comment() == _EXPECTED.read_text()


@pytest.mark.parametrize("previewed", [["dev"], []])
def test_a_preview_that_never_began_leaves_no_older_finding_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, previewed: list[str]
) -> None:
    for module in (plan, run):
        monkeypatch.setattr(module, "RECORDS", tmp_path)
    for stack in previewed:
        shutil.copy(_HERE / "recorded" / "update.jsonl", tmp_path / f"preview-{stack}.jsonl")
    pull_request.write_comment()
    text = (tmp_path / "comment.md").read_text()
    without = re.findall(
        r"^\| `(\w+)` \|.* \*\*not previewed\*\*: see the job's log", text, re.MULTILINE
    )
    assert without == [stack for stack in stacks() if stack not in previewed]


def test_a_preview_that_no_policy_pack_judged_is_not_one_that_passes() -> None:
    unjudged = replace(_recorded("update"), policies=(), findings=())
    text = comment({"prod": unjudged}, {"prod": _settings("prod")}, _COMMIT)
    (row,) = [line for line in text.splitlines() if line.startswith("| `prod` |")]
    assert "**no policy pack**" in row
    assert "**not judged**" in row
    assert "passes" not in row


def test_a_finding_names_its_resource_whole_and_one_of_the_stack_names_none() -> None:
    name = "firewall-2001:db8:5::/64"
    kind = "oceanid:index:Firewall$crunchybridge:index:FirewallRule"
    finding = {"policyName": "open-rule", "message": "m", "enforcementLevel": "mandatory"}
    named = {**finding, "resourceUrn": f"urn:pulumi:dev::oceanid-cluster::{kind}::{name}"}
    found = events.parse([{"policyEvent": named}, {"policyEvent": finding}]).findings
    assert [each.resource for each in found] == [name, ""]


@pytest.mark.parametrize("kind", ["resourcePreEvent", "resOutputsEvent"])
def test_a_preview_knows_what_the_last_updates_gates_have_measured(kind: str) -> None:
    stack = "pulumi:pulumi:Stack"
    urn = f"urn:pulumi:dev::oceanid-cluster::{stack}::oceanid-cluster-dev"
    metadata = {"op": "same", "type": stack, "urn": urn, "old": {"outputs": {"gates": _GATES}}}
    # What this preview will have measured is not known.
    new = {"outputs": {"gates": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}}
    assert events.parse([{kind: {"metadata": {**metadata, "new": new}}}]).gates == _GATES
    assert events.parse([{kind: {"metadata": {**metadata, "old": None}}}]).gates == {}


def test_drift_is_told_with_what_is_gone_and_what_has_changed() -> None:
    text = drift.report("prod", _recorded("drift"), "<!-- mark -->")
    assert text.startswith("<!-- mark -->\n`oceanid drift --stack prod` found")
    assert "| gone | `Service` | `gateway-oceanid-gateway` |" in text
    assert "`spec.template.spec.terminationGracePeriodSeconds`" in text


def test_a_comment_never_exceeds_what_github_takes() -> None:
    many = tuple(
        Change(
            operation="update", kind="ConfigMap", name=f"{'x' * 590}{number}", paths=("data",) * 9
        )
        for number in range(5000)
    )
    text = comment({"dev": Preview(changes=many)}, {"dev": _settings("dev")}, _COMMIT)
    assert len(text) < 65_536
    assert "and 4940 more" in text


@pytest.mark.parametrize("content", ["", '{"resourcePreEvent"'])
def test_a_log_that_is_not_whole_is_no_preview(tmp_path: Path, content: str) -> None:
    path = tmp_path / "preview-dev.jsonl"
    if content:
        path.write_text(content)
    with pytest.raises(OperationError, match=r"preview-dev\.jsonl is (not|in)"):
        events.read(path)


@given(st.text())
def test_no_text_of_an_author_makes_markup_or_calls_people(text: str) -> None:
    shown = plain(text)
    assert "\n" not in shown
    assert "@" not in shown.replace("@\u200b", "")
    for mark in "`*_[]<>|#~&":
        assert mark not in shown.replace(f"\\{mark}", "")


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_every_row_of_a_table_has_its_columns(rows: list[tuple[str, str]]) -> None:
    lines = table(("A", "B"), [(code(a), plain(b)) for a, b in rows])
    assert all(line.replace("\\|", "").count("|") == 3 for line in lines)


@given(st.recursive(st.none() | st.text() | st.integers(), st.lists, max_leaves=4))
def test_a_message_of_any_shape_is_one_finding(message: Any) -> None:
    event = {"policyName": "p", "message": json.dumps(message), "enforcementLevel": "mandatory"}
    (found,) = events.parse([{"policyEvent": event}]).findings
    assert found.blocks == (found.excepted is None)


def test_a_summary_says_what_a_run_without_credentials_has_not_previewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "RECORDS", tmp_path)
    page = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    monkeypatch.setenv("OCEANID_NOT_PREVIEWED", "prod")
    pull_request.write_summary()
    *_, line = page.read_text().splitlines()
    assert line.startswith("`prod` is **not previewed**: ")
    assert "A maintainer who has read the change gets the preview: " in line


if __name__ == "__main__":
    argparse.ArgumentParser(allow_abbrev=False).parse_args()
    _EXPECTED.write_text(_comment())

"""Dated exceptions: honoured, always listed, and an error once they are no longer good."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2

from policies.errors import PoliciesError
from policies.excepted_line import marked, parted
from policies.exceptions import Enforcer, Exceptions, load_exceptions
from policies.pack import policies
from policies.scan import main
from tests.policies.findings import analyzer

GOOD: dict[str, Any] = {
    "rule": "workload-host-namespaces",
    "resource": "Pod tools/agent",
    "reason": "it watches the node until the collector is replaced",
    "expires": date(2999, 1, 1),
    "enforcers": ["scan", "preview"],
}
POD = "kind: Pod\nmetadata: {name: agent, namespace: tools}\nspec: {hostPID: true}\n"


def written(folder: Path, *entries: object) -> Path:
    file = folder / "exceptions.txt"
    file.write_text(yaml.safe_dump(list(entries)))
    return file


def test_the_projects_own_exceptions_can_be_read_and_are_in_force() -> None:
    for enforcer in Enforcer:
        assert load_exceptions(enforcer).expired() == []


@pytest.mark.parametrize("reason", [None, "until 2999-01-01: a (good) reason"])
def test_the_mark_of_an_exception_is_read_as_it_was_written(reason: str | None) -> None:
    assert parted(marked("Pod tools/agent: it fires", reason)) == (
        "Pod tools/agent: it fires",
        reason,
    )


@pytest.mark.parametrize("stacks", [{}, {"stacks": ["prod"]}], ids=["any", "of one stack"])
def test_the_scanner_puts_up_with_an_excepted_finding_and_lists_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stacks: dict[str, Any]
) -> None:
    (tmp_path / "pod.yaml").write_text(POD)
    assert main([str(tmp_path)]) == 1
    assert main([str(tmp_path), "--exceptions", str(written(tmp_path, GOOD | stacks))]) == 0
    out = capsys.readouterr().out
    assert "[excepted]" in out
    assert f"(excepted until 2999-01-01: {GOOD['reason']})" in out


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"expires": date(2020, 1, 1)}, "has expired"),
        ({"resource": "Pod tools/other"}, "matches nothing"),
        ({"rule": "host-path"}, "matches nothing"),
    ],
)
def test_an_exception_that_is_no_longer_good_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], complaint: str
) -> None:
    (tmp_path / "pod.yaml").write_text(POD)
    file = written(tmp_path, {**GOOD, **change})
    assert main([str(tmp_path), "--exceptions", str(file)]) == 2
    said = capsys.readouterr()
    assert complaint in said.err
    assert "[mandatory]" in said.out or "expired" in complaint


def test_a_single_file_says_nothing_about_exceptions_for_others(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text("kind: Namespace\n")
    file = written(tmp_path, GOOD)
    assert main([str(tmp_path / "pod.yaml"), "--exceptions", str(file)]) == 0


def test_files_that_are_all_there_are_are_judged_as_their_folder_would_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pod.yaml").write_text(
        "{kind: Pod, metadata: {name: a}, spec: {serviceAccountName: gone}}\n"
    )
    file, pod = str(written(tmp_path, GOOD)), str(tmp_path / "pod.yaml")
    main([pod, "--exceptions", file])
    said = capsys.readouterr()
    assert "matches nothing" not in said.err
    assert "reference-target" not in said.out
    assert main([pod, "--whole", "--exceptions", file]) == 2
    said = capsys.readouterr()
    assert "matches nothing" in said.err
    assert "reference-target" in said.out


def test_an_exception_holds_through_its_last_day() -> None:
    entries = load_exceptions_of({**GOOD, "expires": date(2030, 5, 1)}).entries
    covered = ("workload-host-namespaces", "Pod tools/agent")
    assert Exceptions(entries, Enforcer.SCAN, date(2030, 5, 1)).covering(*covered)
    assert not Exceptions(entries, Enforcer.SCAN, date(2030, 5, 2)).covering(*covered)
    assert not Exceptions(entries, Enforcer.CLUSTER, date(2030, 5, 1)).covering(*covered)


def load_exceptions_of(*entries: object) -> Exceptions:
    with tempfile.TemporaryDirectory() as folder:
        return load_exceptions(Enforcer.SCAN, written(Path(folder), *entries))


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({**GOOD, "rule": "no-such-rule"}, "there is no such rule"),
        ({**GOOD, "resource": "Pod */agent"}, "resource must be exact"),
        ({**GOOD, "resource": "Pod"}, "resource must be exact"),
        ({**GOOD, "reason": " "}, "reason must be one line"),
        ({**GOOD, "expires": "soon"}, "expires must be a date"),
        ({**GOOD, "enforcers": ["scanner"]}, "enforcers must be a list"),
        ({**GOOD, "until": 1}, "exactly the fields"),
        ({**GOOD, "stack": ["prod"]}, "exactly the fields"),
        ({**GOOD, "stacks": []}, "stacks must be a list of some of the stacks"),
        ({**GOOD, "stacks": "prod"}, "stacks must be a list"),
        ({**GOOD, "stacks": ["prod", 1]}, "stacks must be a list"),
        ({**GOOD, "stacks": ["prod"], "enforcers": ["scan"]}, "stacks is for previews only"),
        ("host-path", "exactly the fields"),
    ],
)
def test_a_wrong_entry_is_refused_in_one_line(entry: object, complaint: str) -> None:
    with pytest.raises(PoliciesError) as refused:
        load_exceptions_of(entry)
    assert complaint in str(refused.value)
    assert "entry 1" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_two_exceptions_for_one_finding_are_refused() -> None:
    with pytest.raises(PoliciesError, match="entry 2: stands twice"):
        load_exceptions_of(GOOD, GOOD)


def test_a_stack_that_the_project_has_no_settings_for_is_refused(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "Pulumi.prod.yaml").touch()
    (tmp_path / "Pulumi.dev.yaml").touch()
    file = written(tmp_path / "policies", {**GOOD, "stacks": ["prod"]})
    (entry,) = load_exceptions(Enforcer.PREVIEW, file).entries
    assert entry.stacks == {"prod"}
    misspelt = written(tmp_path / "policies", {**GOOD, "stacks": ["prd"]})
    with pytest.raises(PoliciesError, match="must be a list of some of dev, prod"):
        load_exceptions(Enforcer.PREVIEW, misspelt)


@pytest.mark.parametrize(
    ("stack", "level"), [("prod", "ADVISORY"), ("dev", "MANDATORY"), (None, "MANDATORY")]
)
def test_an_exception_for_a_stack_is_honoured_in_its_previews_only(
    stack: str | None, level: str
) -> None:
    entries = load_exceptions_of({**GOOD, "stacks": ["prod"]}).entries
    one, together = asked(Exceptions(entries, Enforcer.PREVIEW, date(2030, 1, 1)), stack)
    (said,) = [each for each in one.diagnostics if each.policyName == GOOD["rule"]]
    assert analyzer_pb2.EnforcementLevel.Name(said.enforcementLevel) == level
    assert list(together.diagnostics) == []


@pytest.mark.parametrize(("stack", "told"), [("prod", 1), ("dev", 0)])
def test_an_exception_for_a_stack_is_missed_in_its_previews_only(stack: str, told: int) -> None:
    needless = {**GOOD, "stacks": ["prod"], "resource": "Pod tools/other"}
    entries = load_exceptions_of(needless).entries
    _, together = asked(Exceptions(entries, Enforcer.PREVIEW, date(2030, 1, 1)), stack)
    assert ["matches nothing" in each.message for each in together.diagnostics] == [True] * told


def asked(exceptions: Exceptions, stack: str | None = None) -> tuple[Any, Any]:
    made = analyzer(policies(exceptions))
    if stack is not None:
        made.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(stack=stack), None)
    properties = Struct()
    properties.update(yaml.safe_load(POD))
    token = "kubernetes:core/v1:Pod"
    request = analyzer_pb2.AnalyzeRequest(urn="u", type=token, name="n", properties=properties)
    return made.Analyze(request, None), made.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(), None)


def test_a_preview_honours_and_lists_exceptions_and_fails_for_expired_ones() -> None:
    entries = load_exceptions_of(GOOD).entries
    one, stack = asked(Exceptions(entries, Enforcer.PREVIEW, date(2030, 1, 1)))
    (said,) = [each for each in one.diagnostics if each.policyName == GOOD["rule"]]
    assert said.enforcementLevel == analyzer_pb2.ADVISORY
    assert "(excepted until 2999-01-01: " in said.message
    assert list(stack.diagnostics) == []

    one, stack = asked(Exceptions(entries, Enforcer.PREVIEW, date(2999, 1, 2)))
    (said,) = [each for each in one.diagnostics if each.policyName == GOOD["rule"]]
    assert said.enforcementLevel == analyzer_pb2.MANDATORY
    (expired,) = stack.diagnostics
    assert expired.policyName == "dated-exceptions"
    assert expired.enforcementLevel == analyzer_pb2.MANDATORY
    assert "has expired" in expired.message

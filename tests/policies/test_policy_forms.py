"""Every form of a scan says the same, is valid, and shows neither a key nor a control character."""

import json
import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from tests.policies.test_policy_scan import INCIDENT, run
from workshop.testing.rule_cases import FAKE_KEY

FORMS = ("text", "sarif")


@pytest.mark.parametrize("form", FORMS)
def test_a_key_is_found_and_not_shown(tmp_path: Path, form: str) -> None:
    (tmp_path / "key.yaml").write_text(
        f"kind: ConfigMap\nmetadata: {{name: {FAKE_KEY}}}\ndata: {{{FAKE_KEY}: a, b: {FAKE_KEY}}}\n"
    )
    scanned = run("scan", tmp_path, "--format", form)
    assert scanned.returncode == 1
    assert scanned.stdout.count("plain-text-keys") >= 3
    assert FAKE_KEY not in scanned.stdout + scanned.stderr


def test_every_form_tells_the_same(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("kind: Pod\na: [")
    arguments = ("scan", INCIDENT, tmp_path / "bad.yaml", "--format")
    said = run(*arguments, "text")
    places = {
        (rule, int(line), int(column))
        for line, column, rule in re.findall(
            r"^[^:]*:(\d+):(\d+): \[[^]]*\] \[[^]]*\] [^:]*: ([a-z-]+): ", said.stdout, re.MULTILINE
        )
    }
    assert ("daemonset-host-namespaces", 22, 7) in places
    assert "bad.yaml:" in said.stderr

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


# RFC 3986, section 4.1: a URI of the scheme file or a relative reference, without a query.
_REFERENCE = re.compile(
    r"(file://)?(?(1)/|(?![^/]*:))([A-Za-z0-9._~!$&'()*+,;=@/:-]|%[0-9A-F]{2})+"
)


def uris_of(log: object) -> list[str]:
    return re.findall(r'"uri": "([^"]*)"', json.dumps(log))


@pytest.mark.parametrize(
    "name",
    ["sp ace/a b#c%20d.yaml", "a:b.yaml", "a?b.yaml", "é.yaml", os.fsdecode(b"\xff.yaml")],
    ids=["space", "colon", "question mark", "accent", "no UTF-8"],
)
def test_every_file_has_a_valid_uri_in_sarif(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("kind: Pod\nspec: {hostPID: true}\n")
    (tmp_path / "other.yaml").write_text("a: [")
    for folder in (str(tmp_path), os.path.relpath(tmp_path, INCIDENT.parents[3])):
        log = json.loads(run("scan", folder, "--format", "sarif").stdout)
        uris = set(uris_of(log))
        assert all(map(_REFERENCE.fullmatch, uris)), uris
        named = os.fsencode(f"{folder}/{name}")
        assert named in {unquote_to_bytes(uri.removeprefix("file://")) for uri in uris}


def test_standard_input_has_a_valid_uri_in_sarif() -> None:
    log = json.loads(
        run("scan", "-", "--format", "sarif", given="kind: Pod\nspec: {hostPID: 1}").stdout
    )
    (uri,) = set(uris_of(log))
    assert _REFERENCE.fullmatch(uri)
    for rule in log["runs"][0]["tool"]["driver"]["rules"]:
        assert "security" in rule["properties"]["tags"]


def test_a_file_that_is_passed_over_is_in_every_form_and_fails_none(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("a: [")
    said = {form: run("scan", tmp_path, "--format", form) for form in FORMS}
    assert {scanned.returncode for scanned in said.values()} == {0}
    assert "passed over" in said["text"].stderr
    (called,) = json.loads(said["sarif"].stdout)["runs"][0]["invocations"]
    assert called["executionSuccessful"]
    assert [note["level"] for note in called["toolExecutionNotifications"]] == ["note"]


def test_no_control_character_of_a_name_reaches_a_terminal(tmp_path: Path) -> None:
    pod = 'kind: Pod\nmetadata: {name: "x\\e[2J\\n::error::y"}\nspec: {hostPID: true}\n'
    (tmp_path / "a\x1b[2J\n::error::b.yaml").write_text(pod)
    (tmp_path / os.fsdecode(b"\xff.yaml")).write_text("kind: Pod\na: [")
    scanned = run("scan", tmp_path)
    assert scanned.returncode == 2
    written = scanned.stdout + scanned.stderr
    assert "\x1b" not in written
    assert not any(line.startswith("::error::") for line in written.splitlines())
    assert r"\x1b[2J" in written
    assert r"\udcff.yaml" in written

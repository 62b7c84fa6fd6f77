"""Whatever settings pass, what is rendered from them runs; those that do not say what is wrong.

The API server judges the same in tests/e2e/test_any_settings.py.
"""

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from tests.components.generated_settings import Stack, spoiled, stacks
from tests.components.kubernetes_rules import faults
from tests.coredns import started
from tests.policies.findings import mandatory
from tests.unit.check_process import PROGRAM
from tests.unit.envoy_process import validated
from workshop.testing.checkout import completed, passed
from workshop.testing.recording import Recording

_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture)


def _judge(recording: Recording) -> None:
    assert faults(recording.manifests) == []
    assert mandatory(recording) == []
    names = Counter((each.typ, each.name) for each in recording.resources)
    assert [name for name, count in names.items() if count > 1] == []
    zones = re.findall(r"^(\S+) \{$", _server_blocks(recording), re.MULTILINE)
    assert len(zones) == len(set(zones))
    for document in _documents(recording, "checks.json"):
        names_of_checks = [check["name"] for check in document["checks"]]
        assert len(names_of_checks) == len(set(names_of_checks))


def _texts(recording: Recording, key: str) -> list[str]:
    """What the stack's ConfigMaps have under the key."""
    return [
        each["data"][key]
        for each in recording.manifests
        if each["kind"] == "ConfigMap" and key in each["data"]
    ]


def _documents(recording: Recording, key: str) -> list[Any]:
    return [json.loads(text) for text in _texts(recording, key)]


def _server_blocks(recording: Recording) -> str:
    """What the cluster's CoreDNS takes in."""
    return "".join(_texts(recording, "oceanid.server"))


@settings(max_examples=10, suppress_health_check=_SLOW)
@given(stacks())
def test_settings_at_their_limits_render_what_runs(stack: Stack) -> None:
    # Two that do not fit together are refused, and few are.
    assume(stack.passes())
    _judge(stack.recording())


@settings(max_examples=60, suppress_health_check=_SLOW)
@given(spoiled())
def test_one_value_that_is_anything_is_refused_or_renders_what_runs(stack: Stack) -> None:
    if stack.passes():
        _judge(stack.recording())


@pytest.mark.slow
@settings(max_examples=10, suppress_health_check=_SLOW)
@given(stacks())
def test_settings_at_their_limits_give_envoy_the_gate_and_coredns_what_they_take(
    tmp_path: Path, stack: Stack
) -> None:
    assume(stack.passes())
    recording = stack.recording()
    for document in _documents(recording, "envoy.json")[:1]:
        validated(document, tmp_path)
    for document in _documents(recording, "checks.json")[:1]:
        _read_by_the_gate(document)
    _coredns_starts(recording, tmp_path)


def _coredns_starts(recording: Recording, folder: Path) -> None:
    corefile = ".:53 {\n    errors\n}\n" + _server_blocks(recording)
    starts, said = started(lambda port: corefile.replace(":53 {", f":{port} {{"), folder)
    assert starts, said


def _read_by_the_gate(document: Any) -> None:
    script = "import json, sys; from document import checked; checked(json.load(sys.stdin))"
    passed(completed(sys.executable, "-c", script, cwd=PROGRAM, given=json.dumps(document)))

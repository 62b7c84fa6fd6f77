"""The policy pack over its real protocol: the process that the engine starts, asked by gRPC."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import grpc
import pulumi_policy.policy as sdk
import pytest
from google.protobuf import empty_pb2, json_format
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from policies import crossguard
from policies.inputs import from_struct
from policies.rules import all_rules, cross_resource_rules
from policies.rules._model import UNKNOWN
from tests.policies.findings import analyzer
from workshop.testing.rule_cases import (
    FAKE_KEY,
    FAKES,
    UNKNOWN_SENTINELS,
    Case,
    all_cases,
    struct_of,
)

ROOT = Path(__file__).resolve().parents[2]
CASES = [case for case in all_cases() if case.token is not None]
IDS = [f"{case.rule.name}: {case.why}" for case in CASES]
LEVELS = {
    rule.name: analyzer_pb2.EnforcementLevel.Value(rule.enforcement.upper()) for rule in all_rules()
}
INCIDENT = next(case for case in CASES if case.why == "the DaemonSet of the incident")


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[analyzer_pb2_grpc.AnalyzerStub]:
    """The pack as the engine starts it: by the path of its folder, from some other folder."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(ROOT / "policies")],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def request_of(case: Case, seed: int = 0) -> analyzer_pb2.AnalyzeRequest:
    assert case.token is not None
    urn = f"urn:pulumi:dev::oceanid::{case.token}::case"
    return analyzer_pb2.AnalyzeRequest(
        urn=urn, type=case.token, name="case", properties=struct_of(case.tree, seed)
    )


def test_every_rule_is_a_policy_of_its_own(pack: analyzer_pb2_grpc.AnalyzerStub) -> None:
    info = pack.GetAnalyzerInfo(empty_pb2.Empty())
    assert info.name == "oceanid"
    rules = (*all_rules(), *cross_resource_rules())
    named = {policy.name: policy for policy in info.policies}
    assert set(named) == {rule.name for rule in rules} | {"dated-exceptions"}
    for rule in rules:
        policy = named[rule.name]
        assert policy.description == rule.description
        assert policy.remediation_steps == rule.remedy
        assert policy.url == rule.url
        assert tuple(policy.tags) == rule.tags
        assert analyzer_pb2.PolicySeverity.Name(policy.severity).endswith(rule.severity.upper())
        assert analyzer_pb2.EnforcementLevel.Name(policy.enforcementLevel) == (
            rule.enforcement.upper()
        )


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_pack_reports_what_the_rules_find(
    pack: analyzer_pb2_grpc.AnalyzerStub, case: Case
) -> None:
    for seed in range(len(UNKNOWN_SENTINELS)):
        response = pack.Analyze(request_of(case, seed))
        mine = [said for said in response.diagnostics if said.policyName == case.rule.name]
        if case.group == "fires":  # beside a violation, what is unknown may be reported too
            mine = [said for said in mine if "cannot be judged" not in said.message]
        assert len(mine) == len(case.paths)
        for path in case.paths:
            where = path or "the whole document"
            assert any(f"{case.rule.name}: {where}: " in said.message for said in mine)
        for said in response.diagnostics:
            assert said.enforcementLevel == LEVELS[said.policyName]
            assert said.policyPackName == "oceanid"
            assert not any(fake in str(said) for fake in FAKES.values())
        if case.group == "unknown":
            assert all("cannot be judged in preview" in said.message for said in mine)


Level: TypeAlias = "analyzer_pb2.EnforcementLevel.ValueType"


def configured(**levels: Level) -> analyzer_pb2.ConfigureAnalyzerRequest:
    return analyzer_pb2.ConfigureAnalyzerRequest(
        policyConfig={
            name.replace("_", "-"): analyzer_pb2.PolicyConfig(enforcementLevel=level)
            for name, level in levels.items()
        }
    )


@pytest.mark.parametrize(
    ("level", "reported"),
    [
        (analyzer_pb2.ADVISORY, [analyzer_pb2.ADVISORY] * 2),
        (analyzer_pb2.DISABLED, []),
        (analyzer_pb2.REMEDIATE, [analyzer_pb2.MANDATORY] * 2),
    ],
)
def test_a_configured_level_is_honoured(level: Level, reported: list[int]) -> None:
    servicer = analyzer(crossguard.policies())
    servicer.Configure(configured(daemonset_host_namespaces=level), None)
    response = servicer.Analyze(request_of(INCIDENT), None)
    said = [one for one in response.diagnostics if one.policyName == INCIDENT.rule.name]
    assert [one.enforcementLevel for one in said] == reported


def test_a_rule_that_raises_blocks_and_is_named_whatever_its_level() -> None:
    def check(_subject: object) -> list[object]:
        raise RuntimeError(FAKE_KEY)

    broken = replace(INCIDENT.rule, name="broken", check=check)  # type: ignore[arg-type]
    policies: list[sdk.Policy] = [crossguard.RulePolicy(broken), *crossguard.policies()]
    servicer = analyzer(policies)
    servicer.Configure(configured(broken=analyzer_pb2.ADVISORY), None)
    response = servicer.Analyze(request_of(INCIDENT), None)
    (said,) = [one for one in response.diagnostics if one.policyName == "broken"]
    assert said.enforcementLevel == analyzer_pb2.MANDATORY
    # It is found on the resource itself, and the error's text may be a secret.
    assert "broken: the whole document: " in said.message
    assert "RuntimeError" in said.message
    assert FAKE_KEY not in said.message
    others = {one.policyName for one in response.diagnostics} - {"broken"}
    assert INCIDENT.rule.name in others


def test_a_misspelled_policy_in_the_configuration_is_refused(
    pack: analyzer_pb2_grpc.AnalyzerStub,
) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        pack.Configure(configured(daemonset_host_namespace=analyzer_pb2.ADVISORY))
    assert "INVALID_ARGUMENT" in str(refused.value)
    assert "daemonset-host-namespace: no such policy" in str(refused.value)
    pack.Configure(configured(all=analyzer_pb2.MANDATORY))


def test_a_misspelled_setting_of_a_policy_is_refused(pack: analyzer_pb2_grpc.AnalyzerStub) -> None:
    request = configured(host_path=analyzer_pb2.ADVISORY)
    request.policyConfig["host-path"].properties.update({"enforcmentLevel": "advisory"})
    with pytest.raises(grpc.RpcError) as refused:
        pack.Configure(request)
    assert "host-path: enforcmentLevel: no such setting" in str(refused.value)


def test_numbers_are_whole_and_marks_are_taken_off() -> None:
    struct = struct_of(
        {"a": [1.0, {"$secret": {"b": 2.5}}], "c": {"$secret": UNKNOWN}, "d": None, "e": True}
    )
    inputs = from_struct(struct)
    assert inputs.body == {"a": [1, {"b": 2.5}], "c": UNKNOWN, "d": None, "e": True}
    assert repr(inputs.body["a"]) == "[1, {'b': 2.5}]"
    assert inputs.secrets == frozenset({("a", 1), ("c",)})


def test_an_asset_and_an_output_value_do_not_stop_the_judging() -> None:
    signature = "4dabf18193072939515e22adb298388d"
    struct = Struct()
    json_format.ParseDict(
        {
            "asset": {signature: "c44067f5952c0a294b673a41bacd8c17", "text": "t"},
            "output": {signature: "d0e6a833031e9bbcd3f4e8bde6ca49a4", "secret": True},
            "known": {signature: "d0e6a833031e9bbcd3f4e8bde6ca49a4", "value": "v"},
        },
        struct,
    )
    inputs = from_struct(struct)
    assert inputs.body["output"] is UNKNOWN
    assert inputs.body["known"] == "v"
    assert inputs.secrets == frozenset({("output",)})

"""A wrong setting gives one line with its key, its value, the rule and the remedy."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import CredentialKind, Settings, check_file, document
from tests.unit.wrong_settings import Change, Config, changed, config_of, lines, parsed

_REPOSITORY = Path(__file__).resolve().parents[2]
_STACKS = ("dev", "prod")


@pytest.mark.parametrize("stack", _STACKS)
def test_the_settings_of_each_stack_are_right(stack: str) -> None:
    assert check_file(_REPOSITORY / f"Pulumi.{stack}.yaml") == []
    settings = parsed(config_of(stack))
    assert [node.name for node in settings.nodes] == ["tethys", "styx", "calypso"]
    assert settings.tailnet.credential is CredentialKind.OAUTH_CLIENT
    assert str(settings.exit_nodes[0].egress_address) == "157.173.210.123"


def test_prod_knows_the_nodes_by_their_names_in_the_cluster() -> None:
    settings = parsed(config_of("prod"))
    assert settings.node("tethys").hostname == "srv712429"
    assert settings.node("calypso").hostname == "calypso"


@pytest.mark.parametrize("stack", _STACKS)
def test_settings_written_as_one_document_are_read_back_the_same(stack: str) -> None:
    config = config_of(stack)
    config["nodes"][0]["consoleConfirmed"] = "2026-11-21"
    settings = parsed(config)
    assert parsed(json.loads(document(settings))) == settings


def test_one_api_server_and_a_list_of_several_are_read_in_one_order() -> None:
    config = config_of("prod")
    for given, expected in (
        ("157.173.210.123:6443", ["157.173.210.123:6443"]),
        (
            ["[2001:db8::1]:443", "191.101.1.3:6443", "157.173.210.123:7443", "9.9.9.9:6443"],
            ["9.9.9.9:6443", "157.173.210.123:7443", "191.101.1.3:6443", "[2001:db8::1]:443"],
        ),
    ):
        config["cluster"]["apiServer"] = given
        assert list(map(str, parsed(config).cluster.api_server or ())) == expected


def test_a_cluster_without_api_server_takes_its_own() -> None:
    config = config_of("prod")
    del config["cluster"]["apiServer"]
    settings = parsed(config)
    assert settings.cluster.api_server is None
    whole = json.loads(document(settings))
    assert parsed(whole) == settings
    # As `apiServer:` with nothing behind it is read.
    config["cluster"]["apiServer"] = None
    assert parsed(config) == settings


def test_a_day_without_quotes_is_understood_as_the_engine_gives_it() -> None:
    config = config_of("prod")
    config["nodes"][0]["consoleConfirmed"] = "2026-11-21 00:00:00 +0000 UTC"
    assert str(parsed(config).nodes[0].console_confirmed) == "2026-11-21"


def test_a_day_without_quotes_is_understood_in_the_stacks_file(tmp_path: Path) -> None:
    text = (_REPOSITORY / "Pulumi.prod.yaml").read_text()
    path = tmp_path / "Pulumi.prod.yaml"
    path.write_text(text.replace("{name: tethys,", "{name: tethys, consoleConfirmed: 2026-11-21,"))
    assert check_file(path) == []


def _cases(name: str) -> Any:
    return yaml.safe_load(Path(__file__).with_name(name).read_text("utf-8"))


_CASES = _cases("changed_settings.yaml")
_REFUSED = [*_CASES["refused"], *_cases("changed_tolerations_secrets_ranges.yaml")]


@pytest.mark.parametrize("case", _REFUSED, ids=lambda case: case["line"])
def test_a_wrong_setting_gives_one_line_that_says_how_to_fix_it(case: Config) -> None:
    (line,) = lines(changed({path: case[path] for path in case if path != "line"}))
    assert re.fullmatch(".*".join(map(re.escape, case["line"].split("…"))), line), line
    # Key and value, rule, remedy.
    assert line.count(": ") >= 2


@pytest.mark.parametrize("case", _CASES["accepted"], ids=json.dumps)
def test_what_is_at_its_limit_passes(case: Config) -> None:
    assert lines(changed(case)) == []


@pytest.mark.parametrize(
    ("change", "start", "limit"),
    [
        (
            lambda c: c.update(
                nodes=[{"name": f"n{i}", "address": f"8.8.{i}.1"} for i in range(101)],
                exitNodes=[
                    {"node": f"n{i}", "hostname": f"exit-{i}", "egressAddress": f"8.8.{i}.1"}
                    for i in range(101)
                ],
            ),
            "exitNodes = 101",
            "more than 100",
        ),
        (
            lambda c: c["egress"].update(
                destinations=[
                    {"name": f"d{i}", "host": "db.example.org", "port": 1, "localPort": 20000 + i}
                    for i in range(501)
                ]
            ),
            "egress.destinations = 501",
            "more than 500",
        ),
    ],
    ids=[
        "exit nodes, of which Envoy tells 100 apart",
        "destinations, of which a ConfigMap holds 500",
    ],
)
def test_a_list_that_is_too_long_is_refused(change: Change, start: str, limit: str) -> None:
    (line,) = lines(change)
    assert line.startswith(start)
    assert limit in line


@pytest.mark.parametrize(("exit_nodes", "faults"), [(1, 0), (2, 1)])
def test_a_second_exit_node_takes_the_next_ports(exit_nodes: int, faults: int) -> None:
    second = {"node": "styx", "hostname": "oceanid-exit-styx", "egressAddress": "191.101.1.3"}
    paths = {"egress.destinations[0].localPort": 11081, "exitNodes[+]": second}
    found = lines(changed(dict(list(paths.items())[:exit_nodes])))
    rule = "localPort = 11081: the port of the HTTP proxy of tailscaled for exit node styx"
    assert [rule in line for line in found] == [True] * faults


def test_every_wrong_setting_gets_a_line_of_its_own() -> None:
    assert len(lines(changed({"exitNodes": [], "cluster.podCidr": "everywhere"}))) == 2


def test_a_file_is_checked_before_the_engine_runs(tmp_path: Path) -> None:
    config = config_of("prod") | {"exitNodes": {}}
    document = {"config": {f"oceanid-cluster:{key}": value for key, value in config.items()}}
    path = tmp_path / "Pulumi.prod.yaml"
    path.write_text(yaml.safe_dump(document))
    assert check_file(path) == [
        "oceanid-cluster:exitNodes = {}: not a list: write it as a YAML list"
    ]


def test_a_secret_in_the_wrong_place_is_not_repeated() -> None:
    key = "tskey-" + "auth-" + "kAbCdEf"
    (line,) = lines(changed({"authKey": key}))
    assert line == "authKey = [secret]: unknown key: remove it or correct its spelling"


def test_the_value_of_a_key_marked_secret_is_not_repeated() -> None:
    (line,) = lines(changed({"token": "harmless"}), secret={"token"})
    assert line.startswith("token = [secret]: ")


def test_a_long_value_is_cut() -> None:
    (line,) = lines(changed({"wavs": ["a" * 500]}))
    assert len(line) < 200


def test_the_engine_asks_for_the_sections_that_are_required_and_for_no_others() -> None:
    declared = yaml.safe_load((_REPOSITORY / "Pulumi.yaml").read_text())["config"]
    fields = Settings.model_fields.values()
    assert set(declared) == {field.alias for field in fields if field.is_required()}


def test_a_stack_without_tolerations_and_synced_secrets_has_none() -> None:
    config = config_of()
    del config["externalSecrets"]
    settings = parsed(config)
    assert settings.external_secrets is None
    assert settings.egress.tolerations == ()
    assert [each.tolerations for each in settings.exit_nodes] == [()]


def test_a_token_in_plain_is_refused_without_being_shown() -> None:
    token = "pul-" + "0" * 40
    with pytest.raises(ValueError, match=r"^escAccessToken: not encrypted: ") as raised:
        parsed({**config_of(), "escAccessToken": token})
    assert token not in str(raised.value)


def test_an_encrypted_token_is_no_setting() -> None:
    encrypted = parsed({**config_of(), "escAccessToken": "kept"}, {"escAccessToken"})
    assert encrypted == parsed(config_of())

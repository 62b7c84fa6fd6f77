"""A wrong setting gives one line with its key, its value, the rule and the remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from settings import CredentialKind, Settings, check_file, document
from tests.unit.wrong_settings import Change, Config, config_of, lines, parsed

_REPOSITORY = Path(__file__).resolve().parents[2]
_STACKS = ("dev", "prod")


@pytest.mark.parametrize("stack", _STACKS)
def test_the_settings_of_each_stack_are_right(stack: str) -> None:
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


_WRONG: dict[str, tuple[Change, str]] = {
    "an unknown key": (
        lambda c: c.update(wavs=[]),
        "wavs = []: unknown key: remove it or correct its spelling",
    ),
    "an unknown key inside a mapping": (
        lambda c: c["cluster"].update(podCIDR="10.42.0.0/16"),
        'cluster.podCIDR = "10.42.0.0/16": unknown key: remove it or correct its spelling',
    ),
    "a missing key": (
        lambda c: c["tailnet"].pop("image"),
        "tailnet.image: is required: add it; Pulumi.dev.yaml has an example",
    ),
    "a number where a name belongs": (
        lambda c: c["nodes"][1].update(name=7),
        "nodes[1].name = 7: not a string: put it in quotes",
    ),
    "a string where a mapping belongs": (
        lambda c: c.update(cluster="oceanid"),
        (
            'cluster = "oceanid": not a mapping: write it as a YAML mapping; '
            "Pulumi.dev.yaml has an example"
        ),
    ),
    "a CIDR that is none": (
        lambda c: c["cluster"].update(podCidr="10.42.0.0/33"),
        (
            'cluster.podCidr = "10.42.0.0/33": not an IPv4 CIDR '
            "('33' is not a valid netmask): give a range such as 10.42.0.0/16"
        ),
    ),
    "a CIDR with host bits": (
        lambda c: c["cluster"].update(serviceCidr="10.43.0.1/16"),
        (
            'cluster.serviceCidr = "10.43.0.1/16": not an IPv4 CIDR '
            "(10.43.0.1/16 has host bits set): give a range such as 10.42.0.0/16"
        ),
    ),
    "a hostname that is no DNS label": (
        lambda c: c["exitNodes"][0].update(hostname="$(NODE_NAME)-oceanid"),
        (
            'exitNodes[0].hostname = "$(NODE_NAME)-oceanid": not a DNS label: '
            "use 1 to 63 of a-z, 0-9 and '-', with a letter or digit first and last"
        ),
    ),
    "a node named twice": (
        lambda c: c["nodes"].append({"name": "styx", "address": "191.101.1.4"}),
        'nodes[3].name = "styx": given twice: each may stand in the list once',
    ),
    "two nodes with one name in the cluster": (
        lambda c: c["nodes"].append({"name": "srv712695", "address": "191.101.1.4"}),
        'nodes[3].hostname = "srv712695": given twice: each may stand in the list once',
    ),
    "no exit node": (
        lambda c: c["exitNodes"].clear(),
        "exitNodes = []: no exit node: list at least one node whose address the database admits",
    ),
    "an exit node that is no node": (
        lambda c: c["exitNodes"][0].update(node="triton"),
        (
            'exitNodes[0].node = "triton": not one of the fleet\'s nodes: '
            "name one of calypso, styx, tethys"
        ),
    ),
    "an address with a prefix": (
        lambda c: c["exitNodes"][0].update(egressAddress="157.173.210.123/32"),
        (
            'exitNodes[0].egressAddress = "157.173.210.123/32": not an IP address: '
            "give an address such as 157.173.210.123, with no prefix"
        ),
    ),
    "an API server without a port": (
        lambda c: c["cluster"].update(apiServer="157.173.210.123"),
        (
            'cluster.apiServer = "157.173.210.123": not an address with a port: '
            "give it such as 157.173.210.123:6443 or [2001:db8::1]:6443"
        ),
    ),
    "an image that is not pinned": (
        lambda c: c["tailnet"].update(image="tailscale/tailscale:latest"),
        (
            'tailnet.image = "tailscale/tailscale:latest": '
            "an image that is not pinned can change under a running fleet: "
            "end it in an exact version such as :v1.102.3, or in @sha256: and its digest"
        ),
    ),
    "a day that is none": (
        lambda c: c["nodes"][0].update(consoleConfirmed="2026-02-30"),
        (
            'nodes[0].consoleConfirmed = "2026-02-30": not a day: '
            'give it as year-month-day, such as "2026-11-21"'
        ),
    ),
    "a choice there is not": (
        lambda c: c["tailnet"].update(credential="password"),
        (
            'tailnet.credential = "password": not one of the choices: '
            "use 'oauth-client' or 'auth-key'"
        ),
    ),
}


@pytest.mark.parametrize("case", _WRONG)
def test_a_wrong_setting_gives_one_line_that_says_how_to_fix_it(case: str) -> None:
    change, line = _WRONG[case]
    assert lines(change) == [line]


def test_every_wrong_setting_gets_a_line_of_its_own() -> None:
    def change(config: Config) -> None:
        config["exitNodes"].clear()
        config["cluster"]["podCidr"] = "everywhere"

    assert len(lines(change)) == 2


def test_a_file_is_checked_before_the_engine_runs(tmp_path: Path) -> None:
    config = config_of("prod") | {"exitNodes": {}}
    document = {"config": {f"oceanid-cluster:{key}": value for key, value in config.items()}}
    path = tmp_path / "Pulumi.prod.yaml"
    path.write_text(yaml.safe_dump(document))
    assert check_file(path) == [
        "oceanid-cluster:exitNodes = {}: not a list: write it as a YAML list"
    ]


@pytest.mark.parametrize("stack", _STACKS)
def test_the_files_of_the_stacks_pass_the_check(stack: str) -> None:
    assert check_file(_REPOSITORY / f"Pulumi.{stack}.yaml") == []


def test_a_secret_in_the_wrong_place_is_not_repeated() -> None:
    key = "tskey-" + "auth-" + "kAbCdEf"
    (line,) = lines(lambda config: config.update(authKey=key))
    assert line == "authKey = [secret]: unknown key: remove it or correct its spelling"


def test_the_value_of_a_key_marked_secret_is_not_repeated() -> None:
    (line,) = lines(lambda config: config.update(token="harmless"), secret={"token"})
    assert line.startswith("token = [secret]: ")


def test_a_long_value_is_cut() -> None:
    (line,) = lines(lambda config: config.update(wavs=["a" * 500]))
    assert len(line) < 200


def test_the_engine_asks_for_the_sections_that_are_required_and_for_no_others() -> None:
    declared = yaml.safe_load((_REPOSITORY / "Pulumi.yaml").read_text())["config"]
    fields = Settings.model_fields.values()
    assert set(declared) == {field.alias for field in fields if field.is_required()}

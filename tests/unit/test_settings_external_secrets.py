"""Wrong settings of the synced secrets: one line each, and a token never in plain."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import Settings, parse

_REPOSITORY = Path(__file__).resolve().parents[2]

Group = dict[str, Any]


def _config() -> dict[str, Any]:
    document = yaml.safe_load((_REPOSITORY / "Pulumi.prod.yaml").read_text())
    return {key.partition(":")[2]: value for key, value in document["config"].items()}


def _parse(config: dict[str, Any], secret: set[str] | None = None) -> Settings:
    return parse({k: v if isinstance(v, str) else json.dumps(v) for k, v in config.items()}, secret)


@pytest.mark.parametrize(
    ("change", "start"),
    [
        (
            lambda g: g.update(chart={"path": "chart", "version": "2.9.0"}),
            'externalSecrets.chart = {"version": "2.9.0", "path": "chart"}: a repository goes with',
        ),
        (lambda g: g.update(chart={}), "externalSecrets.chart = {}: not one place: "),
        (
            lambda g: g["chart"].update(version="2.9"),
            'externalSecrets.chart.version = "2.9": ',
        ),
        (lambda g: g.update(stores=[]), "externalSecrets.stores = []: no store: "),
        (
            lambda g: g["stores"].append(dict(g["stores"][0])),
            'externalSecrets.stores[1].name = "pulumi-esc": given twice: ',
        ),
        (
            lambda g: g["secrets"][0].update(store="vault"),
            'externalSecrets.secrets[0].store = "vault": not one of the stores: name one of pulumi',
        ),
        (
            lambda g: g["secrets"].append(dict(g["secrets"][0])),
            'externalSecrets.secrets[1].name = "labelstudio-s3-credentials": given twice: ',
        ),
        (
            lambda g: g["secrets"][0].pop("creationPolicy"),
            "externalSecrets.secrets[0].creationPolicy: is required: ",
        ),
        (
            lambda g: g["secrets"][0].update(creationPolicy="Steal"),
            'externalSecrets.secrets[0].creationPolicy = "Steal": not one of the choices: use ',
        ),
        (
            lambda g: g["secrets"][0].update(refreshInterval="0"),
            'externalSecrets.secrets[0].refreshInterval = "0": not a time above zero: ',
        ),
        (
            lambda g: g["secrets"][0].update(data={}),
            "externalSecrets.secrets[0].data = {}: no key: ",
        ),
        (
            lambda g: g["secrets"][0].update(data={"A KEY": "path"}),
            'externalSecrets.secrets[0].data = "A KEY": not a key of a Secret: ',
        ),
        (
            lambda g: g["secrets"][0].update(data={"KEY": " "}),
            'externalSecrets.secrets[0].data = "KEY": no path: ',
        ),
    ],
)
def test_a_wrong_setting_gives_one_line(change: Callable[[Group], object], start: str) -> None:
    config = copy.deepcopy(_config())
    change(config["externalSecrets"])
    with pytest.raises(ValueError, match=r".") as raised:
        _parse(config)
    (line,) = str(raised.value).splitlines()
    assert line.startswith(start)


def test_a_stack_may_sync_no_secrets() -> None:
    config = _config()
    del config["externalSecrets"]
    assert _parse(config).external_secrets is None


def test_a_token_in_plain_is_refused_without_being_shown() -> None:
    token = "pul-" + "0" * 40
    with pytest.raises(ValueError, match=r"^escAccessToken: not encrypted: ") as raised:
        _parse({**_config(), "escAccessToken": token})
    assert token not in str(raised.value)


def test_an_encrypted_token_is_no_setting() -> None:
    assert _parse({**_config(), "escAccessToken": "kept"}, {"escAccessToken"}) == _parse(_config())

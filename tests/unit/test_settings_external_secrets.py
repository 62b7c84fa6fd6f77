"""Wrong settings of the synced secrets: one line each, and a token never in plain."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.unit.wrong_settings import config_of, lines, parsed

Group = dict[str, Any]


def _take_over(namespace: str, group: Group) -> None:
    group["stores"][0].update(namespace=namespace, createNamespace=True)


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
        *(
            (
                partial(_take_over, name),
                f'externalSecrets.stores[0].createNamespace = "{name}": every cluster has ',
            )
            for name in ("default", "kube-node-lease", "kube-public", "kube-system")
        ),
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
            'externalSecrets.secrets[0].refreshInterval = "0": shorter than a second: ',
        ),
        (
            lambda g: g["secrets"][0].update(refreshInterval="15 m"),
            'externalSecrets.secrets[0].refreshInterval = "15 m": not a duration: ',
        ),
        (
            lambda g: g["chart"].update(repository="ftp://charts.example.org"),
            'externalSecrets.chart.repository = "ftp://charts.example.org": not an HTTP URL: ',
        ),
        (
            lambda g: g["chart"].update(repository="oci://ghcr.io/external-secrets/charts/"),
            (
                "externalSecrets.chart.repository = "
                '"oci://ghcr.io/external-secrets/charts/": not a registry of charts: '
            ),
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
            lambda g: g["secrets"][0].update(data={".": "path"}),
            'externalSecrets.secrets[0].data = ".": not a key of a Secret: ',
        ),
        (
            lambda g: g["secrets"][0].update(data={"..KEY": "path"}),
            'externalSecrets.secrets[0].data = "..KEY": not a key of a Secret: ',
        ),
        (
            lambda g: g["secrets"][0].update(data={"KEY": " "}),
            'externalSecrets.secrets[0].data = "KEY": no path: ',
        ),
        (
            lambda g: g["secrets"].append({**g["secrets"][0], "name": "pulumi-api-token"}),
            (
                'externalSecrets.secrets[1].name = "pulumi-api-token": the '
                "Secret of that name holds "
                "the token that its store is opened with: give it another name"
            ),
        ),
        (
            lambda g: g["secrets"][0].update(name="pulumi-api-token", creationPolicy="Merge"),
            'externalSecrets.secrets[0].name = "pulumi-api-token": ',
        ),
        (
            lambda g: g["stores"][0].update(namespace="oceanid-egress"),
            (
                'externalSecrets.stores[0].namespace = "oceanid-egress": the '
                "stack keeps Secrets of its "
                "own there, and the operator may change every Secret of a "
                "namespace that it serves: "
                "name a namespace of the applications"
            ),
        ),
        (
            lambda g: g["stores"][0].update(namespace="external-secrets-system"),
            'externalSecrets.stores[0].namespace = "external-secrets-system": the stack keeps ',
        ),
    ],
)
def test_a_wrong_setting_gives_one_line(change: Callable[[Group], object], start: str) -> None:
    (line,) = lines(lambda config: change(config["externalSecrets"]))
    assert line.startswith(start)


def test_a_stack_may_sync_no_secrets() -> None:
    config = config_of()
    del config["externalSecrets"]
    assert parsed(config).external_secrets is None


def test_a_token_in_plain_is_refused_without_being_shown() -> None:
    token = "pul-" + "0" * 40
    with pytest.raises(ValueError, match=r"^escAccessToken: not encrypted: ") as raised:
        parsed({**config_of(), "escAccessToken": token})
    assert token not in str(raised.value)


def test_an_encrypted_token_is_no_setting() -> None:
    assert parsed({**config_of(), "escAccessToken": "kept"}, {"escAccessToken"}) == parsed(
        config_of()
    )

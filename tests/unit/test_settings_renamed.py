"""Keys of the previous release work in this one, each with a warning that names the new key."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings import parse
from settings.renamed import RENAMED, Renamed, current
from tests.unit.wrong_settings import Config, config_of, lines, parsed

# The value that each row of the table had in the previous release.
_FORMER = {
    "echoUrl": "https://ipinfo.io/ip",
    "protocol": "s3",
    "customResources": "bundle.yaml",
    "echoSeconds": 120,
}
_NEW = {
    "echoUrl": {"egressIpUrl": "https://ipinfo.io/ip"},
    "protocol": {"protocol": "https", "probe": "s3"},
    "customResources": {"crds": "bundle.yaml"},
    "echoSeconds": {"egressIpInterval": "120s"},
}
_rows = pytest.mark.parametrize("row", RENAMED, ids=lambda row: row.old)


def _group(config: Config, row: Renamed) -> dict[str, Any]:
    """The mapping of a row, in the last entry of a list."""
    group: Any = config
    for part in row.group:
        group = group[-1] if part == "[]" else group[part]
    assert isinstance(group, dict)
    return group


def _written(row: Renamed, entries: Mapping[str, Any]) -> Config:
    """prod's configuration with these entries in place of the row's old and new ones."""
    config = config_of()
    group = _group(config, row)
    for key in (row.old, *row.new(_FORMER[row.old])):
        group.pop(key, None)
    group |= entries
    return config


@_rows
def test_the_old_spelling_means_the_new_one(
    row: Renamed, capsys: pytest.CaptureFixture[str]
) -> None:
    former = _FORMER[row.old]
    expected = parsed(_written(row, _NEW[row.old]))
    assert capsys.readouterr().err == ""
    assert parsed(_written(row, {row.old: former})) == expected
    warned = capsys.readouterr().err
    assert f".{row.old} = {json.dumps(former)}: renamed, and refused by the next release" in warned
    assert all(f"{key}: " in warned.partition(": write ")[2] for key in _NEW[row.old])


@_rows
def test_a_key_in_both_spellings_is_an_error(row: Renamed) -> None:
    former = _FORMER[row.old]
    both = {**row.new(former), row.old: former}
    (line,) = lines(lambda config: _group(config, row).update(both))
    assert line.endswith(f"is given as well: remove {row.old}")


def test_a_secret_in_an_old_key_is_not_repeated() -> None:
    config = config_of()
    config["egress"]["echoUrl"] = config["egress"].pop("egressIpUrl")
    warnings: list[str] = []
    encoded = {key: json.dumps(value) for key, value in config.items()}
    parse(encoded, {"egress"}, warnings.append)
    assert len(warnings) == 1
    assert "ipinfo" not in warnings[0]


_keys = st.sampled_from(sorted({key for row in RENAMED for key in (*row.group, row.old)} - {"[]"}))
_values = st.none() | st.integers() | st.sampled_from(["s3", "tcp", "a"])
_trees = st.recursive(
    _values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=4)
)


@given(st.dictionaries(_keys, _trees, max_size=4))
def test_any_configuration_is_brought_to_the_new_spelling_once(config: dict[str, Any]) -> None:
    before = json.dumps(config)
    warnings: list[str] = []
    renewed = current(config, warnings.append)
    assert json.dumps(config) == before
    assert (renewed == config) == (not warnings)
    assert current(renewed, pytest.fail) == renewed

"""Every alert fires when it should and is quiet when it should not, in Prometheus' own engine."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.rules import all_rules, promtool, written
from workshop.testing.checkout import passed

pytestmark = pytest.mark.slow

_CASES: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("cases.yaml").read_text()
)
# What a case has beside its series.
_OWN = {"at", "labels", "summary"}
_RULES = {rule["alert"]: rule for rule in all_rules()}


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    assert set(_CASES) == set(_RULES)
    assert all(case["fires"] and case["quiet"] for case in _CASES.values())


@pytest.mark.parametrize("name", _CASES)
def test_an_alert_has_a_case_for_each_thing_that_it_fires_for(name: str) -> None:
    assert len(_CASES[name]["fires"]) == _RULES[name]["expr"].count(" or ") + 1


@pytest.mark.parametrize("name", _CASES)
def test_the_alert_fires_with_its_labels_and_its_text_and_else_is_quiet(
    name: str, tmp_path: Path
) -> None:
    case, rule = _CASES[name], _RULES[name]
    tests = [
        *(_asked(case, name, fires, [_found(case | fires, rule)]) for fires in case["fires"]),
        *(_asked(case, name, quiet, []) for quiet in case["quiet"]),
    ]
    document = {"rule_files": [str(written(tmp_path))], "tests": tests}
    path = tmp_path / "test.json"
    path.write_text(json.dumps(document | {"evaluation_interval": case.get("step", "1m")}))
    passed(promtool("test", "rules", str(path)))


def test_the_rules_are_free_of_faults_that_promtool_knows(tmp_path: Path) -> None:
    passed(promtool("check", "rules", "--lint=all", "--lint-fatal", str(written(tmp_path))))


@pytest.mark.parametrize("rule", _RULES.values(), ids=_RULES)
def test_an_alert_says_how_bad_it_is_and_what_it_means(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["impact"].endswith(".")


def _found(case: dict[str, Any], rule: dict[str, Any]) -> dict[str, Any]:
    return {
        "exp_labels": case["labels"] | rule["labels"],
        "exp_annotations": rule["annotations"] | {"summary": case["summary"]},
    }


def _asked(
    case: dict[str, Any], name: str, series: dict[str, Any], found: list[dict[str, Any]]
) -> dict[str, Any]:
    """A test of promtool's: with these series the alert is found so, or not at all."""
    at = series.get("at", case["at"])
    values = [{"series": key, "values": each} for key, each in series.items() if key not in _OWN]
    return {
        "interval": case.get("step", "1m"),
        "input_series": values,
        "alert_rule_test": [{"eval_time": at, "alertname": name, "exp_alerts": found}],
    }

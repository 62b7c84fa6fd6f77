"""A rule at another level in one stack, with the real engine and the whole pack."""

import json
import secrets

import pytest

from tests.delivery.conftest import Stage
from workshop.testing.checkout import passed, said

pytestmark = pytest.mark.e2e

_RULE = "plain-text-keys"
# Made up for this run and assembled here: no key stands in the source.
_KEY = "-".join(("tskey", "auth", f"k{secrets.token_hex(6)}CNTRL", secrets.token_hex(16)))


def _levels(stage: Stage, stack: str, **levels: str) -> None:
    named = {name.replace("_", "-"): level for name, level in levels.items()}
    stage.checkout.write(f"policies/config.{stack}.json", json.dumps(named))


def test_a_level_holds_for_its_stack_and_for_no_other(stage: Stage) -> None:
    _levels(stage, "prod", plain_text_keys="advisory")
    stage.release("A key that somebody has typed", first=f": {_KEY}")
    prod = passed(stage.checkout.oceanid("preview", "--stack", "prod"))
    assert f"[advisory] [severity: critical]  {_RULE}" in prod.stdout
    dev = stage.checkout.oceanid("preview", "--stack", "dev")
    assert dev.returncode != 0
    assert f"[mandatory] [severity: critical]  {_RULE}" in dev.stdout


def test_it_holds_in_an_update_a_plan_a_promotion_and_a_rollback(stage: Stage) -> None:
    _levels(stage, "dev", plain_text_keys="advisory")
    _levels(stage, "prod", plain_text_keys="advisory")
    commit = stage.release("A key that is put up with", first=f": {_KEY}")
    for command in (
        ("up", "--stack", "dev"),
        ("plan", "--stack", "prod"),
        ("promote", "--stack", "prod"),
        ("rollback", "--stack", "prod", "--to", commit),
    ):
        passed(stage.checkout.oceanid(*command))


def test_a_misspelled_rule_is_refused_in_one_line_that_names_it(stage: Stage) -> None:
    _levels(stage, "prod", plain_text_key="advisory")
    result = stage.checkout.oceanid("preview", "--stack", "prod")
    assert result.returncode != 0
    (line,) = {each.strip() for each in said(result).splitlines() if "plain-text-key:" in each}
    assert "policy configuration: plain-text-key: no such policy in pack oceanid" in line
    assert "its policies are " in line
    assert "Traceback" not in said(result)

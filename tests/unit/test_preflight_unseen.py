"""A check that could not be made does not pass: where it can stop an update, it stops it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from preflight.result import Verdict
from preflight.run import run
from tests.unit.seen_cluster import prod

# An API server without objects, which refuses one kind.
_KUBECTL = """#!/bin/sh
case "$*" in
  *{refused}*) echo 'Error from server (Forbidden): no right to list these' >&2; exit 1;;
  *--raw*) echo '{{"items": [], "groups": []}}';;
esac
"""


def _verdicts(
    folder: Path, monkeypatch: pytest.MonkeyPatch, refused: str, **environment: str
) -> dict[str, Verdict]:
    """The verdict of each check that was not made."""
    command = folder / "kubectl"
    command.write_text(_KUBECTL.format(refused=refused))
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    outcome = run(prod(), datetime.now(UTC).date(), environment)
    return {each.check: each.verdict for each in outcome.results if each.where == "not checked"}


def test_without_an_answer_of_the_tailnet_and_the_database_an_update_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = "http://127.0.0.1:1"
    unseen = _verdicts(
        tmp_path,
        monkeypatch,
        "nothing",
        TAILSCALE_BASE_URL=nobody,
        TAILSCALE_API_KEY="any",
        CRUNCHYBRIDGE_BASE_URL=nobody,
        CRUNCHY_API_KEY="any",
    )
    assert unseen == {"exit-nodes": Verdict.FAIL, "database-network": Verdict.FAIL}


@pytest.mark.parametrize(
    ("refused", "check", "verdict"),
    [
        ("leases", "heartbeats", Verdict.FAIL),
        ("daemonsets", "tailscale-leftovers", Verdict.FAIL),
        ("endpointslices", "api-servers", Verdict.FAIL),
        ("configmaps", "transparent-hosts", Verdict.FAIL),
        ("daemonsets", "host-network", Verdict.WARN),
        ("namespaces", "refused-workloads", Verdict.WARN),
    ],
)
def test_what_the_api_server_does_not_show_stops_where_the_check_itself_could(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str, check: str, verdict: Verdict
) -> None:
    assert _verdicts(tmp_path, monkeypatch, refused)[check] is verdict

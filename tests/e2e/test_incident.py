"""The outage, replayed: the DaemonSet of 13 October 2025 does not get past a preview."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.lab_fixture import copy_program
from workshop.testing.checkout import REPOSITORY, Completed, failed, passed
from workshop.testing.lab_fleet import Fleet

pytestmark = pytest.mark.e2e

_VARIANTS = ("plain", "unknown", "patch", "config-group")
_PACK = ("--policy-pack", str(REPOSITORY / "policies"))


@pytest.fixture(scope="module")
def program(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the program with a stack, so that the engine writes nothing into the checkout."""
    folder = tmp_path_factory.mktemp("incident")
    copy_program("incident", folder)
    passed(fleet.engine(folder, "stack", "init", "replay"))
    yield folder
    fleet.engine(folder, "stack", "rm", "replay", "--yes")


def _engine(fleet: Fleet, program: Path, variant: str, *arguments: str) -> Completed:
    chosen = ("--stack", "replay", "-c", f"incident:variant={variant}")
    return fleet.engine(program, *arguments, *chosen)


@pytest.fixture(scope="module")
def refusals(fleet: Fleet, program: Path) -> dict[str, str]:
    """What the preview of each variant says."""
    return {
        variant: failed(_engine(fleet, program, variant, "preview", *_PACK))
        for variant in _VARIANTS
    }


def _daemon_set_writes(fleet: Fleet) -> list[str]:
    """What the audit log has of the engine writing DaemonSets of this program; no dry runs."""
    records = map(json.loads, (fleet.home.logs / "audit.log").read_text().splitlines())
    return [
        each["requestURI"]
        for each in records
        if each.get("objectRef", {}).get("resource") == "daemonsets"
        and each["objectRef"].get("namespace") == "default"
        and each["verb"] in {"create", "update", "patch"}
        # Other tests of this lab try their own ways past the cluster's policies.
        and each.get("userAgent", "").startswith("pulumi-kubernetes")
        and "dryRun=" not in each["requestURI"]
    ]


@pytest.mark.parametrize("variant", _VARIANTS)
def test_the_preview_fails_and_names_rule_path_and_remedy(
    refusals: dict[str, str], variant: str
) -> None:
    text = refusals[variant]
    assert "[mandatory] [severity: critical]  daemonset-host-namespaces" in text
    assert "spec.template.spec.hostNetwork: " in text
    assert "Remedy: remove hostNetwork, hostPID and hostIPC and use pod networking" in text
    if variant == "unknown":
        assert "hostNetwork: cannot be judged in preview" in text
        assert "use a plain value here, not an Output" in text


def test_an_update_that_skips_the_preview_is_refused_as_well(fleet: Fleet, program: Path) -> None:
    up = ("up", "--yes", "--skip-preview")
    assert "daemonset-host-namespaces" in failed(_engine(fleet, program, "plain", *up, *_PACK))


@pytest.mark.usefixtures("refusals")
def test_the_api_server_never_saw_a_daemon_set(fleet: Fleet) -> None:
    assert _daemon_set_writes(fleet) == []


def test_without_the_pack_the_same_preview_passes(fleet: Fleet, program: Path) -> None:
    # Or the tests above would prove nothing: it is the pack that refuses.
    passed(_engine(fleet, program, "plain", "preview"))

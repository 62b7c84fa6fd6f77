"""Whatever settings pass, the real CoreDNS starts with the names that are rendered from them."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings

from tests.components.generated_settings import Stack, stacks
from tests.coredns import started
from workshop.testing.recording import Recording, configured, record_stack

pytestmark = pytest.mark.slow

_BOUNDED = settings(
    max_examples=12,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)


def _started(recording: Recording, folder: Path) -> str:
    """What CoreDNS says until it serves; AssertionError when it ends first."""
    zones = "".join(
        each["data"]["oceanid.server"]
        for each in recording.manifests
        if each["metadata"].get("name") == "coredns-custom"
    )
    corefile = ".:53 {\n    errors\n}\n" + zones
    starts, said = started(lambda port: corefile.replace(":53 {", f":{port} {{"), folder)
    assert starts, said
    return said


def test_two_ports_of_one_host_start(tmp_path: Path) -> None:
    egress = configured("egress")
    database = egress["destinations"][0]
    pooler = database | {"name": "pooler", "port": 5431, "localPort": 15431}
    egress["destinations"].append(pooler)
    said = _started(record_stack("dev", egress=egress), tmp_path)
    assert said.count(f"{database['host']}.:") == 1


@_BOUNDED
@given(stacks())
def test_the_names_of_any_settings_at_their_limits_start(tmp_path: Path, stack: Stack) -> None:
    assume(stack.passes())
    _started(stack.recording(), tmp_path)

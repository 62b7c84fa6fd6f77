"""Every command of the runbooks that is marked for the lab, run as it stands; no secrets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.runbook_site import Site, running_site
from tests.e2e.runbook_steps import label, parts, run_as_it_stands

# The first one deploys the whole stack; on a loaded machine that alone takes minutes.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all runbooks, each of which leaves it mended; it syncs no secrets."""
    with running_site(tmp_path_factory.mktemp("site"), secrets=False) as one:
        yield one


@pytest.mark.parametrize(("runbook", "section"), parts(of_secrets=False), ids=label)
def test_its_commands_run_as_they_stand(site: Site, runbook: Path, section: str) -> None:
    run_as_it_stands(site, runbook, section)

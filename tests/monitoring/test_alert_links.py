"""Every alert links to a place in the documentation that exists, and the documentation has it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.document import ROOT, Document
from tests.monitoring.rules import DOCS, all_rules

_RULES = {rule["alert"]: rule for rule in all_rules()}
_PAGE = Document(ROOT / "docs" / "monitoring.md")


@pytest.mark.parametrize("rule", _RULES.values(), ids=_RULES)
def test_an_alerts_link_leads_to_a_heading(rule: dict[str, Any]) -> None:
    link = rule["annotations"]["runbook_url"].removeprefix(f"{DOCS}/")
    file, _, anchor = link.partition("#")
    document = Document(ROOT / "docs" / file)
    assert document.path.is_file()
    assert anchor in document.anchors


def test_the_documentation_lists_every_alert_and_no_other() -> None:
    lines = _PAGE.path.read_text().splitlines()
    listed = [line.split("`")[1] for line in lines if line.startswith("| `Oceanid")]
    assert sorted(listed) == sorted(_RULES)

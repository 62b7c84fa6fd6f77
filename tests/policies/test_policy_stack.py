"""The stacks themselves pass every mandatory rule, one by one and over all resources."""

import pytest

from tests.components.recording import record_stack
from tests.policies.findings import mandatory


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_no_mandatory_rule_has_anything_to_say_of_the_stack(stack: str) -> None:
    assert mandatory(record_stack(stack)) == []

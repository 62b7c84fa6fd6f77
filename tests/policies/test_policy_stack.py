"""The stacks themselves pass every mandatory rule, one by one and over all resources."""

import pytest

from tests.policies.findings import mandatory
from workshop.testing.recording import record_stack


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_no_mandatory_rule_has_anything_to_say_of_the_stack(stack: str) -> None:
    assert mandatory(record_stack(stack)) == []

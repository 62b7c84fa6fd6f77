"""A range that the firewall admits."""

from typing import Annotated

from pydantic import Field

from ..values.fields import FirewallRange
from ..values.model import StrictModel


class AdmittedRange(StrictModel):
    """A range, no wider than the rule `firewall-range` admits, and why it is admitted."""

    cidr: FirewallRange
    description: Annotated[str, Field(min_length=1)]

"""What the alerts are rendered from, and the names by which they find the probes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .rule_exceptions import RuleException

PROBES_JOB = "oceanid-probes"
EGRESS_ADDRESS = "egress-address"
"""The `destination` of the probes that ask for the address seen outside."""


@dataclass(frozen=True, kw_only=True)
class AlertInputs:
    """What the alerts are about.

    `nodes` are the names of those that must have a gateway; `exit_nodes` are names in order of
    preference, with their StatefulSets' names; `egress_addresses` those of which one must be
    seen outside. `key_expiries` are the ends of auth keys by what they are for, in Unix seconds.
    `secrets_namespace` is the External Secrets Operator's, None without one,
    and `secrets_stale_seconds` how long a secret may go without having been read, None where none
    is synced.
    """

    namespace: str
    nodes: tuple[str, ...]
    exit_nodes: Mapping[str, str]
    egress_addresses: tuple[str, ...]
    key_expiries: Mapping[str, int]
    exceptions: tuple[RuleException, ...]
    secrets_namespace: str | None
    secrets_stale_seconds: int | None

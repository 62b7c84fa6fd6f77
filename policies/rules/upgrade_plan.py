"""An upgrade of the nodes takes one of them at a time."""

from collections.abc import Iterator

from ._check import each_object, wrong
from ._field import value_at
from ._model import Finding, Rule, Severity
from ._subject import Body, Subject

_GROUP = "upgrade.cattle.io"
_AT_ONCE = "the upgrade takes more than one node at a time out of service"


def _judge(subject: Subject, body: Body) -> Iterator[Finding]:
    if subject.group == _GROUP:
        concurrency = value_at(body, subject.where, "spec", "concurrency")
        yield from wrong([concurrency], lambda value: value not in (None, 0, 1), _AT_ONCE)


RULES = (
    Rule(
        name="upgrade-plan-concurrency",
        severity=Severity.HIGH,
        description="A Plan of the system-upgrade-controller must take one node at a time.",
        remedy="set spec.concurrency to 1, and upgrade a canary node by a Plan of its own first",
        source="Incident of 2025-10-13: a change reached all nodes within seconds",
        url="https://docs.k3s.io/upgrades/automated",
        limitations=(
            "Two Plans that choose the same nodes, and what the upgrade's image does to a node: "
            "the rule not-evaluated says so."
        ),
        check=each_object(("Plan",), _judge),
        tags=("rollout",),
    ),
)

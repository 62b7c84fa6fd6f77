"""Whatever happens in between, an undisturbed `up --refresh` ends with exactly the wanted rules."""

import re
from ipaddress import ip_network
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.provider.world import FailedError, Killed, World
from workshop.lab.crunchybridge_api.eid import new_eid
from workshop.lab.faults import Fault
from workshop.lab.refusal import Refusal

NETWORKS = (new_eid(), new_eid())
# Some overlap, so that rules get in each other's way.
RANGES = (
    "192.0.2.0/24",
    "192.0.2.0/25",
    "192.0.2.7/32",
    "198.51.100.9/32",
    "2001:db8::/64",
    "2001:db8::7/128",
)
_BLOCKING = re.compile(r"overlaps the rule ([a-z2-7]+)/([a-z2-7]+) \(")

_rule = st.fixed_dictionaries(
    {"networkId": st.sampled_from(NETWORKS), "rule": st.sampled_from(RANGES)},
    optional={
        "kind": st.sampled_from(["ingress", "egress"]),
        "description": st.sampled_from(["", "exit node", "by hand"]),
    },
)


def _without_overlap(program: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    kept: dict[str, dict[str, Any]] = {}
    for name, fields in program.items():
        if not any(
            fields["networkId"] == other["networkId"] and _overlap(fields["rule"], other["rule"])
            for other in kept.values()
        ):
            kept[name] = fields
    return kept


def _overlap(one: str, other: str) -> bool:
    a, b = ip_network(one), ip_network(other)
    return a.version == b.version and a.overlaps(b)


_program = st.dictionaries(st.sampled_from("abcd"), _rule, max_size=4).map(_without_overlap)
_outside = st.one_of(
    st.tuples(st.just("add"), _rule),
    st.tuples(st.just("remove"), st.integers(0, 5)),
    st.tuples(st.just("describe"), st.integers(0, 5)),
    st.tuples(st.just("move"), st.integers(0, 5), st.sampled_from(RANGES)),
)
_effects = st.one_of(
    st.fixed_dictionaries({"effect": st.just("cut"), "after": st.booleans()}),
    st.fixed_dictionaries(
        {
            "effect": st.just("status"),
            "after": st.booleans(),
            "status": st.sampled_from([500, 502, 503]),
        }
    ),
    st.fixed_dictionaries(
        {
            "effect": st.just("status"),
            "status": st.sampled_from([429, 503]),
            "retry_after": st.sampled_from([0, 7, 3600]),
        }
    ),
)
_fault = st.builds(
    lambda effect, count, method: {"count": count, "method": method} | effect,
    _effects,
    st.sampled_from([1, 2, 3, 1000]),
    st.sampled_from(["", "POST", "PATCH", "DELETE", "GET"]),
)
_kill = st.tuples(st.integers(0, 8), st.booleans())
_step = st.one_of(
    st.tuples(st.just("outside"), _outside),
    st.tuples(st.just("up"), _program, st.none() | _fault, st.none() | _kill),
)


class Story:
    """A world, and what another hand than the stack's has made in it."""

    def __init__(self) -> None:
        self.world = World(*NETWORKS)
        self.by_others: dict[str, str] = {}
        self.unheard: dict[str, str] = {}

    def rules(self) -> list[dict[str, Any]]:
        return [rule for network in NETWORKS for rule in self.world.team.rules(network)]

    def outside(self, act: str, *details: Any) -> None:
        """An edit by another hand; one that the API refuses is not made."""
        team = self.world.team
        if act == "add":
            fields = dict(details[0])
            try:
                added = team.create(fields.pop("networkId"), fields)
            except Refusal:
                return
            self.by_others[added["id"]] = added["rule"]
            return
        rules = self.rules()
        if not rules:
            return
        rule = rules[details[0] % len(rules)]
        if act == "remove":
            self.remove(rule["network_id"], rule["id"])
            return
        change = {"description": "edited"} if act == "describe" else {"rule": details[1]}
        try:
            changed = team.update(rule["network_id"], rule["id"], change)
        except Refusal:
            return
        if act == "move":
            # Whoever made it, it is no more what the stack asked for.
            self.unheard.pop(rule["id"], None)
        if rule["id"] in self.by_others:
            self.by_others[rule["id"]] = changed["rule"]

    def remove(self, network: str, rule_id: str) -> None:
        self.world.team.delete(network, rule_id)
        self.by_others.pop(rule_id, None)

    def disturbed_up(
        self, program: dict[str, Any], fault: dict[str, Any] | None, kill: tuple[int, bool] | None
    ) -> None:
        """An `up` that may fail in any way, and be killed anywhere."""
        wire = self.world.wire
        if fault is not None:
            self.world.faults.order(Fault(**fault))
        if kill is not None:
            wire.kill_after_requests, wire.kill_applies = kill
        before = {rule["id"] for rule in self.rules()}
        try:
            self.world.up(program)
        except (FailedError, Killed):
            # What was made without the engine's hearing of it is nobody's, unless the same
            # program runs again.
            self.unheard = {r["id"]: r["rule"] for r in self.rules() if r["id"] not in before}
            self.by_others |= self.unheard
        else:
            self.unheard = {}
        finally:
            wire.kill_after_requests = None
            self.world.faults.clear()

    def settle(self, program: dict[str, Any]) -> None:
        """Undisturbed: a user runs `up`, and removes a rule that it says is in the way."""
        for _ in range(12):
            try:
                self.world.up(program)
            except FailedError as error:
                told = str(error)
            else:
                return
            blocking = _BLOCKING.search(told)
            assert blocking is not None, told
            self.remove(*blocking.groups())
        raise AssertionError("twelve runs were not enough")


# How long a case takes says nothing of whether it converges.
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(_step, max_size=8), program=st.none() | _program)
def test_an_undisturbed_up_ends_with_exactly_the_wanted_rules(
    steps: list[Any], program: dict[str, Any] | None
) -> None:
    story = Story()
    last: dict[str, Any] = {}
    for kind, *details in steps:
        if kind == "outside":
            story.outside(*details[0])
        else:
            story.disturbed_up(*details)
            last = details[0]
    same_again = program is None
    program = last if program is None else program
    story.settle(program)

    wanted = sorted(
        (
            fields["networkId"],
            fields["rule"],
            fields.get("kind", "ingress"),
            fields.get("description") or "",
        )
        for fields in program.values()
    )
    held = {entry.id.partition("/")[2] for entry in story.world.state.values()}
    ours = [rule for rule in story.rules() if rule["id"] in held]
    found = sorted(
        (rule["network_id"], rule["rule"], rule["kind"], rule["description"] or "") for rule in ours
    )
    assert found == wanted
    # None of the others is ours, and none of theirs was touched that we never stood for.
    others = {rule["id"]: rule["rule"] for rule in story.rules() if rule["id"] not in held}
    assert others.keys() <= story.by_others.keys()
    assert not same_again or not others.keys() & story.unheard.keys()
    ever_ours = {each.partition("/")[2] for each in story.world.ever_held}
    untouched = {key: value for key, value in story.by_others.items() if key not in ever_ours}
    assert others.items() >= untouched.items()

    # And nothing is left to do.
    story.world.journal.clear()
    story.world.up(program)
    assert {entry["method"] for entry in story.world.journal.entries()} <= {"GET"}

"""What the policy pack costs a preview: milliseconds a resource, by number of rules."""

import time
from collections.abc import Sequence

import yaml
from pulumi_policy import EnforcementLevel, Policy

from policies import crossguard
from policies.exceptions import Exceptions
from workshop.bench import corpus
from workshop.bench.goal import Goal, Results, table
from workshop.testing.agreement import request_for

_RESOURCES = 400
_GOAL_RULES, _GOAL_MILLISECONDS = 25, 0.3
_COLUMNS = ("rules", "this pack, ms a resource")
_TIMES = 5  # the best of so many, in processor time: other programs must not count


def results() -> Results:
    """A row a number of rules."""
    print("bench: the policy pack", flush=True)
    every = crossguard.policies(Exceptions())
    rules = [policy for policy in every if isinstance(policy, crossguard.RulePolicy)]
    rows = []
    cost = {}
    for count in (1, _GOAL_RULES, len(rules)):
        cost[count] = _milliseconds(rules[:count])
        rows.append([count, f"{cost[count]:.3f}"])
    goal = Goal(
        name=f"{_GOAL_RULES} rules, a resource",
        found=cost[_GOAL_RULES],
        limit=_GOAL_MILLISECONDS,
        unit=" ms",
    )
    return Results(table=table(_COLUMNS, rows, words=0), goals=(goal,))


def _milliseconds(policies: Sequence[Policy]) -> float:
    servicer = crossguard.UnknownAwareAnalyzer(
        "oceanid", "0.0.1", list(policies), EnforcementLevel.MANDATORY
    )
    requests = [
        request_for(yaml.safe_load(text), f"case-{number}")
        for number, text in enumerate(corpus.manifests(_RESOURCES))
    ]
    best = float("inf")
    for _ in range(_TIMES):
        began = time.process_time()
        for request in requests:
            servicer.Analyze(request, None)
        best = min(best, time.process_time() - began)
    return best / len(requests) * 1000

"""All checks, as parallel as what they ask allows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date

from preflight import gateways, tailnet
from preflight.checks import (
    api_servers,
    console,
    database,
    exit_nodes,
    gates,
    heartbeats,
    host_network,
    leftovers,
    neighbours,
    nodes,
    refused,
    starved,
    transparent_hosts,
)
from preflight.kubectl import Kind, Kubectl, Refused, View
from preflight.result import Result, UnseenError, Verdict
from preflight.tailnet import Device
from settings import Settings

# The checks that have failures among their findings.
_CAN_FAIL = frozenset(
    {
        nodes.CHECK,
        heartbeats.CHECK,
        api_servers.CHECK,
        leftovers.CHECK,
        transparent_hosts.CHECK,
        exit_nodes.CHECK,
        database.CHECK,
    }
)
_REMEDY = "see to it that it answers, and run this again"
_Check = tuple[str, Callable[[], Iterator[Result]]]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What all checks found; `answered` is false when the cluster gave no answer at all.

    `groups` are the names of the API groups it serves, `unnamed` those of its nodes that the
    settings do not name and that have a gateway or will get one; None where they cannot be seen.
    `unfit` are the nodes of both sorts on which no pod can start, each with its reason; `uids` are
    the uids of all nodes by name: a machine that joins again under its old name has another.
    `api_servers` are those that NetworkPolicies are to admit, None where there is no telling.
    """

    results: tuple[Result, ...]
    answered: bool
    groups: tuple[str, ...] | None = None
    unnamed: tuple[str, ...] | None = None
    unfit: Mapping[str, str] = field(default_factory=dict)
    api_servers: tuple[str, ...] | None = None
    uids: Mapping[str, str] = field(default_factory=dict)

    def of(self, verdict: Verdict) -> list[Result]:
        """The results with that verdict."""
        return [each for each in self.results if each.verdict is verdict]

    @property
    def exit_code(self) -> int:
        """0 when no check failed, 1 when one did, 2 without an answer of the cluster."""
        if not self.answered:
            return 2
        return 1 if self.of(Verdict.FAIL) else 0


def run(settings: Settings, today: date, environment: Mapping[str, str] = os.environ) -> Outcome:
    """Ask the cluster, the tailnet and the database's API once, and judge what they say."""
    kubectl = Kubectl(context=settings.cluster.context)
    with ThreadPoolExecutor(max_workers=2) as pool:
        asked = pool.submit(_devices, environment)
        database_asked = pool.submit(lambda: list(database.check(settings, environment)))
        why = kubectl.why_not_ready()
        if why is not None:
            others = _apis(settings, asked.result(), set(), database_asked, today)
            return _no_answer(why, list(others))
        view = kubectl.view(tuple(Kind))
        devices = asked.result()
        seen = view.answers[Kind.NODES]
        if isinstance(seen, Refused):
            others = _apis(settings, devices, set(), database_asked, today)
            return _no_answer(seen.why, list(others))
        checks: tuple[_Check, ...] = (
            (nodes.CHECK, lambda: nodes.check(settings, view, kubectl.pods_on)),
            (heartbeats.CHECK, lambda: heartbeats.check(settings, view)),
            (api_servers.CHECK, lambda: api_servers.check(settings, view)),
            (gates.CHECK, lambda: gates.check(view)),
            (neighbours.CHECK, lambda: neighbours.check(settings, view)),
            (transparent_hosts.CHECK, lambda: transparent_hosts.check(settings, view)),
            (host_network.CHECK, lambda: host_network.check(settings, view)),
            (starved.CHECK, lambda: starved.check(settings, view, kubectl)),
            (refused.CHECK, lambda: refused.check(settings, view)),
            (
                leftovers.CHECK,
                lambda: leftovers.check(
                    settings, view, devices if isinstance(devices, list) else None
                ),
            ),
        )
        results = [each for check in checks for each in _seen(*check)]
        results += _apis(settings, devices, _running(view), database_asked, today)
    unnamed = _unnamed(settings, view)
    names = (*(node.hostname for node in settings.nodes), *(unnamed or ()))
    return Outcome(
        results=tuple(results),
        answered=True,
        groups=_groups(view),
        unnamed=unnamed,
        unfit=gateways.unfit(names, view, settings.egress.tolerations),
        uids={node["metadata"]["name"]: node["metadata"]["uid"] for node in seen},
        api_servers=api_servers.admitted(settings, view),
    )


def _apis(
    settings: Settings,
    devices: list[Device] | UnseenError,
    running: set[str],
    database_asked: Future[list[Result]],
    today: date,
) -> Iterator[Result]:
    def of_exit_nodes() -> Iterator[Result]:
        if isinstance(devices, UnseenError):
            raise devices
        return exit_nodes.check(settings, devices, running)

    yield from _seen(exit_nodes.CHECK, of_exit_nodes)
    yield from _seen(database.CHECK, lambda: iter(database_asked.result()))
    yield from console.check(settings, today)


def _seen(name: str, check: Callable[[], Iterator[Result]]) -> list[Result]:
    """The check's results; one that could not see what it asks about says so.

    Where it can find what ends an update, not having looked ends an update too.
    """
    try:
        return list(check())
    except UnseenError as unseen:
        return [
            Result(
                check=name,
                verdict=Verdict.FAIL if name in _CAN_FAIL else unseen.verdict,
                where="not checked",
                what=str(unseen),
                remedy=unseen.remedy or _REMEDY,
            )
        ]


def _groups(view: View) -> tuple[str, ...] | None:
    try:
        return tuple(each["name"] for each in view.items(Kind.GROUPS))
    except UnseenError:
        return None


def _unnamed(settings: Settings, view: View) -> tuple[str, ...] | None:
    try:
        return tuple(gateways.unnamed(settings, view))
    except UnseenError:
        return None


def _running(view: View) -> set[str]:
    try:
        return exit_nodes.running(view)
    except UnseenError:
        # What the tailnet says of the exit nodes is worth saying without it.
        return set()


def _devices(environment: Mapping[str, str]) -> list[Device] | UnseenError:
    try:
        return tailnet.devices(environment)
    except UnseenError as unseen:
        return unseen


def _no_answer(why: str, others: list[Result]) -> Outcome:
    result = Result(
        check="cluster",
        verdict=Verdict.FAIL,
        where="API server",
        what=f"it does not answer: {why}",
        remedy="check KUBECONFIG, the context of cluster.context, and the network",
    )
    return Outcome(results=(result, *others), answered=False)

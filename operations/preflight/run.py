"""All checks, as parallel as what they ask allows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import TypeVar

from operations.errors import RequestError, UnavailableError
from operations.kubernetes.client import KubernetesClient
from operations.kubernetes.objects import name_of
from operations.preflight import gateways, tailnet
from operations.preflight.checks import (
    admission_conflicts,
    api_servers,
    console_access,
    database,
    exit_nodes,
    foreign_tailscale,
    gates,
    host_network,
    kubelet_leases,
    neighbours,
    nodes,
    pods_not_created,
    transparent_hosts,
)
from operations.preflight.finding import PreflightFinding, Verdict, fail
from operations.preflight.tailnet import Device
from operations.preflight.view import Kind, View, pods_on, view
from settings import Settings

_T = TypeVar("_T")
_REMEDY = "see to it that it answers, and run this again"
_FAIL, _WARN = Verdict.FAIL, Verdict.WARN
# A check's name, the check, and the verdict when what it asks about is unavailable: a failure where
# it has failures among its findings.
_Check = tuple[str, Callable[[], Iterable[PreflightFinding]], Verdict]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What all checks found; `answered` is false when the cluster gave no response at all.

    `groups` are the names of the API groups it serves, `unnamed` those of its nodes that the
    settings do not name and that have a gateway or will get one; None where they are unavailable.
    `unfit` are the nodes of both sorts on which no pod can start, each with its reason; `uids` are
    the uids of all nodes by name: a machine that joins again under its old name has another.
    `api_servers` are those that NetworkPolicies are to admit, None where they are unknown.
    """

    findings: tuple[PreflightFinding, ...]
    answered: bool
    groups: tuple[str, ...] | None = None
    unnamed: tuple[str, ...] | None = None
    unfit: Mapping[str, str] = field(default_factory=dict)
    api_servers: tuple[str, ...] | None = None
    uids: Mapping[str, str] = field(default_factory=dict)

    def of(self, verdict: Verdict) -> list[PreflightFinding]:
        return [finding for finding in self.findings if finding.verdict is verdict]

    @property
    def exit_code(self) -> int:
        """0 when no check failed, 1 when one did, 2 without a response of the cluster."""
        if not self.answered:
            return 2
        return 1 if self.of(Verdict.FAIL) else 0


def run(settings: Settings, today: date, environment: Mapping[str, str] = os.environ) -> Outcome:
    """Ask the cluster, the tailnet and the database's API once, and judge their responses."""
    with (
        KubernetesClient(context=settings.cluster.context) as client,
        ThreadPoolExecutor(max_workers=2) as pool,
    ):
        devices = pool.submit(tailnet.devices, environment)
        network = pool.submit(lambda: list(database.check(settings, environment)))
        services = partial(_services, settings, devices, network, today)
        try:
            client.require_ready()
            cluster = view(client, tuple(Kind))
            present = cluster.objects[Kind.NODES]
            if isinstance(present, RequestError):
                raise present
        except RequestError as error:
            return Outcome(findings=(_no_response(error), *_all(services(set()))), answered=False)
        findings = _all(
            (
                *_of_cluster(settings, cluster, devices, client),
                # What the tailnet says of the exit nodes is worth saying without their pods.
                *services(_or_else(set[str](), partial(exit_nodes.running, cluster))),
            )
        )
    unnamed = _or_else(None, lambda: tuple(gateways.unnamed(settings, cluster)))
    names = (*(node.hostname for node in settings.nodes), *(unnamed or ()))
    return Outcome(
        findings=tuple(findings),
        answered=True,
        groups=_or_else(None, lambda: tuple(g["name"] for g in cluster.items(Kind.GROUPS))),
        unnamed=unnamed,
        unfit=gateways.unfit(names, cluster, settings.egress.tolerations),
        uids={name_of(node): node["metadata"]["uid"] for node in present},
        api_servers=api_servers.admitted(settings, cluster),
    )


def _of_cluster(
    settings: Settings, cluster: View, devices: Future[list[Device]], client: KubernetesClient
) -> tuple[_Check, ...]:
    def of_tailscale() -> Iterable[PreflightFinding]:
        return foreign_tailscale.check(settings, cluster, _or_else(None, devices.result))

    both = settings, cluster
    return (
        ("nodes", lambda: nodes.check(*both, partial(pods_on, client)), _FAIL),
        ("kubelet-leases", lambda: kubelet_leases.check(*both), _FAIL),
        ("api-servers", lambda: api_servers.check(*both), _FAIL),
        ("gates", lambda: gates.check(cluster), _WARN),
        ("neighbours", lambda: neighbours.check(*both), _WARN),
        ("transparent-hosts", lambda: transparent_hosts.check(*both), _FAIL),
        ("host-network", lambda: host_network.check(cluster), _WARN),
        ("pods-not-created", lambda: pods_not_created.check(cluster, client), _WARN),
        ("admission-conflicts", lambda: admission_conflicts.check(cluster), _WARN),
        ("foreign-tailscale", of_tailscale, _FAIL),
    )


def _services(
    settings: Settings,
    devices: Future[list[Device]],
    network: Future[list[PreflightFinding]],
    today: date,
    running: set[str],
) -> tuple[_Check, ...]:
    return (
        ("exit-nodes", lambda: exit_nodes.check(settings, devices.result(), running), _FAIL),
        ("database-network", network.result, _FAIL),
        ("console-access", lambda: console_access.check(settings, today), _FAIL),
    )


def _all(checks: Iterable[_Check]) -> list[PreflightFinding]:
    """The findings of the checks; one whose subject is unavailable says so."""
    findings = []
    for check, run_check, unavailable in checks:
        try:
            findings += [replace(finding, check=check) for finding in run_check()]
        except UnavailableError as error:
            remedy = error.remedy or _REMEDY
            finding = PreflightFinding(unavailable, "not checked", str(error), remedy, check)
            findings.append(finding)
    return findings


def _or_else(default: _T, ask: Callable[[], _T]) -> _T:
    """What `ask` gives, `default` where it is unavailable."""
    try:
        return ask()
    except UnavailableError:
        return default


def _no_response(error: RequestError) -> PreflightFinding:
    what = f"it does not answer: {error}"
    remedy = "check KUBECONFIG, the context of cluster.context, and the network"
    return replace(fail("API server", what, remedy), check="cluster")

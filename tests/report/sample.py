"""A page with one of everything, from documents as the engine and the API server give them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from operations.delivery.events import PolicyFinding
from operations.errors import RequestError
from operations.report import firewall, gate, secret_age, topology
from operations.report.page import Page
from operations.report.policy import Exemption
from operations.report.state import State
from policies.exceptions import DatedException, Enforcer
from policies.rules import every_rule
from settings import Settings
from tests.unit.seen_cluster import prod

NOW = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
_PRIVILEGED = PolicyFinding(
    rule="privileged",
    severity="critical",
    resource="DaemonSet monitoring/agent",
    message="a container is privileged",
    blocks=True,
    excepted=None,
)
_RULES = ("host-path", "privileged-container")
_MADE = "2026-11-20T07:00:00.123456789Z"


def state(*rules: str) -> State:
    """A deployed stack whose database admits `rules`."""
    resources: list[dict[str, Any]] = [
        _resource(
            "pulumi:pulumi:Stack",
            "stack",
            exitNodes={
                "tethys": {"tailnetAddress": "100.64.0.7", "hostname": "oceanid-exit-tethys"}
            },
        ),
        _resource(
            "tailscale:index/oauthClient:OauthClient",
            "tailnet-exit-client",
            description="oceanid prod exit nodes",
            key={"4dabf18193072939515e22adb298388d": "1b47", "ciphertext": "v1:cipher"},
        ),
        *(
            _resource("crunchybridge:index:FirewallRule", f"firewall-{rule}", rule=rule)
            for rule in rules
        ),
    ]
    manifest = {"time": "2026-11-21T06:00:00Z"}
    return State.of({"manifest": manifest, "resources": resources})


def _resource(kind: str, name: str, **outputs: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:prod::oceanid-cluster::{kind}::{name}"
    return {"type": kind, "urn": urn, "outputs": outputs, "created": _MADE, "modified": _MADE}


def job(
    wave: str, uid: str, condition: str = "Complete", *, node: str = "srv712695", **more: Any
) -> dict[str, Any]:
    """A gate's Job for a node that has come to `condition`."""
    ended = {
        "type": condition,
        "status": "True",
        "lastTransitionTime": "2026-11-21T06:01:00Z",
        "reason": "BackoffLimitExceeded",
    }
    return {
        "metadata": {
            "uid": uid,
            "creationTimestamp": more.pop("created", "2026-11-21T06:00:30Z"),
            "labels": {"oceanid.io/wave": wave},
            "annotations": {"oceanid.io/node": node},
        },
        "status": {"conditions": [ended], "succeeded": 1, **more},
    }


def pod(owner: str, node: str, said: str, phase: str = "Succeeded") -> dict[str, Any]:
    """A gate's pod at its end."""
    return {
        "metadata": {"ownerReferences": [{"uid": owner}]},
        "spec": {"nodeName": node},
        "status": {
            "phase": phase,
            "containerStatuses": [{"state": {"terminated": {"exitCode": 0, "message": said}}}],
        },
    }


def page(seen: gate.GateObjects | RequestError, *, settings: Settings | None = None) -> Page:
    settings = settings or prod()
    deployed = state("157.173.210.123/32", "203.0.113.9/32")
    gates = gate.gates(settings, seen)
    refused: RequestError | list[Any] = seen if isinstance(seen, RequestError) else []
    return Page(
        stack="prod",
        made=NOW,
        written=deployed.written,
        cluster_error=str(seen) if isinstance(seen, RequestError) else "",
        topology=topology.topology(settings, deployed, gates),
        gates=gates,
        admissions=firewall.admissions(settings, deployed),
        rules=tuple(rule for rule in every_rule() if rule.name in _RULES),
        findings=[
            replace(_PRIVILEGED, rule="host-path", blocks=False, excepted="until 2026-11-30: soon"),
            _PRIVILEGED,
        ],
        exemptions=[exemption(9), exemption(-2, "privileged-container"), exemption(200)],
        secrets=secret_age.ages(settings, deployed, refused),
    )


def exemption(days: int, rule: str = "host-path") -> Exemption:
    """An exception with so many days left."""
    granted = DatedException(
        rule=rule,
        resource="DaemonSet monitoring/agent",
        reason="it reads the node's logs until the collector is replaced",
        expires=NOW.date() + timedelta(days=days),
        enforcers=frozenset({Enforcer.SCAN}),
    )
    return Exemption(granted=granted, days_left=days)


def measured() -> gate.GateObjects:
    """A canary that failed, and a fleet that was never reached."""
    said = "1 of 8 checks failed: egress-address: expected 157.173.210.123, saw 191.101.1.3"
    return gate.GateObjects(
        jobs=[job("canary", "old", created="2026-11-20T06:00:00Z"), job("canary", "new", "Failed")],
        pods=[pod("new", "srv712695", said, "Failed"), pod("old", "srv712695", "all passed")],
        daemon_sets=[
            {
                "metadata": {"labels": {"oceanid.io/wave": "canary"}},
                "status": {"desiredNumberScheduled": 1, "numberReady": 1},
            }
        ],
    )

"""The alerts of alerts.yaml, with a stack's values in place of the file's placeholders."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .rule_exceptions import RuleException

PROBES_JOB = "oceanid-probes"
EGRESS_ADDRESS = "egress-address"
"""The `destination` of the probes that ask for the address seen outside."""

FILE = Path(__file__).with_name("alerts.yaml")
PLACEHOLDER = re.compile(r"OCEANID_[A-Z_]+")
NAMESPACE = "OCEANID_NAMESPACE"
"""The placeholder of the egress namespace, here and in dashboard.json."""

_LEAST_STALE_SECONDS = 900
# Selects nothing: every pod has a namespace.
_NO_PODS = 'kube_pod_info{namespace=""}'
# Never absent: the operator counts by secret, and exports no such series without one.
_ALWAYS_THERE = "vector(1)"


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


def groups(inputs: AlertInputs, docs_url: str) -> list[dict[str, Any]]:
    """The `groups` of a PrometheusRule; alerts without a subject and empty groups are left out."""
    values = _values(inputs) | {"OCEANID_DOCS_URL": docs_url}
    left_out = _without_subject(inputs)
    rendered = []
    for group in yaml.safe_load(FILE.read_text())["groups"]:
        rules = [_filled(rule, values) for rule in group["rules"] if rule["alert"] not in left_out]
        if rules:
            rendered.append({"name": group["name"], "rules": rules})
    return rendered


def _without_subject(inputs: AlertInputs) -> set[str]:
    subjects = {
        "OceanidFailoverActive": len(inputs.exit_nodes) > 1,
        "OceanidSecretSyncFailing": inputs.secrets_stale_seconds,
        "OceanidSecretStale": inputs.secrets_stale_seconds,
        "OceanidSecretsOperatorDown": inputs.secrets_namespace,
        "OceanidAuthKeyExpiring": inputs.key_expiries,
        "OceanidPolicyExceptionExpiring": inputs.exceptions,
    }
    return {alert for alert, subject in subjects.items() if not subject}


def _values(inputs: AlertInputs) -> dict[str, str]:
    stale = inputs.secrets_stale_seconds or _LEAST_STALE_SECONDS
    return {
        f"[{_LEAST_STALE_SECONDS}s]": f"[{stale}s]",
        "OCEANID_AUTH_KEY_ENDS": _ends("key", inputs.key_expiries.items()),
        "OCEANID_EGRESS_ADDRESSES": _any_of(inputs.egress_addresses),
        "OCEANID_EXCEPTION_ENDS": _ends(
            "exception", ((f"{e.rule} on {e.resource}", e.ends) for e in inputs.exceptions)
        ),
        "OCEANID_EXEMPTED_PODS": _exempted_pods(inputs),
        "OCEANID_EXIT_NODES": "|".join(inputs.exit_nodes.values()),
        NAMESPACE: inputs.namespace,
        "OCEANID_NODES": _any_of(inputs.nodes),
        "OCEANID_PREFERRED_EXIT_NODE": next(iter(inputs.exit_nodes)),
        "OCEANID_SECRETS_NAMESPACE": inputs.secrets_namespace or "",
        "OCEANID_SECRETS_SERIES": (
            "externalsecret_sync_calls_total" if inputs.secrets_stale_seconds else _ALWAYS_THERE
        ),
        "OCEANID_SECRETS_STALE_MINUTES": str(stale // 60),
    }


def _filled(part: Any, values: dict[str, str]) -> Any:  # noqa: ANN401  any part of a rule
    if isinstance(part, dict):
        return {key: _filled(value, values) for key, value in part.items()}
    return re.sub(rf"{PLACEHOLDER.pattern}|\[900s\]", lambda match: values[match[0]], part)


def _any_of(names: Iterable[str]) -> str:
    """A regular expression within a string of PromQL."""
    return "|".join(re.escape(name) for name in names).replace("\\", "\\\\")


def _exempted_pods(inputs: AlertInputs) -> str:
    daemon_sets = [
        f'kube_pod_info{{namespace="{e.daemon_set[0]}", created_by_name="{e.daemon_set[1]}"}} '
        f"and on () vector({e.ends}) > time()"
        for e in inputs.exceptions
        if e.daemon_set is not None
    ]
    return " or ".join(daemon_sets) or _NO_PODS


def _ends(label: str, moments: Iterable[tuple[str, int]]) -> str:
    return " or ".join(
        f'label_replace(vector({moment}), "{label}", "{name}", "", "")' for name, moment in moments
    )

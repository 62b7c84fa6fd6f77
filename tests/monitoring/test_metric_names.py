"""No alert and no panel asks for a metric that nothing exports.

Each prefix has a test against its exporter: kube-state-metrics' tables here, the real prober, Envoy
and tailscaled in tests/network/test_monitoring.py, the real External Secrets Operator in
tests/e2e/test_external_secrets.py.
"""

import re
from pathlib import Path

import pytest
import yaml

from tests.monitoring.metrics import asked_for, exported, names, queries, value
from tests.monitoring.rules import promtool
from workshop.testing.checkout import passed

_KUBE: dict[str, list[str]] = yaml.safe_load(
    Path(__file__).with_name("kube_state_metrics.yaml").read_text()
)
_PREFIXES = ("kube_", "probe_", "envoy_", "tailscaled_", "externalsecret_")
_SELECTOR = re.compile(r"(kube_\w+)\{([^}]*)\}")


@pytest.mark.parametrize("where", queries())
def test_every_metric_has_an_exporter_whose_names_are_checked(where: str) -> None:
    assert all(name.startswith(_PREFIXES) for name in names(queries()[where]))


def test_the_names_and_labels_of_kube_state_metrics_are_its_own() -> None:
    assert asked_for("kube_") == set(_KUBE)
    for query in queries().values():
        for metric, matchers in _SELECTOR.findall(query):
            assert set(re.findall(r"(\w+)\s*[!=]~?=?", re.sub(r'"[^"]*"', "", matchers))) <= set(
                _KUBE[metric]
            )


@pytest.mark.slow
@pytest.mark.parametrize("where", queries())
def test_every_query_is_promql(where: str) -> None:
    passed(promtool("--experimental", "promql", "format", queries()[where]))


def test_names_are_found_among_strings_labels_and_functions() -> None:
    query = 'sum by (pod) (rate(a_total{x="b_total{"}[5m])) / on (c) vector(1) unless absent(d)'
    assert names(query) == {"a_total", "d"}


def test_samples_are_found_in_a_programs_text() -> None:
    text = '# HELP a_total A b.\na_total{x="1"} 2\nb 3\n'
    assert exported(text) == {"a_total", "b"}
    assert value(text, "a_total", x="1") == 2
    assert value(text, "a_total", x="2") is None
    assert value(text, "b") == 3

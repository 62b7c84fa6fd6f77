"""Whether the cluster's DNS can answer the transparent hosts, and nobody else answers them."""

import json
from typing import Any

import pytest

from operations.preflight.checks import transparent_hosts
from operations.preflight.finding import PreflightFinding, Verdict
from settings import Settings
from tests.unit.seen_cluster import prod, view
from workshop.lab.cluster_dns import COREFILE

# The transparent one of prod.
_HOST = "s3.us-east-2.amazonaws.com"
_BLOCK = "{zone} {{\n    forward . 10.9.0.53\n}}\n"
_NO_IMPORT = COREFILE.replace("import /etc/coredns/custom/*.server\n", "")


def _map(name: str, **data: str) -> dict[str, Any]:
    # A key's dot cannot stand in a keyword.
    return {
        "metadata": {"name": name, "namespace": "kube-system"},
        "data": {key.replace("__", "."): text for key, text in data.items()},
    }


def _found(corefile: str = COREFILE, nodes: str = "", **custom: str) -> list[PreflightFinding]:
    maps = [_map("coredns", Corefile=corefile, NodeHosts=nodes), _map("coredns-custom", **custom)]
    return list(transparent_hosts.check(prod(), view(system_config_maps=maps)))


def test_a_cluster_whose_dns_answers_other_names_is_fine() -> None:
    own = _BLOCK.format(zone=f"{_HOST}:53")
    (result,) = _found(
        oceanid__server=own,
        corp__server=_BLOCK.format(zone="corp.example:53"),
        amazon__server=_BLOCK.format(zone="amazonaws.com"),
        other__override=f"template IN A {_HOST}\n",
        example__server__disabled=own,
    )
    assert (result.verdict, result.where) == (Verdict.OK, _HOST)


@pytest.mark.parametrize(
    "text",
    [
        _BLOCK.format(zone=_HOST),
        _BLOCK.format(zone=f"{_HOST.upper()}.:53"),
        _BLOCK.format(zone=f"corp.example:53 dns://{_HOST}"),
        f'corp.example,\n"{_HOST}" {{ # theirs\n  forward . 10.9.0.53\n}}\n',
        f"(theirs) {{\n  {_HOST} {{\n    errors\n  }}\n}}\nimport theirs\n",
        f"{_HOST}:53 {{\n  bind 10.9.0.1\n}}\n",
    ],
)
def test_another_key_that_answers_a_transparent_host_is_a_failure(text: str) -> None:
    (result,) = _found(corp__server=text)
    assert result.verdict is Verdict.FAIL
    assert result.where == "ConfigMap coredns-custom, key corp.server"
    assert f"it answers {_HOST} too" in result.what
    assert "docs/runbooks/egress.md#" in result.remedy


def test_the_corefile_itself_may_answer_it_too() -> None:
    (result,) = _found(corefile=COREFILE + _BLOCK.format(zone=_HOST))
    assert (result.verdict, result.where) == (Verdict.FAIL, "ConfigMap coredns, key Corefile")


def test_a_dns_beside_it_has_snippets_of_its_own() -> None:
    shared = "(shared) {\n    errors\n}\n"
    maps = [
        _map("coredns", Corefile=shared + COREFILE),
        _map("node-local-dns", Corefile=shared + ".:53 {\n    import shared\n}\n"),
        _map("coredns-custom", corp__server="corp.example {\n    import shared\n}\n"),
    ]
    (result,) = transparent_hosts.check(prod(), view(system_config_maps=maps))
    assert result.verdict is Verdict.OK


def test_other_ports_and_protocols_of_the_host_do_not_meet() -> None:
    zones = f"tls://{_HOST} https://{_HOST}:53 {_HOST}:5353"
    (result,) = _found(corp__server=_BLOCK.format(zone=zones))
    assert result.verdict is Verdict.OK


def test_a_name_under_the_host_that_another_key_answers_is_a_warning() -> None:
    (result,) = _found(corp__server=_BLOCK.format(zone=f"bucket.{_HOST}"))
    assert result.verdict is Verdict.WARN
    assert f"it answers bucket.{_HOST}, a name under" in result.what


def test_a_zone_out_of_the_environment_and_a_key_that_cannot_be_read_are_warnings() -> None:
    results = _found(corp__server=_BLOCK.format(zone="{$ZONE}"), other__server="corp.example {\n")
    assert [each.verdict for each in results] == [Verdict.WARN, Verdict.WARN]
    assert "whose value is in CoreDNS' environment" in results[0].what
    assert "a brace that is not closed" in results[1].what


@pytest.mark.parametrize(
    ("corefile", "where"),
    [
        ("", "kube-system"),
        (_NO_IMPORT, "ConfigMap coredns, key Corefile"),
        # Within a block only: a server block cannot stand there.
        (_NO_IMPORT.replace("*.override", "*.server"), "ConfigMap coredns, key Corefile"),
    ],
)
def test_a_dns_that_reads_no_server_key_would_leave_traffic_to_the_nodes(
    corefile: str, where: str
) -> None:
    (result,) = _found(corefile=corefile)
    assert (result.verdict, result.where) == (Verdict.FAIL, where)
    assert "by their nodes' own addresses" in result.what


@pytest.mark.parametrize("domain", ["amazonaws.com", f"k8s.{_HOST}", _HOST])
def test_a_cluster_domain_that_overlaps_a_transparent_host_is_a_failure(domain: str) -> None:
    (result,) = _found(corefile=COREFILE.replace("cluster.local", domain))
    assert result.verdict is Verdict.FAIL
    assert f"the cluster's own names end in {domain}" in result.what


def test_a_node_whose_name_is_under_a_transparent_host_is_a_failure() -> None:
    (result,) = _found(nodes=f"191.101.1.3 styx.{_HOST}\n192.168.2.80 calypso # {_HOST}\n")
    assert (result.verdict, result.where) == (Verdict.FAIL, f"node styx.{_HOST}")


def test_without_a_transparent_host_nothing_is_asked() -> None:
    document = prod().model_dump(mode="json", by_alias=True)
    for each in document["egress"]["destinations"]:
        each["transparent"] = False
    assert (
        list(transparent_hosts.check(Settings.model_validate_json(json.dumps(document)), view()))
        == []
    )


# As NodeLocal DNSCache has it (kubernetes, cluster/addons/dns/nodelocaldns).
_LOCAL = """cluster.local:53 {{
    bind 169.254.20.10
    forward . __PILLAR__CLUSTER__DNS__ {{
        force_tcp
    }}
}}
.:53 {{
    bind 169.254.20.10
    forward . {upstream}
}}
"""
_LOCAL_BLOCK = "{zone} {{\n    bind {bind}\n    forward . {upstream}\n}}\n"
_LOCAL_TO = "__PILLAR__CLUSTER__DNS__"


def _beside(corefile: str, name: str = "node-local-dns") -> list[PreflightFinding]:
    maps = [_map("coredns", Corefile=COREFILE), _map(name, Corefile=corefile)]
    return list(transparent_hosts.check(prod(), view(system_config_maps=maps)))


def _local(zone: str = "corp.example:53", bind: str = "169.254.20.10", to: str = _LOCAL_TO) -> str:
    block = _LOCAL_BLOCK.format(zone=zone, bind=bind, upstream=to)
    return block + _LOCAL.format(upstream="__PILLAR__UPSTREAM__SERVERS__")


@pytest.mark.parametrize(
    "corefile",
    [
        _local(),
        ".:53 {\n    forward . /etc/resolv.conf\n}\n",
        # A zone above the host goes the same way.
        _local(zone="amazonaws.com:53", to="10.9.0.53"),
        # Pods ask the address of the other blocks.
        _local(zone=f"{_HOST}:53", bind="10.9.0.1"),
        _local(zone=f"{_HOST}:5353"),
        # CoreDNS before 1.15 answers nobody with a block of that key.
        _local(zone=f"{_HOST.upper()}:53"),
        # And from 1.15 on this one is above the host.
        _LOCAL.format(upstream=_LOCAL_TO)
        + _LOCAL_BLOCK.format(zone="Amazonaws.com:53", bind="169.254.20.10", upstream="10.9.0.53"),
        # Where addresses' names are asked says nothing about the cluster's DNS.
        _local(zone="in-addr.arpa:53", to="__PILLAR__UPSTREAM__SERVERS__"),
        _local(zone=f"{_HOST}:53", to="__PILLAR__UPSTREAM__SERVERS__"),
        _local() + f"{_HOST}:53 {{\n    bind 169.254.20.10\n    hosts\n}}\n",
    ],
)
def test_a_dns_cache_on_the_nodes_that_passes_the_host_by_is_a_warning(corefile: str) -> None:
    (result,) = _beside(corefile)
    where = "ConfigMap node-local-dns, key Corefile"
    assert (result.verdict, result.where) == (Verdict.WARN, where)
    assert f"pods that ask this DNS reach {_HOST} by the node's own address" in result.what
    assert f"{_HOST}:53" in result.remedy
    assert "bind" in result.remedy
    assert "forward . __PILLAR__CLUSTER__DNS__" in result.remedy
    assert "remove transparent" in result.remedy
    assert "docs/runbooks/egress.md#" in result.remedy


def test_the_remedy_names_the_address_that_the_cache_has_for_the_cluster() -> None:
    (result,) = _beside(_local().replace("__PILLAR__CLUSTER__DNS__", "10.43.0.10"))
    assert "forward . 10.43.0.10" in result.remedy


@pytest.mark.parametrize(
    "corefile",
    [
        _local(zone=f"{_HOST}:53"),
        _local(zone=f"{_HOST}:53", to="10.43.0.10"),
        _local(zone="amazonaws.com:53"),
        _LOCAL.format(upstream="__PILLAR__CLUSTER__DNS__"),
        _LOCAL.replace("__PILLAR__CLUSTER__DNS__", "10.43.0.10").format(upstream="10.43.0.10"),
        # It forwards other names only, or reads the stack's key itself.
        ".:53 {\n    forward corp.example 10.9.0.53\n}\n",
        ".:5353 {\n    forward . 10.9.0.53\n}\n",
        ".:53 {\n    forward . 10.9.0.53\n}\nimport custom/*.server\n",
    ],
)
def test_a_dns_cache_that_asks_the_clusters_dns_for_the_host_is_fine(corefile: str) -> None:
    (result,) = _beside(corefile)
    assert result.verdict is Verdict.OK


def test_a_second_dns_that_reads_the_stacks_key_may_not_answer_the_host_either() -> None:
    (result,) = _beside("import custom/*.server\n" + _BLOCK.format(zone=_HOST), "edge-dns")
    assert (result.verdict, result.where) == (Verdict.FAIL, "ConfigMap edge-dns, key Corefile")
    assert f"it answers {_HOST} too" in result.what


@pytest.mark.parametrize(
    ("pattern", "verdict"),
    [
        *((each, Verdict.OK) for each in ("*", "*.server", "oceanid.server", "oceanid.*")),
        *((each, Verdict.FAIL) for each in ("*.override", "corp*.server", "corp.server")),
        ("oceanid.server.d", Verdict.FAIL),
    ],
)
def test_only_an_import_that_takes_in_the_stacks_key_counts(pattern: str, verdict: Verdict) -> None:
    (result,) = _found(corefile=COREFILE.replace("*.server", pattern))
    assert result.verdict is verdict
    assert (result.where == "ConfigMap coredns, key Corefile") == (verdict is Verdict.FAIL)


def test_only_the_keys_that_are_imported_are_compared() -> None:
    block = _BLOCK.format(zone=_HOST)
    own = COREFILE.replace("*.server", "oceanid.server")
    (result,) = _found(corefile=own, corp__server=block)
    assert result.verdict is Verdict.OK
    (result,) = _found(corefile=COREFILE.replace("*.server", "*"), corp__zone=block)
    assert (result.verdict, result.where) == (
        Verdict.FAIL,
        "ConfigMap coredns-custom, key corp.zone",
    )


def test_a_dns_of_the_cluster_without_the_import_fails_beside_one_that_has_it() -> None:
    name = "rke2-coredns-rke2-coredns"
    for maps in (
        [_map(name, Corefile=_NO_IMPORT), _map("coredns-old", Corefile=COREFILE)],
        [_map("coredns-old", Corefile=COREFILE), _map(name, Corefile=_NO_IMPORT)],
    ):
        (result,) = transparent_hosts.check(prod(), view(system_config_maps=maps))
        where = f"ConfigMap {name}, key Corefile"
        assert (result.verdict, result.where) == (Verdict.FAIL, where)
        assert "by their nodes' own addresses" in result.what


def test_an_import_in_a_file_that_is_not_the_clusters_dns_does_not_count() -> None:
    unused = ".:53 {\n    errors\n}\nimport custom/*.server\n"
    maps = [_map("coredns", Corefile=_NO_IMPORT), _map("unused", Corefile=unused)]
    (result,) = transparent_hosts.check(prod(), view(system_config_maps=maps))
    assert (result.verdict, result.where) == (Verdict.FAIL, "ConfigMap coredns, key Corefile")
    (result,) = transparent_hosts.check(prod(), view(system_config_maps=maps[1:]))
    assert (result.verdict, result.where) == (Verdict.FAIL, "kube-system")

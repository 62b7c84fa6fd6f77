"""Hosts, addresses, images, URLs and labels that would break an update half way are refused."""

from __future__ import annotations

import pytest

from tests.unit.wrong_settings import (
    Change,
    assert_refused,
    cluster,
    destination,
    egress_ip,
    exit_node,
    image,
    labels,
    more,
    ranges,
)

_REFUSED: dict[str, tuple[Change, str, str]] = {
    "one behind a transparent name": (
        more(host="bucket.s3.us-east-2.amazonaws.com"),
        'egress.destinations[2].host = "bucket.s3.us-east-2.amazonaws.com"',
        "answers it with the gateway's address, for s3",
    ),
    "the echo service behind a transparent name": (
        egress_ip("https://s3.us-east-2.amazonaws.com/ip"),
        "egress.egressIpUrl",
        "answers it with the gateway's address, for s3",
    ),
    "a transparent top-level domain": (
        more(host="com", transparent=True),
        'egress.destinations[2].host = "com"',
        "every name that ends in it",
    ),
    **{
        f"transparent {host}": (
            more(host=host, transparent=True),
            f'egress.destinations[2].host = "{host}"',
            rule,
        )
        for host, rule in {
            "cluster.local": "in a cluster or on a machine only",
            "db.cluster.local": "in a cluster or on a machine only",
            "apps.svc": "in a cluster or on a machine only",
            "co.uk": "every name that ends in it",
            "foo.ck": "every name that ends in it",
            "xn--p1ai": "every name that ends in it",
            "in-addr.arpa": "names of addresses itself",
            "42.10.in-addr.arpa": "names of addresses itself",
            "ip6.arpa": "names of addresses itself",
            "tailscale.com": "the tailnet's control plane, controlplane.tailscale.com,",
            "controlplane.tailscale.com": "through the gateway only",
            "api.pulumi.com": "the API of Pulumi ESC",
            "crunchybridge.com": "the API of CrunchyBridge",
        }.items()
    },
    "a host of the cluster": (
        destination(host="db.apps.svc.cluster.local"),
        'egress.destinations[0].host = "db.apps.svc.cluster.local"',
        "in a cluster or on a machine only",
    ),
    "the machine itself": (destination(host="localhost"), 'host = "localhost"', "only"),
    "a host in capitals": (
        destination(host="DB.example.org"),
        'egress.destinations[0].host = "DB.example.org"',
        "lower-case",
    ),
    "three numbers": (destination(host="10.1.2"), 'host = "10.1.2"', "nor an IPv4 address"),
    "a private address": (destination(host="10.1.2.3"), 'host = "10.1.2.3"', "keeps it from"),
    "a node's address": (destination(host="191.101.1.3"), 'host = "191.101.1.3"', "of a node"),
    "an address that needs no tunnel": (
        destination(host="192.200.0.7"),
        'host = "192.200.0.7"',
        "past the exit node",
    ),
    "no service range": (ranges(), "tailnet.serviceRanges = []", "no range"),
    "the whole internet as service range": (
        ranges("0.0.0.0/0"),
        'tailnet.serviceRanges[0] = "0.0.0.0/0"',
        "past the exit node",
    ),
    "overlapping ranges": (
        cluster(serviceCidr="10.42.128.0/17"),
        'cluster.serviceCidr = "10.42.128.0/17"',
        "overlaps cluster.podCidr, 10.42.0.0/16",
    ),
    "every address as the pods'": (
        cluster(podCidr="0.0.0.0/0"),
        'cluster.podCidr = "0.0.0.0/0"',
        "from /8 to /29",
    ),
    "a range without a second address": (
        cluster(serviceCidr="10.43.0.0/32"),
        'cluster.serviceCidr = "10.43.0.0/32"',
        "from /8 to /29",
    ),
    "a node inside the pods' range": (
        lambda c: c["nodes"][0].update(address="10.42.0.9"),
        'nodes[0].address = "10.42.0.9"',
        "lies in cluster.podCidr, 10.42.0.0/16",
    ),
    "an API server inside the Services' range": (
        cluster(apiServer="10.43.0.1:443"),
        'cluster.apiServer = "10.43.0.1"',
        "lies in cluster.serviceCidr",
    ),
    "one of several API servers inside the pods' range": (
        cluster(apiServer=["157.173.210.123:6443", "10.42.0.9:6443"]),
        'cluster.apiServer = "10.42.0.9"',
        "lies in cluster.podCidr",
    ),
    "one of several API servers without a port": (
        cluster(apiServer=["157.173.210.123:6443", "191.101.1.3"]),
        'cluster.apiServer[1] = "191.101.1.3"',
        "not an address with a port",
    ),
    "an API server twice": (
        cluster(apiServer=["[2001:db8::1]:6443", "[2001:db8:0::1]:6443"]),
        'cluster.apiServer[1] = "[2001:db8::1]:6443"',
        "given twice",
    ),
    "an empty list of API servers": (
        cluster(apiServer=[]),
        "cluster.apiServer = []",
        "remove the key",
    ),
    "an API server that is a number": (
        cluster(apiServer=6443),
        "cluster.apiServer = 6443",
        "not a list",
    ),
    "a destination that is the second API server": (
        cluster(apiServer=["157.173.210.123:6443", "18.116.211.217:6443"]),
        'egress.destinations[0].host = "18.116.211.217"',
        "the address of a node or of an API server",
    ),
    "a loopback address": (
        lambda c: c["nodes"][0].update(address="127.0.0.1"),
        'nodes[0].address = "127.0.0.1"',
        "other machines",
    ),
    "an address with a zone": (
        lambda c: c["nodes"][0].update(address="fe80::1%eth0"),
        'nodes[0].address = "fe80::1%eth0"',
        "other machines",
    ),
    "an IPv4 address in IPv6": (
        exit_node(egressAddress="::ffff:157.173.210.123"),
        'exitNodes[0].egressAddress = "::ffff:157.173.210.123"',
        "other machines",
    ),
    "a port that is none": (
        cluster(apiServer="157.173.210.123:6_443"),
        'cluster.apiServer = "157.173.210.123:6_443"',
        "not an address with a port",
    ),
    "an image in capitals": (image("Envoy:v1.40.0"), "egress.envoyImage", "can be pulled"),
    "an image with a space": (image("an image:v1.40.0"), "egress.envoyImage", "can be pulled"),
    "a tag with a plus": (image("envoy:v1.40.0+k3s1"), "egress.envoyImage", "can be pulled"),
    "a tag that moves": (image("envoy:v1.40.0-latest"), "egress.envoyImage", "not pinned"),
    "a URL with a port that is none": (
        egress_ip("https://ipinfo.io:99999/ip"),
        "egress.egressIpUrl",
        "URL",
    ),
    "a URL with a line feed": (
        egress_ip("https://ipinfo.io/ip\nX: y"),
        "egress.egressIpUrl",
        "URL",
    ),
    "a URL with a password": (egress_ip("https://:word@ipinfo.io/ip"), "egress.egressIpUrl", "URL"),
    "an echo service in the cluster": (
        egress_ip("http://echo.apps.svc/ip"),
        "egress.egressIpUrl",
        "in a cluster",
    ),
    "a label's name with a space": (labels(**{"a b": "c"}), "nodes[0].labels", "name of a label"),
    "a destination at the port of DNS": (
        more(port=53),
        "egress.destinations[2].port = 53",
        "traffic could go past the exit node",
    ),
    "an IPv6 API server without brackets": (
        cluster(apiServer="2001:db8::1:6443"),
        'cluster.apiServer = "2001:db8::1:6443"',
        "not an address with a port",
    ),
    "a label's value with a space": (labels(role="the exit"), "nodes[0].labels", "(role)"),
    "a long label's value": (labels(role="x" * 64), "nodes[0].labels", "up to 63"),
    "the label that gateways find nodes by": (
        labels(**{"kubernetes.io__hostname": "styx"}),
        "nodes[0].labels",
        "the kubelet sets it",
    ),
    "a label of monitoring": (
        lambda c: c["monitoring"].update(labels={"release": "kube prometheus"}),
        "monitoring.labels",
        "value of a label (release)",
    ),
    "a probe of what is not HTTPS": (
        destination(probe="s3"),
        'egress.destinations[0] = "s3"',
        "goes with HTTPS only",
    ),
    "an interval after which a sample is stale": (
        lambda c: c["monitoring"].update(egressIpInterval="5m"),
        'monitoring.egressIpInterval = "5m"',
        "not 30 s to 290 s",
    ),
    "the whole internet admitted": (
        lambda c: c["firewall"].update(extra=[{"cidr": "0.0.0.0/0", "description": "all"}]),
        'firewall.extra[0].cidr = "0.0.0.0/0"',
        "it admits the whole internet",
    ),
    "a range that the rule firewall-range refuses": (
        lambda c: c["firewall"].update(extra=[{"cidr": "8.8.0.0/16", "description": "much"}]),
        "firewall.extra[0].cidr",
        "wider than /24",
    ),
}


@pytest.mark.parametrize("case", _REFUSED)
def test_what_would_break_an_update_is_refused_with_its_rule(case: str) -> None:
    assert_refused(*_REFUSED[case])

"""Where a stand-in provider may be used: in a lab, whose outside services are all on this machine.

A stand-in for a provider was written for this project's lab. On a real fleet it would leave
resources and state behind that the real provider does not know. So a stand-in refuses to be
configured, and `oceanid` to start an engine that has stand-ins, unless all outside services that
the environment names are on loopback, as those of `oceanid lab up` are. The name of the stack does
not count.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from providers.plugin.loopback import is_on_loopback
from providers.plugin.variables import CRUNCHYBRIDGE_BASE_URL, KUBECONFIG, TAILSCALE_BASE_URL

# Each has the service's own address as its default, so one that is not set is not the lab's.
_ADDRESSES = (TAILSCALE_BASE_URL, CRUNCHYBRIDGE_BASE_URL)
# What to do about a refusal, as the end of its line.
REMEDY = (
    "Install the official Pulumi CLI (https://www.pulumi.com/docs/install), which brings the real "
    "providers, and run the command again"
)


def not_of_a_lab(environment: Mapping[str, str]) -> str | None:
    """What in the environment is not a lab's, in a few words; None when everything is."""
    return next(_outside(environment), None)


def _outside(environment: Mapping[str, str]) -> Iterator[str]:
    for name in _ADDRESSES:
        url = environment.get(name)
        if not url:
            yield f"{name} is not set"
        elif not is_on_loopback(url):
            yield f"{name} does not lead to this machine"
    paths = [path for path in environment.get(KUBECONFIG, "").split(os.pathsep) if path]
    if not paths:
        yield f"{KUBECONFIG} is not set"
    for path in paths:
        yield from _outside_clusters(path)


def _outside_clusters(path: str) -> Iterator[str]:
    """What is wrong with a kubeconfig that is to be a lab's: it has that one cluster only."""
    try:
        clusters = yaml.safe_load(Path(path).read_bytes())["clusters"]
        servers = [str(cluster["cluster"]["server"]) for cluster in clusters]
    except (OSError, yaml.YAMLError, ValueError, KeyError, TypeError):
        yield f"{KUBECONFIG} names a file that is not a kubeconfig"
        return
    if not servers:
        yield f"{KUBECONFIG} names no cluster"
    if not all(map(is_on_loopback, servers)):
        yield f"{KUBECONFIG} names a cluster that is not on this machine"

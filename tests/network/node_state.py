"""What a node's network is made of, as lines to compare: links, rules, routes, filters."""

import re

from workshop.lab.network.namespace import Namespace

# What Kubernetes changes whenever a pod or a Service comes or goes, and what tests count with.
_KUBERNETES = re.compile(r"KUBE-|CNI-|veth|cni0|kube-router|10\.4[23]\.")
_OWN_TABLES = {"oceanid", "wire", "counted"}
_SYSCTLS = ("net.ipv4.conf.all.src_valid_mark", "net.ipv4.ip_forward")
_SAVED = ("iptables-legacy-save", "ip6tables-legacy-save")


def state(node: Namespace) -> set[str]:
    """A line for everything there; without counters, and without what Kubernetes itself changes."""
    found = {
        *(f"link {line}" for line in _links(node)),
        *(
            f"{family} {line}"
            for family in ("-4", "-6")
            for what in ("rule", "route")
            for line in _shown(node, family, what)
        ),
        *_nftables(node),
        *_iptables(node),
        *(f"sysctl {line}" for line in node.run(["sysctl", *_SYSCTLS]).splitlines()),
    }
    return {line for line in found if not _KUBERNETES.search(line)}


def _links(node: Namespace) -> list[str]:
    lines = node.run(["ip", "-o", "link"]).splitlines()
    return [line.split(": ")[1].split("@")[0] for line in lines]


def _shown(node: Namespace, family: str, what: str) -> list[str]:
    command = ["ip", family, what, *(["show", "table", "all"] if what == "route" else [])]
    return [f"{what} {' '.join(line.split())}" for line in node.run(command).splitlines()]


def _nftables(node: Namespace) -> set[str]:
    """Rules, and the chains that others jump to; an empty chain at a hook does nothing."""
    found = set()
    table = chain = ""
    for line in node.run(["nft", "-s", "list", "ruleset"]).splitlines():
        words = line.split()
        if words[:1] == ["table"]:
            table = f"{words[1]} {words[2]}"
        elif words[:1] == ["chain"]:
            chain = words[1]
            if chain.startswith("ts-"):
                found.add(f"nft {table} {chain}")
        elif words and words != ["}"] and words[0] != "type" and not _own(table):
            found.add(f"nft {table} {chain}: {' '.join(words)}")
    return found


def _own(table: str) -> bool:
    return table.rsplit(maxsplit=1)[-1] in _OWN_TABLES


def _iptables(node: Namespace) -> set[str]:
    found = set()
    for command in _SAVED:
        table = ""
        for line in node.run([command]).splitlines():
            if line.startswith("*"):
                table = line[1:]
            elif line.startswith(("-A", ":")) and not re.match(r":[A-Z]+ ACCEPT", line):
                found.add(f"{command.removesuffix('-legacy-save')} {table} {line.split(' [')[0]}")
    return found

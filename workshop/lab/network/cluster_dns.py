"""The cluster's DNS: CoreDNS with k3s' configuration, and names from here in place of its API."""

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from workshop.lab.home import BIN
from workshop.lab.network.node import PodSandbox
from workshop.lab.network.plan import RESOLVER
from workshop.lab.network.process import Process

NAMESPACE, LABELS = "kube-system", {"k8s-app": "kube-dns"}
DOMAIN = "cluster.local"


@dataclass(kw_only=True)
class ClusterDns:
    """One CoreDNS in a pod's namespace."""

    sandbox: PodSandbox
    folder: Path
    process: Process | None = None
    _files: Mapping[str, str] = field(default_factory=dict)

    def serve(self, names: Mapping[str, Sequence[IPv4Address]], custom: Mapping[str, str]) -> None:
        """Answer these names below cluster.local, and what the `custom` files say.

        `custom` is the data of k3s' ConfigMap coredns-custom: keys end in `.server`. New names are
        taken up within half a second; other files make it start anew.
        """
        self.folder.mkdir(exist_ok=True)
        hosts = self.folder / "hosts"
        partial = self.folder / "hosts.partial"
        partial.write_text(
            "".join(f"{each} {name}.{DOMAIN}\n" for name, found in names.items() for each in found)
        )
        partial.rename(hosts)
        files = {key: text for key, text in custom.items() if key.endswith(".server")}
        if self.process is not None and files == self._files:
            return
        self.end()
        self._files = files
        for old in self.folder.glob("*.server"):
            old.unlink()
        for key, text in files.items():
            (self.folder / key).write_text(text)
        corefile = self.folder / "Corefile"
        corefile.write_text(
            f"{DOMAIN}:53 {{\n    errors\n    hosts {hosts} {DOMAIN} {{\n"
            "        ttl 5\n        reload 500ms\n    }\n}\n"
            f".:53 {{\n    errors\n    forward . {RESOLVER}\n}}\n"
            # As in k3s' own Corefile.
            f"import {self.folder}/*.server\n"
        )
        self.process = Process.start(
            "coredns",
            self.sandbox.namespace,
            [str(BIN / "coredns"), "-conf", str(corefile)],
            log=self.folder / "coredns.log",
        )
        self.process.until(self._answers, "answering")

    def _answers(self) -> bool:
        with self.sandbox.namespace.entered():
            try:
                socket.create_connection((str(self.sandbox.address), 53), timeout=1).close()
            except OSError:
                return False
        return True

    def end(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.kill()

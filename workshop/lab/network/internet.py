"""The servers of the lab's internet: the sites, their names, and the tailnet's service."""

import secrets
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from workshop.lab.home import BIN, REPOSITORY
from workshop.lab.network.namespace import Namespace
from workshop.lab.network.plan import (
    CONTROL,
    DATABASE,
    ECHO,
    NAMES,
    RELAY,
    RESOLVER,
    S3,
    TAILNET_API,
    TAILNET_LOGS,
)
from workshop.lab.network.process import Process, python, python_environment
from workshop.lab.pki import Authority, Pair
from workshop.lab.private_file import write_private

_STAND_IN_PORT = 8080
_TLS_PORT, _DNS_PORT, _DATABASE_PORT = 443, 53, 5432
_POLICY = REPOSITORY / "workshop" / "lab" / "tailnet-policy.hujson"


@dataclass(kw_only=True)
class Internet:
    """What runs in the internet's namespace. `folder` keeps keys, state and logs."""

    namespace: Namespace
    folder: Path
    authority: Authority
    processes: dict[str, Process]

    @classmethod
    def start(cls, namespace: Namespace, folder: Path) -> "Internet":
        """Start every server and wait until each listens; raises LabError where one does not."""
        folder.mkdir(mode=0o700, parents=True)
        authority = Authority(folder=folder, name="public-ca")
        internet = cls(namespace=namespace, folder=folder, authority=authority, processes={})
        internet._start()
        return internet

    @property
    def api_key(self) -> str:
        """The key of the stand-in of Tailscale's API."""
        return (self.folder / "api-key").read_text().strip()

    def _start(self) -> None:
        hosts = (*NAMES, f"*.{S3.host}")
        pair = self.authority.issue("sites", user="oceanid lab sites", hosts=hosts)
        names = "".join(f"{address} {name}\n" for name, address in NAMES.items())
        (self.folder / "hosts").write_text(names)
        (self.folder / "Corefile").write_text(corefile(self.folder / "hosts"))
        write_private(self.folder / "api-key", "-".join(("tskey", "api", secrets.token_hex(8))))
        self._run("sites", _sites(pair))
        self._run("s3", _s3(pair))
        self._run("resolver", [str(BIN / "coredns"), "-conf", str(self.folder / "Corefile")])
        self._run("tailscale-api", self._stand_in())
        for name, address, port in (
            ("sites", str(ECHO.address), _TLS_PORT),
            ("sites", str(DATABASE.address), _DATABASE_PORT),
            ("resolver", str(RESOLVER), _DNS_PORT),
            ("tailscale-api", "127.0.0.1", _STAND_IN_PORT),
        ):
            self._until_listening(name, address, port)
        self._run("tailnet", _tailnet(pair))
        self._until_listening("tailnet", str(CONTROL), _TLS_PORT)
        self._until_listening("s3", str(S3.address), _TLS_PORT)

    def _stand_in(self) -> list[str]:
        return python(
            "workshop.lab.tailscale_api",
            f"--port={_STAND_IN_PORT}",
            f"--state={self.folder / 'tailnet.json'}",
            f"--credentials={self.folder / 'api-key'}",
            f"--policy={_POLICY}",
        )

    def _run(self, name: str, argv: list[str]) -> None:
        self.processes[name] = Process.start(
            name,
            self.namespace,
            argv,
            log=self.folder / f"{name}.log",
            environment=python_environment(),
        )

    def _until_listening(self, name: str, address: str, port: int) -> None:
        def listening() -> bool:
            with self.namespace.entered():
                try:
                    socket.create_connection((address, port), timeout=1).close()
                except OSError:
                    return False
            return True

        self.processes[name].until(listening, f"listening at {address}:{port}", seconds=60)

    def tailnet_api(self) -> httpx.Client:
        """A client of the stand-in, as its administrator.

        Its connections are made in the internet's namespace: use it inside `namespace.entered()`.
        """
        return httpx.Client(
            base_url=f"http://127.0.0.1:{_STAND_IN_PORT}",
            auth=(self.api_key, ""),
            timeout=10,
            trust_env=False,
            # None is kept: the next call may come from another thread's namespace.
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def end(self) -> None:
        """End every server."""
        for process in self.processes.values():
            process.kill()


def _sites(pair: Pair) -> list[str]:
    return python(
        "workshop.lab.network.sites", f"--certificate={pair.certificate}", f"--key={pair.key}"
    )


def _s3(pair: Pair) -> list[str]:
    where = ["-H", str(S3.address), "-p", str(_TLS_PORT)]
    tls = ["--ssl-cert", str(pair.certificate), "--ssl-key", str(pair.key)]
    return [sys.executable, "-m", "moto.server", *where, *tls]


def _tailnet(pair: Pair) -> list[str]:
    return [
        str(BIN / "lab-control"),
        f"-control={CONTROL}",
        f"-api={TAILNET_API}",
        f"-logs={TAILNET_LOGS}",
        f"-relay={RELAY}",
        f"-cert={pair.certificate}",
        f"-key={pair.key}",
        f"-stand-in=http://127.0.0.1:{_STAND_IN_PORT}",
    ]


def corefile(hosts: Path) -> str:
    """The configuration of the internet's resolver: the names of the file `hosts`, no others."""
    return (
        f".:53 {{\n    bind {RESOLVER}\n    errors\n"
        f"    hosts {hosts} {{\n        fallthrough\n    }}\n"
        "    template ANY ANY {\n        rcode NXDOMAIN\n    }\n}\n"
    )

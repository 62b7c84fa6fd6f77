"""The servers of the lab's internet, as lab services in its namespace.

Each is at its real name, with a certificate of the authority that the lab's images trust. The
stand-ins of APIs listen on the namespace's loopback, where the lab's own ports lead to them, and
are reached at their names by a front that speaks TLS.
"""

import sys
from pathlib import Path

from components.cluster.variables import ESC_API_URL_IN_CLUSTER
from workshop.lab import stand_ins
from workshop.lab.home import BIN, REPOSITORY, Home
from workshop.lab.network.plan import (
    CONTROL,
    CRUNCHYBRIDGE,
    NAMES,
    PULUMI,
    RELAY,
    RESOLVER,
    S3,
    TAILNET_API,
    TAILNET_LOGS,
)
from workshop.lab.pki import Authority
from workshop.lab.processes import Service

PORTS = {"tailscale-api": 8080, "crunchybridge-api": 8081, "pulumi-esc": 8082}
"""Of the stand-ins of APIs, on the loopback of the internet's namespace."""
_FRONTS = {CRUNCHYBRIDGE.address: "crunchybridge-api", PULUMI.address: "pulumi-esc"}


def services(home: Home, namespace: str, trusted: Authority) -> list[Service]:
    """In the order in which they are to start; `namespace` stands for the internet's."""
    folder = home.path / "internet"
    folder.mkdir(mode=0o700, exist_ok=True)
    pair = trusted.issue("sites", user="oceanid lab sites", hosts=(*NAMES, f"*.{S3.host}"))
    tls = (f"--certificate={pair.certificate}", f"--key={pair.key}")
    hosts = folder / "hosts"
    hosts.write_text("".join(f"{address} {name}\n" for name, address in NAMES.items()))
    (folder / "Corefile").write_text(_corefile(hosts))
    fronts = (f"--front={address}={PORTS[name]}" for address, name in _FRONTS.items())
    s3_tls = ("--ssl-cert", str(pair.certificate), "--ssl-key", str(pair.key))
    argvs = {
        **{name: stand_ins.api_command(home, name, port) for name, port in PORTS.items()},
        "sites": _python("workshop.lab.network.sites", *tls, *fronts),
        "s3": _python("moto.server", "-H", str(S3.address), "-p", "443", *s3_tls),
        "resolver": (str(BIN / "coredns"), "-conf", str(folder / "Corefile")),
        "tailnet": (
            str(BIN / "lab-control"),
            f"-control={CONTROL}",
            f"-api={TAILNET_API}",
            f"-logs={TAILNET_LOGS}",
            f"-relay={RELAY}",
            f"-cert={pair.certificate}",
            f"-key={pair.key}",
            f"-stand-in=http://127.0.0.1:{PORTS['tailscale-api']}",
            f"-state={home.path / 'tailnet.json'}",
        ),
    }
    return [
        Service(
            name=name,
            argv=argv,
            namespace=namespace,
            environment={"PYTHONPATH": str(REPOSITORY)},
        )
        for name, argv in argvs.items()
    ]


def environment(home: Home) -> dict[str, str]:
    """What a program needs in its environment to use the stand-ins as it would the real APIs."""
    # Pods have no way to this machine's loopback.
    in_cluster = {ESC_API_URL_IN_CLUSTER: f"https://{PULUMI.host}/api/esc"}
    return stand_ins.environment(home) | in_cluster


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _corefile(hosts: Path) -> str:
    """The configuration of the internet's resolver: the names of the file `hosts`, no others."""
    return (
        f".:53 {{\n    bind {RESOLVER}\n    errors\n"
        f"    hosts {hosts} {{\n        fallthrough\n    }}\n"
        "    template ANY ANY {\n        rcode NXDOMAIN\n    }\n}\n"
    )

"""The lab's own certificate authorities, certificates and signing keys.

Made once and kept, because kubeconfigs and running processes hold on to them. Nothing here is
trusted by anything outside the lab.
"""

import base64
import secrets
from dataclasses import dataclass
from pathlib import Path

import trustme
import yaml

from workshop.lab.private_file import write_private

_OWN_HOSTS = ("127.0.0.1", "localhost", "kubernetes.default.svc")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Paths of a certificate and its key, both PEM."""

    certificate: Path
    key: Path


@dataclass(frozen=True, kw_only=True)
class Authority:
    """A certificate authority kept in a folder."""

    folder: Path
    name: str

    @property
    def pair(self) -> Pair:
        """The authority's own certificate and key, made when they are not there."""
        pair = _paths(self.folder, self.name)
        if not pair.certificate.exists():
            name = f"oceanid lab {self.name}"
            authority = trustme.CA(path_length=0, organization_unit_name=name)
            _write(pair, authority.cert_pem, authority.private_key_pem)
        return pair

    def issue(
        self, name: str, *, user: str, group: str | None = None, hosts: tuple[str, ...] = ()
    ) -> Pair:
        """A certificate for `user` in `group`, and for a server at 127.0.0.1 and `hosts`.

        `hosts` are further names and addresses that the server is reached by.
        """
        pair = _paths(self.folder, name)
        if not pair.certificate.exists():
            own = self.pair
            authority = trustme.CA.from_pem(own.certificate.read_bytes(), own.key.read_bytes())
            leaf = authority.issue_cert(
                *_OWN_HOSTS, *hosts, common_name=user, organization_name=group
            )
            _write(pair, leaf.cert_chain_pems[0], leaf.private_key_pem)
        return pair


def signing_key(folder: Path, name: str) -> Path:
    """An EC private key in PEM, for tokens of service accounts."""
    path = folder / f"{name}.key"
    if not path.exists():
        write_private(path, trustme.CA().private_key_pem.bytes().decode())
    return path


def encryption_config(folder: Path) -> Path:
    """The API server's configuration that keeps Secrets encrypted in etcd."""
    path = folder / "encryption.yaml"
    if not path.exists():
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        document = {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "EncryptionConfiguration",
            "resources": [
                {
                    "resources": ["secrets"],
                    "providers": [
                        {"secretbox": {"keys": [{"name": "lab", "secret": key}]}},
                        {"identity": {}},
                    ],
                }
            ],
        }
        write_private(path, yaml.safe_dump(document))
    return path


def kubeconfig(path: Path, *, server: str, authority: Pair, client: Pair) -> None:
    """Write a kubeconfig that carries its certificates, so that it works from anywhere."""

    def encoded(file: Path) -> str:
        return base64.b64encode(file.read_bytes()).decode()

    name = "oceanid-lab"
    user = {
        "client-certificate-data": encoded(client.certificate),
        "client-key-data": encoded(client.key),
    }
    cluster = {"server": server, "certificate-authority-data": encoded(authority.certificate)}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    write_private(path, yaml.safe_dump(document))


def _paths(folder: Path, name: str) -> Pair:
    return Pair(certificate=folder / f"{name}.crt", key=folder / f"{name}.key")


def _write(pair: Pair, certificate: trustme.Blob, key: trustme.Blob) -> None:
    # The certificate last: where it stands, its key stands too.
    write_private(pair.key, key.bytes().decode())
    write_private(pair.certificate, certificate.bytes().decode())

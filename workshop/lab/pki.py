"""The lab's own certificate authorities, certificates and signing keys.

Made once and kept, because kubeconfigs and running processes hold on to them. Nothing here is
trusted by anything outside the lab.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
import secrets
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.private_file import write_private

_YEARS = 10
_CLIENT_AND_SERVER = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH)


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
            key = ec.generate_private_key(ec.SECP256R1())
            name = _subject(f"oceanid lab {self.name}", ())
            certificate = (
                _builder(name, name, key)
                .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                .add_extension(_usage(signs_certificates=True), critical=True)
                .sign(key, hashes.SHA256())
            )
            _write(pair, certificate, key)
        return pair

    def issue(
        self,
        name: str,
        *,
        user: str,
        groups: tuple[str, ...] = (),
        server: bool,
        hosts: tuple[str, ...] = (),
    ) -> Pair:
        """A certificate for `user` in `groups`; with `server`, for 127.0.0.1 and `hosts` as well.

        `hosts` are further names and addresses that the server is reached by.
        """
        pair = _paths(self.folder, name)
        if pair.certificate.exists():
            return pair
        own = self.pair
        issuer = x509.load_pem_x509_certificate(own.certificate.read_bytes())
        signer = serialization.load_pem_private_key(own.key.read_bytes(), password=None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)  # noqa: S101  made by this class
        key = ec.generate_private_key(ec.SECP256R1())
        usages = _CLIENT_AND_SERVER if server else _CLIENT_AND_SERVER[:1]
        builder = (
            _builder(_subject(user, groups), issuer.subject, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        )
        if server:
            every = ("127.0.0.1", "localhost", "kubernetes.default.svc", *hosts)
            names = [_host(each) for each in every]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        _write(pair, builder.sign(signer, hashes.SHA256()), key)
        return pair


def signing_key(folder: Path, name: str) -> Path:
    """An EC private key in PEM, for tokens of service accounts."""
    path = folder / f"{name}.key"
    if not path.exists():
        write_private(path, _pem(ec.generate_private_key(ec.SECP256R1())))
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


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _subject(user: str, groups: tuple[str, ...]) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, user)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=365 * _YEARS))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def _write(pair: Pair, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    # The certificate last: where it stands, its key stands too.
    write_private(pair.key, _pem(key))
    write_private(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM).decode())

"""Where a context's API server is, and the credential for it, by the kubeconfig.

As kubectl reads it: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from operations.errors import RequestError
from operations.kubernetes import exec_plugin

_DEFAULT = "~/.kube/config"
_Section = TypeVar("_Section", bound="BaseModel")


@dataclass(frozen=True, kw_only=True)
class Connection:
    """An API server, and what each request to it takes along; `tls` is None for plain HTTP."""

    server: str
    tls: ssl.SSLContext | None
    tls_server_name: str | None
    proxy: str | None
    headers: tuple[tuple[str, str], ...]


class _Kebab(BaseModel):
    """A section of the kubeconfig; what is not listed here is of no matter to requests."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))


class _Context(_Kebab):
    cluster: str
    user: str = ""


class _Cluster(_Kebab):
    server: str
    certificate_authority: str | None = None
    certificate_authority_data: str | None = None
    insecure_skip_tls_verify: bool = False
    tls_server_name: str | None = None
    proxy_url: str | None = None
    extensions: list[dict[str, Any]] | None = None


class _User(_Kebab):
    client_certificate: str | None = None
    client_certificate_data: str | None = None
    client_key: str | None = None
    client_key_data: str | None = None
    token: str | None = None
    token_file: str | None = Field(default=None, alias="tokenFile")
    impersonate: str | None = Field(default=None, alias="as")
    as_groups: list[str] | None = None
    exec: exec_plugin.Plugin | None = None
    auth_provider: dict[str, Any] | None = None


def connection(context: str, environment: Mapping[str, str], *, seconds: float) -> Connection:
    """How to reach the context's API server; a plugin that logs in has `seconds` for it.

    Raises RequestError.
    """
    files = list(_files(environment))
    try:
        chosen, _ = _section(files, "context", context, _Context)
        cluster, cluster_folder = _section(files, "cluster", chosen.cluster, _Cluster)
        user, user_folder = _User(), Path()
        if chosen.user and any(_entries(files, "user", chosen.user)):
            user, user_folder = _section(files, "user", chosen.user, _User)
        if user.auth_provider is not None:
            raise RequestError("the user's auth-provider: Kubernetes has removed these, use exec")
        authority = _pem(
            cluster.certificate_authority_data, cluster.certificate_authority, cluster_folder
        )
        certificate = _pem(user.client_certificate_data, user.client_certificate, user_folder)
        key = _pem(user.client_key_data, user.client_key, user_folder)
        token = user.token
        if user.token_file is not None:
            token = (user_folder / user.token_file).read_text().strip()
        if user.exec is not None and not token and certificate is None:
            credential = exec_plugin.credential(
                user.exec,
                folder=user_folder,
                cluster=_cluster_info(cluster, authority),
                environment=environment,
                seconds=seconds,
            )
            token, certificate, key = credential.token, credential.certificate, credential.key
        tls = _tls(cluster, authority, certificate, key) if _is_https(cluster) else None
    except (OSError, ValueError) as error:
        # OSError is that of the ssl module, too.
        raise RequestError(f"the kubeconfig's context {context}: {error}") from None
    if cluster.proxy_url and cluster.tls_server_name:
        raise RequestError(f"the cluster {chosen.cluster}: proxy-url together with tls-server-name")
    return Connection(
        server=cluster.server,
        tls=tls,
        tls_server_name=cluster.tls_server_name,
        proxy=cluster.proxy_url,
        headers=tuple(_headers(user, token)),
    )


def _files(environment: Mapping[str, str]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The folder and text of each kubeconfig; of two sections of one name the first counts."""
    paths = environment.get("KUBECONFIG") or _DEFAULT
    for path in (Path(path).expanduser() for path in paths.split(os.pathsep) if path):
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue  # of a list, some may be absent
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise RequestError(f"kubeconfig {path}: {_place(error)}") from None
        if not isinstance(document, dict):
            raise RequestError(f"kubeconfig {path}: not a mapping")
        yield path.absolute().parent, document


def _place(error: Exception) -> str:
    """An error without the text around it, which may be a credential."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return f"not valid YAML at line {mark.line + 1}"
    return str(getattr(error, "strerror", None) or "not valid YAML")


def _entries(
    files: list[tuple[Path, dict[str, Any]]], what: str, name: str
) -> Iterator[tuple[Path, Any]]:
    for folder, document in files:
        entries = document.get(f"{what}s")
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and entry.get("name") == name:
                yield folder, entry.get(what)


def _section(
    files: list[tuple[Path, dict[str, Any]]], what: str, name: str, model: type[_Section]
) -> tuple[_Section, Path]:
    for folder, section in _entries(files, what, name):
        try:
            return model.model_validate(section or {}), folder
        except ValidationError as error:
            # Not the whole error: it quotes what was given.
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise RequestError(f"kubeconfig: {what} {name}: {where}: {first['msg']}") from None
    raise RequestError(f"the kubeconfig has no {what} {name}")


def _pem(data: str | None, path: str | None, folder: Path) -> str | None:
    """A certificate or key as text; the kubeconfig holds it, or names a file next to it."""
    if data:
        return base64.b64decode(data, validate=True).decode()
    return (folder / path).read_text() if path else None


def _is_https(cluster: _Cluster) -> bool:
    return cluster.server.lower().startswith("https://")


def _tls(
    cluster: _Cluster, authority: str | None, certificate: str | None, key: str | None
) -> ssl.SSLContext:
    # Without an authority of its own, that of the system.
    context = ssl.create_default_context(cadata=authority)
    # Python 3.13 asks more of certificates than kubectl does.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if cluster.insecure_skip_tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        # The ssl module reads files only. This one is the user's alone, and gone at once.
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(f"{certificate}\n{key or ''}")
            file.flush()
            context.load_cert_chain(file.name)
    return context


def _cluster_info(cluster: _Cluster, authority: str | None) -> dict[str, Any]:
    """The cluster as a plugin is told of it (client.authentication.k8s.io/v1, Cluster)."""
    config = next(
        (
            extension.get("extension")
            for extension in cluster.extensions or []
            if extension.get("name") == "client.authentication.k8s.io/exec"
        ),
        None,
    )
    given = {
        "server": cluster.server,
        "tls-server-name": cluster.tls_server_name,
        "insecure-skip-tls-verify": cluster.insecure_skip_tls_verify or None,
        "certificate-authority-data": authority and base64.b64encode(authority.encode()).decode(),
        "proxy-url": cluster.proxy_url,
        "config": config,
    }
    return {key: value for key, value in given.items() if value is not None}


def _headers(user: _User, token: str | None) -> Iterator[tuple[str, str]]:
    if token:
        yield "Authorization", f"Bearer {token}"
    if user.impersonate:
        yield "Impersonate-User", user.impersonate
    for group in user.as_groups or []:
        yield "Impersonate-Group", group

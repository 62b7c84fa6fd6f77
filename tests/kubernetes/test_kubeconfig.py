"""Each way of a kubeconfig to reach an API server and to log in, and one line where it is wrong."""

import base64
import json
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from operations.errors import RequestError
from operations.kubernetes.client import KubernetesClient
from tests.kubernetes_api import ApiServer, api_server, kubeconfig
from workshop.lab.pki import Authority

_SECRET = "not-to-be-printed"
_CONTEXT = "contexts: [{name: oceanid-lab, context: {cluster: c, user: u}}]"
_CLUSTER = f"{_CONTEXT}\nclusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:1'}}}}]"
_USER = f"{_CLUSTER}\nusers: [{{name: u, user:"
_V1 = "client.authentication.k8s.io/v1"


def _ask(path: str, context: str = "oceanid-lab", **environment: str) -> None:
    given = {**os.environ, "KUBECONFIG": path, **environment}
    with KubernetesClient(context=context, environment=given) as client:
        client.get("/version")


def _authorization(server: ApiServer) -> str | None:
    return server.requests[-1].headers.get("Authorization")


@contextmanager
def _tls(folder: Path, *hosts: str) -> Iterator[tuple[ApiServer, Authority]]:
    """An API server that asks for a client certificate."""
    authority = Authority(folder=folder, name="ca")
    pair = authority.issue("server", user="api", hosts=hosts)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    context.load_verify_locations(authority.pair.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    with api_server(tls=context) as server:
        yield server, authority


def _data(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def test_a_certificate_by_data_or_by_a_path_beside_the_kubeconfig(tmp_path: Path) -> None:
    with _tls(tmp_path) as (server, authority):
        pair, own = authority.issue("me", user="me"), authority.pair.certificate
        cluster = {"server": server.url}
        inside = {
            "client_certificate_data": _data(pair.certificate),
            "client_key_data": _data(pair.key),
        }
        before = set(Path("/tmp").glob("*.pem"))
        _ask(kubeconfig(tmp_path, {**cluster, "certificate-authority-data": _data(own)}, **inside))
        assert set(Path("/tmp").glob("*.pem")) <= before, "a key is left behind"
        beside = {
            "client_certificate": pair.certificate.relative_to(tmp_path).as_posix(),
            "client_key": pair.key.relative_to(tmp_path).as_posix(),
        }
        by_path = {**cluster, "certificate-authority": own.relative_to(tmp_path).as_posix()}
        _ask(kubeconfig(tmp_path, by_path, **beside))
        with pytest.raises(RequestError, match="CERTIFICATE_VERIFY_FAILED"):
            _ask(kubeconfig(tmp_path, cluster, **inside))
        _ask(kubeconfig(tmp_path, {**cluster, "insecure-skip-tls-verify": True}, **inside))


def test_the_servers_name_may_differ_from_its_address(tmp_path: Path) -> None:
    with _tls(tmp_path, "api.oceanid.test") as (server, authority):
        pair = authority.issue("me", user="me")
        cluster = {
            "server": server.url,
            "certificate-authority-data": _data(authority.pair.certificate),
        }
        user = {"client_certificate": str(pair.certificate), "client_key": str(pair.key)}
        _ask(kubeconfig(tmp_path, {**cluster, "tls-server-name": "api.oceanid.test"}, **user))
        with pytest.raises(RequestError, match=r"other\.test"):
            _ask(kubeconfig(tmp_path, {**cluster, "tls-server-name": "other.test"}, **user))


def test_a_token_by_itself_or_in_a_file(tmp_path: Path) -> None:
    with api_server() as server:
        _ask(kubeconfig(tmp_path, {"server": server.url}, token="a"))
        assert _authorization(server) == "Bearer a"
        (tmp_path / "token").write_text("b\n")
        path = Path(kubeconfig(tmp_path, {"server": server.url}))
        document = yaml.safe_load(path.read_text())
        document["users"][0]["user"] = {"tokenFile": "token", "as": "me", "as-groups": ["g", "h"]}
        path.write_text(yaml.safe_dump(document))
        _ask(str(path))
        assert _authorization(server) == "Bearer b"
        assert server.requests[-1].headers["Impersonate-User"] == "me"


def _plugin(folder: Path, script: str, **more: Any) -> dict[str, Any]:
    command = folder / "login"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    return {"apiVersion": _V1, "command": "./login", **more}


def _credential(version: str = _V1, **status: str) -> str:
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})


def test_a_plugin_logs_in_with_the_environment_that_is_given(tmp_path: Path) -> None:
    script = f'echo "$KUBERNETES_EXEC_INFO" > {tmp_path}/asked; echo "$CREDENTIAL"'
    own = [{"name": "CREDENTIAL", "value": _credential(token="of the kubeconfig")}]
    with api_server() as server:
        plugin = _plugin(tmp_path, script, env=own, provideClusterInfo=True)
        _ask(kubeconfig(tmp_path, {"server": server.url}, exec=plugin))
        assert _authorization(server) == "Bearer of the kubeconfig"
        asked = json.loads((tmp_path / "asked").read_text())
        assert asked["spec"] == {"interactive": False, "cluster": {"server": server.url}}
        given = _credential(token="given")
        path = kubeconfig(tmp_path, {"server": server.url}, exec=_plugin(tmp_path, script))
        _ask(path, CREDENTIAL=given)
        assert _authorization(server) == "Bearer given"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo one >&2; echo 'log in again' >&2; exit 1", "./login: log in again$"),
        ("exit 3", "./login: exit code 3$"),
        (f"echo {_SECRET}", "./login: no credential in what it printed$"),
        (f"echo '{_credential('x/v1')}'", "./login: answers by x/v1, not by "),
    ],
)
def test_a_plugin_that_fails_is_one_line(tmp_path: Path, script: str, why: str) -> None:
    path = kubeconfig(tmp_path, {"server": "http://127.0.0.1:1"}, exec=_plugin(tmp_path, script))
    with pytest.raises(RequestError, match=why) as error:
        _ask(path)
    assert _SECRET not in str(error.value)


def test_a_proxy_of_the_kubeconfig_is_used(tmp_path: Path) -> None:
    with api_server() as proxy:
        _ask(kubeconfig(tmp_path, {"server": "http://api.invalid:6443", "proxy-url": proxy.url}))
        assert proxy.requests[-1].path == "/version"


def test_of_two_files_the_first_that_has_a_name_counts(tmp_path: Path) -> None:
    with api_server() as server:
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        right = kubeconfig(tmp_path / "a", {"server": server.url})
        wrong = kubeconfig(tmp_path / "b", {"server": "http://127.0.0.1:1"})
        _ask(f"{tmp_path}/absent:{right}:{wrong}")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"users: [{_SECRET}: {{", "not valid YAML at line"),
        (f"- {_SECRET}", "not a mapping"),
        ("", "not a mapping"),
        ("contexts: []", "the kubeconfig has no context oceanid-lab"),
        (_CONTEXT, "the kubeconfig has no cluster c"),
        (f"{_CONTEXT}\nclusters: [{{name: c, cluster: {{token: {_SECRET}}}}}]", "server: Field"),
        (f"{_USER} {{client-key-data: '{_SECRET}!'}}}}]", "oceanid-lab"),
        (f"{_USER} {{auth-provider: {{name: gcp}}}}}}]", "auth-provider"),
        (f"{_CONTEXT}\nclusters: [{{name: c, cluster: {{server: 'ftp://x'}}}}]", "ftp"),
    ],
)
def test_a_kubeconfig_that_is_wrong_is_one_line_without_what_it_holds(
    tmp_path: Path, text: str, why: str
) -> None:
    (tmp_path / "kubeconfig").write_text(text)
    with pytest.raises(RequestError, match=why) as error:
        _ask(str(tmp_path / "kubeconfig"))
    assert _SECRET not in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_without_a_kubeconfig_the_context_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no context oceanid-lab"):
        _ask(str(tmp_path / "absent"))

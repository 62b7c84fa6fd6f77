"""Small pods and what belongs to them, made in a lab's API server as a user would."""

import json
from dataclasses import dataclass
from typing import Any

import httpx
import yaml

from workshop.lab.home import REPOSITORY, Home
from workshop.lab.node.pod import NodePod
from workshop.testing.waiting import until

_PATHS = {
    "Namespace": "/api/v1/namespaces",
    "Pod": "/api/v1/namespaces/{}/pods",
    "Service": "/api/v1/namespaces/{}/services",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
}
Manifest = dict[str, Any]

RESTRICTED: Manifest = {
    "runAsNonRoot": True,
    "runAsUser": 1234,
    "runAsGroup": 1234,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""A container's security context that the Pod Security Standard `restricted` accepts."""

# Says its own name to all who come.
_SERVER = """
import http.server, os
class Named(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["HOSTNAME"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("", 8080), Named).serve_forever()
"""
SERVER = ("python3", "-c", _SERVER)
IDLE = ("sleep", "3600")


def python_image() -> str:
    """The lab's image with a shell and Python."""
    settings = yaml.safe_load((REPOSITORY / "Pulumi.dev.yaml").read_text())["config"]
    return str(settings["oceanid-cluster:egress"]["checkImage"])


@dataclass(frozen=True, kw_only=True)
class Workloads:
    """What tests make in a lab, by its API server."""

    home: Home
    api: httpx.Client

    def create(self, kind: str, namespace: str, manifest: Manifest) -> httpx.Response:
        """The API server's response, whatever it is."""
        return self.api.post(_PATHS[kind].format(namespace), json=manifest)

    def namespace(self, name: str, *, enforce: str | None = None) -> str:
        """A namespace with its default service account."""
        labels = {} if enforce is None else {"pod-security.kubernetes.io/enforce": enforce}
        manifest = {"metadata": {"name": name, "labels": labels}}
        self.create("Namespace", "", manifest).raise_for_status()
        account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
        until(lambda: self.api.get(account).is_success, f"service account of {name}")
        return name

    def start(
        self,
        namespace: str,
        name: str,
        command: tuple[str, ...] = IDLE,
        *,
        node: str | None = None,
        security: Manifest | None = None,
        limits: dict[str, str] | None = None,
    ) -> None:
        """A pod with one container, `main`, that is not started again when it ends."""
        manifest = pod(name, command, node=node, security=security, limits=limits)
        self.create("Pod", namespace, manifest).raise_for_status()

    def get(self, namespace: str, name: str) -> NodePod:
        """The pod as it is now."""
        return NodePod.get(self.home, self.api, namespace, name)

    def ready(self, namespace: str, name: str) -> NodePod:
        """The pod, once it is ready."""
        until(lambda: self.get(namespace, name).is_ready, f"pod {namespace}/{name} is ready")
        return self.get(namespace, name)

    def output(self, namespace: str, name: str) -> str:
        """The pod's log, once its command has ended well."""
        status: Manifest = {}

        def has_ended() -> bool:
            status.update(self.get(namespace, name).manifest["status"])
            assert status["phase"] != "Failed", json.dumps(status)
            return bool(status["phase"] == "Succeeded")

        until(has_ended, f"pod {namespace}/{name} has ended")
        return self.log(namespace, name)

    def log(self, namespace: str, name: str) -> str:
        """What the pod's container has written."""
        path = f"/api/v1/namespaces/{namespace}/pods/{name}/log"
        return self.api.get(path).raise_for_status().text

    def run(self, pod: NodePod, *command: str) -> str | None:
        """A command's output in the pod; None where it fails."""
        return pod.container("main").execute(command)

    def fetch(self, pod: NodePod, url: str) -> str | None:
        """What the pod gets from the URL; None where it cannot reach it within two seconds."""
        code = f"import urllib.request as u; print(u.urlopen('{url}', timeout=2).read().decode())"
        # What the image sets, which a command run from outside does not have.
        roots = "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"
        output = self.run(pod, "/bin/env", roots, "/usr/local/bin/python3", "-c", code)
        return None if output is None else output.strip()


def pod(
    name: str,
    command: tuple[str, ...] = IDLE,
    *,
    node: str | None = None,
    security: Manifest | None = None,
    limits: dict[str, str] | None = None,
) -> Manifest:
    """A pod's manifest; its label `app` is its name."""
    container = {
        "name": "main",
        "image": python_image(),
        "command": list(command),
        "securityContext": security or {},
        "resources": {"limits": limits or {}},
    }
    spec: Manifest = {
        "containers": [container],
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
    }
    if node is not None:
        spec["nodeSelector"] = {"kubernetes.io/hostname": node}
    return {"metadata": {"name": name, "labels": {"app": name}}, "spec": spec}

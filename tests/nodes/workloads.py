"""Small pods and what belongs to them, made in a lab's API server as a user would."""

from dataclasses import dataclass
from typing import Any

from workshop.lab.node.pod import NodePod
from workshop.testing.nodes.pods import SECONDS, Pods
from workshop.testing.recording import configured
from workshop.testing.waiting import until

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


@dataclass(kw_only=True)
class Workloads(Pods):
    """What tests make in a lab, by its API server."""

    def create(self, namespace: str, manifest: Manifest) -> Manifest:
        """The object of this manifest, once it is made there."""
        metadata = {**manifest["metadata"], "namespace": namespace}
        whole = {"apiVersion": "v1", **manifest, "metadata": metadata}
        self.cluster.apply([whole])
        made: Manifest = self.kube.get(self.cluster.path(whole)).raise_for_status().json()
        return made

    def namespace(self, name: str, *, enforce: str | None = None) -> str:
        """A namespace with its default service account."""
        labels = {} if enforce is None else {"pod-security.kubernetes.io/enforce": enforce}
        self.create("", {"kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
        until(lambda: self.kube.get(account).is_success, f"service account of {name}")
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
        """A pod with one container, `main`, that is not started again when it ends.

        Its label `app` is its name.
        """
        container = {
            "name": "main",
            "image": configured("egress")["checkImage"],
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
        metadata = {"name": name, "labels": {"app": name}}
        self.create(namespace, {"kind": "Pod", "metadata": metadata, "spec": spec})

    def ready(self, namespace: str, name: str) -> NodePod:
        """The pod, once it is ready."""
        (pod,) = self.until_pods(namespace, f"app={name}")
        return pod

    def output(self, namespace: str, name: str) -> str:
        """The pod's log, once its command has ended well."""
        pod = self.pod(namespace, name)
        ended = self.end_of(pod, seconds=SECONDS)
        assert ended["exitCode"] == 0, ended
        return self.log_of(pod)

    def execute(self, pod: NodePod, *command: str) -> str | None:
        """A command's output in the pod; None where it fails."""
        return pod.container("main").execute(command)

    def fetch(self, pod: NodePod, url: str) -> str | None:
        """What the pod gets from the URL; None where it cannot reach it within two seconds."""
        code = f"import urllib.request as u; print(u.urlopen('{url}', timeout=2).read().decode())"
        # What the image sets, which a command run from outside does not have.
        roots = "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"
        output = self.execute(pod, "/bin/env", roots, "/usr/local/bin/python3", "-c", code)
        return None if output is None else output.strip()

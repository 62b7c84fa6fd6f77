"""What the API server holds, asked by kubectl: it knows every way to log in to a cluster."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from preflight.result import UnseenError

Document = dict[str, Any]

# Where `make toolchain` puts the one it builds when PATH has none.
_BUILT = Path(__file__).resolve().parent.parent / ".toolchain" / "bin" / "kubectl"
_SECONDS = 10
# For the whole of a question, whatever kubectl tries again: discovery, a plugin that logs in.
_LONGEST_SECONDS = 60
# For the one that comes before all others.
_SECONDS_TO_ANSWER = 10
# Of one round of questions; each is a process of its own.
_PARALLEL = 12


class Kind(StrEnum):
    """What can be asked for, by its path at the API server."""

    NODES = "/api/v1/nodes"
    LEASES = "/apis/coordination.k8s.io/v1/leases"
    DAEMON_SETS = "/apis/apps/v1/daemonsets"
    DEPLOYMENTS = "/apis/apps/v1/deployments"
    STATEFUL_SETS = "/apis/apps/v1/statefulsets"
    JOBS = "/apis/batch/v1/jobs"
    CRON_JOBS = "/apis/batch/v1/cronjobs"
    NAMESPACES = "/api/v1/namespaces"
    GROUPS = "/apis"
    API_SERVERS = (
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
        "?labelSelector=kubernetes.io/service-name=kubernetes"
    )
    # CoreDNS' configuration, whose name differs between distributions.
    SYSTEM_CONFIG_MAPS = "/api/v1/namespaces/kube-system/configmaps"
    # This stack's own: pods of every kind would be too much to ask for.
    GATEWAYS = "/api/v1/pods?labelSelector=app.kubernetes.io/name=oceanid-gateway"
    UNSCHEDULED = "/api/v1/events?fieldSelector=reason=FailedScheduling"
    # No path: its answer would hold the values. The server's own table holds names only.
    SECRETS = "secrets"


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A question that was answered by an error, in one line."""

    why: str


@dataclass(frozen=True, kw_only=True)
class View:
    """The cluster at one moment: for each kind its objects, or why they cannot be seen."""

    answers: Mapping[Kind, list[Document] | Refused]

    def items(self, kind: Kind) -> list[Document]:
        """The objects of a kind in all namespaces; raises UnseenError."""
        answer = self.answers.get(kind, Refused(why="it was not asked for"))
        if isinstance(answer, Refused):
            what = kind.value.partition("?")[0].rpartition("/")[2]
            raise UnseenError(f"{what} cannot be seen: {answer.why}")
        return answer


@dataclass(frozen=True, kw_only=True)
class Kubectl:
    """kubectl with one context of the kubeconfig that KUBECONFIG names.

    `command` is the one on PATH, else the one built here, unless another is given. `environment` is
    this process's unless given.
    """

    context: str
    command: str = field(default_factory=lambda: shutil.which("kubectl") or str(_BUILT))
    environment: Mapping[str, str] | None = None

    def why_not_ready(self) -> str | None:
        """None when the API server says that it is ready, else why not; within seconds."""
        answer = self._run("get", "--raw", "/readyz", seconds=_SECONDS_TO_ANSWER)
        # Who may not ask has been answered.
        if answer.returncode == 0 or "(Forbidden)" in answer.stderr:
            return None
        return _last(answer.stderr)

    def view(self, kinds: Collection[Kind]) -> View:
        """Ask for all `kinds` at the same time, once each."""
        with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
            return View(answers=dict(zip(kinds, pool.map(self._list, kinds), strict=True)))

    def document(self, path: str) -> Document | Refused:
        """What the API server has at `path`."""
        answer = self._run("get", "--raw", path)
        if answer.returncode != 0:
            return Refused(why=_last(answer.stderr))
        document: Document = json.loads(answer.stdout)
        return document

    def pods_on(self, node: str) -> list[Document] | Refused:
        """The pods on a node that have not ended, of all namespaces."""
        fields = f"spec.nodeName={node},status.phase!=Succeeded,status.phase!=Failed"
        document = self.document(f"/api/v1/pods?fieldSelector={fields}")
        if isinstance(document, Refused):
            return document
        found: list[Document] = document["items"]
        return found

    def dry_run(self, path: str, manifest: Document) -> str | None:
        """Post `manifest` without effect; None when the API server would take it, else its error.

        Admission judges it as it would the real one.
        """
        posted = ("create", "--raw", f"{path}?dryRun=All", "--filename", "-")
        answer = self._run(*posted, send=json.dumps(manifest))
        return None if answer.returncode == 0 else _last(answer.stderr)

    def annotate(
        self, kind: str, namespace: str, name: str, annotations: Mapping[str, str]
    ) -> str | None:
        """Set annotations on an object; None when the API server has taken them, else its error."""
        pairs = [f"{key}={value}" for key, value in annotations.items()]
        what = ("annotate", kind, name, "--namespace", namespace, "--overwrite")
        answer = self._run(*what, *pairs)
        return None if answer.returncode == 0 else _last(answer.stderr)

    def _list(self, kind: Kind) -> list[Document] | Refused:
        if kind is Kind.SECRETS:
            return self._secret_names()
        document = self.document(kind.value)
        if isinstance(document, Refused):
            return document
        found: list[Document] = document["groups" if kind is Kind.GROUPS else "items"]
        return found

    def _secret_names(self) -> list[Document] | Refused:
        table = ("get", "secrets", "--all-namespaces", "--no-headers", "--show-labels")
        answer = self._run(*table)
        if answer.returncode != 0:
            return Refused(why=_last(answer.stderr))
        rows = [line.split() for line in answer.stdout.splitlines()]
        return [
            {"metadata": {"namespace": row[0], "name": row[1], "labels": _labels(row[-1])}}
            for row in rows
        ]

    def _run(
        self, *arguments: str, send: str | None = None, seconds: int = _LONGEST_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        command = [self.command, "--context", self.context]
        try:
            return subprocess.run(
                [*command, f"--request-timeout={_SECONDS}s", *arguments],
                input=send,
                stdin=subprocess.DEVNULL if send is None else None,
                capture_output=True,
                text=True,
                check=False,
                env=self.environment,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            why = f"no answer within {seconds} s"
            return subprocess.CompletedProcess(command, 1, "", why)
        except OSError as error:
            return subprocess.CompletedProcess(command, 1, "", f"{command[0]}: {error.strerror}")


def _labels(text: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in text.split(",") if "=" in pair)
    return {key: value for key, _, value in pairs}


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ") if lines else "no reason given"

"""Workloads whose next pods, or next change, the API server will refuse.

The policies in the cluster judge what is made after them: a pod that runs lives on, and the one
that follows it, after a reboot or an eviction, is refused. So is one in a namespace whose Pod
Security was tightened later. The rules themselves are asked, as another program.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from preflight.kubectl import Document, Kind, View
from preflight.result import Result, Verdict, listed
from preflight.rules import ask
from preflight.workload import WORKLOADS, manifest
from settings import Settings

CHECK = "refused-workloads"
_REMEDY = (
    "mend it as docs/policies.md says of the rule, or put up with it until a day: an entry in "
    "policies/exceptions.yaml with `enforcers: [cluster]`"
)
_REMEDY_OF_LEVEL = (
    "give its pods what the level asks for, or move them to a namespace of their own: a lower "
    "level opens this one to everything"
)
_POD_SECURITY = "pod-security-label"


def check(settings: Settings, cluster: View) -> Iterator[Result]:
    """A result for each rule that workloads break; raises UnseenError where none can be judged."""
    del settings
    objects = [
        *({**each, "kind": "Namespace"} for each in cluster.items(Kind.NAMESPACES)),
        *(
            manifest(kind, each)
            for kind in WORKLOADS
            for each in cluster.items(kind)
            if not _has_ended(each)
        ),
    ]
    found: dict[tuple[str, bool], list[str]] = {}
    for each in ask("refused", send=json.dumps(objects)):
        found.setdefault((each["rule"], each["pods"]), []).append(each["resource"])
    for (rule, pods), resources in sorted(found.items()):
        what = "its next pods" if pods else "its next change, though not its pods,"
        yield Result(
            check=CHECK,
            verdict=Verdict.WARN,
            where=listed(sorted(resources)),
            what=f"{what} will be refused by {rule}",
            remedy=_REMEDY_OF_LEVEL if rule == _POD_SECURITY else _REMEDY,
        )
    if not found:
        what = "the policies and Pod Security refuse none"
        yield Result(check=CHECK, verdict=Verdict.OK, where="workloads", what=what)


def _has_ended(workload: Document) -> bool:
    """Whether it is a Job that makes no more pods."""
    conditions = workload.get("status", {}).get("conditions") or []
    return any(
        each["type"] in ("Complete", "Failed") and each["status"] == "True" for each in conditions
    )

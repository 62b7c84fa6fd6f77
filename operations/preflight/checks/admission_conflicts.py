"""Workloads whose next pods, or next change, the API server will refuse.

The policies in the cluster judge what is made after them: a pod that runs lives on, and the one
that follows it, after a reboot or an eviction, is refused. So is one in a namespace whose Pod
Security was tightened later.
"""

from collections.abc import Iterator

from operations.errors import UnavailableError
from operations.kubernetes.objects import is_true
from operations.preflight.finding import PreflightFinding, listed, ok, warn
from operations.preflight.view import Kind, View
from operations.preflight.workload import OTHER_NAMESPACE, WORKLOADS
from policies.errors import PoliciesError
from policies.exceptions import Enforcer, load_exceptions
from policies.refused import refusals

_REMEDY = (
    "fix it as docs/policies.md says of the rule, or exempt it until a day: an entry in "
    "policies/exceptions.yaml with `enforcers: [cluster]`"
)
_POD_SECURITY = "pod-security-label"


def check(cluster: View) -> Iterator[PreflightFinding]:
    """A finding for each rule that workloads break; raises UnavailableError if none is judged."""
    objects = [
        *({**namespace, "kind": "Namespace"} for namespace in cluster.items(Kind.NAMESPACES)),
        *(
            {**workload, "kind": name}
            for kind, name in WORKLOADS.items()
            for workload in cluster.items(kind)
            # A Job that has ended makes no more pods.
            if not is_true(workload, "Complete", "Failed")
        ),
    ]
    conflicts: dict[tuple[str, bool], list[str]] = {}
    try:
        for refusal in refusals(objects, load_exceptions(Enforcer.CLUSTER)):
            conflicts.setdefault((refusal.rule, refusal.pods), []).append(refusal.resource)
    except PoliciesError as error:
        raise UnavailableError(f"the policies judge nothing: {error}") from None
    for (rule, pods), resources in sorted(conflicts.items()):
        what = "its next pods" if pods else "its next change, though not its pods,"
        yield warn(
            listed(sorted(resources)),
            f"{what} will be refused by {rule}",
            OTHER_NAMESPACE if rule == _POD_SECURITY else _REMEDY,
        )
    if not conflicts:
        yield ok("workloads", "the policies and Pod Security refuse none")

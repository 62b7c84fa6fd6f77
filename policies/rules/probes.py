"""Every container of a workload that runs for good says how it is."""

from ._field import value_at
from ._model import Enforcement, Rule, Severity
from ._ordinary import each_lasting_container

_URL = "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/"
_LIMITATIONS = (
    "Jobs, bare pods and sidecars among the init containers; what the probe asks: tailscaled's "
    "/healthz stays good when the exit node is gone."
)

RULES = (
    Rule(
        name="readiness-probe",
        severity=Severity.MEDIUM,
        enforcement=Enforcement.ADVISORY,
        description="A container that runs for good should have a readiness probe.",
        remedy="add a readinessProbe that fails while the container cannot do its work",
        source="Incident of 2025-10-13: a rollout that nothing measures goes on over broken nodes",
        url=_URL,
        limitations=_LIMITATIONS,
        check=each_lasting_container(
            lambda container, body: value_at(body, container.where, "readinessProbe"),
            "the pod counts as ready whatever the container does, so a rollout goes on over it",
        ),
        tags=("reliability",),
    ),
    Rule(
        name="liveness-probe",
        severity=Severity.LOW,
        enforcement=Enforcement.ADVISORY,
        description="A container that runs for good should have a liveness probe.",
        remedy="add a livenessProbe that fails only when a restart would help",
        source="Audit of 2025-10-13, section on health probes",
        url=_URL,
        limitations=_LIMITATIONS,
        check=each_lasting_container(
            lambda container, body: value_at(body, container.where, "livenessProbe"),
            "a container that hangs is never restarted",
        ),
        tags=("reliability",),
    ),
)

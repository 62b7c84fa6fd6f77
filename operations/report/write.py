"""One HTML page about a stack as it is deployed: state from the engine, the rest from the cluster.

Without a response of the cluster, what only the cluster knows is shown as unknown.
"""

from datetime import UTC, datetime
from pathlib import Path

from operations.delivery.engine_output import deployment
from operations.delivery.environment import config_file
from operations.errors import OperationError, RequestError
from operations.kubernetes.client import KubernetesClient
from operations.report import firewall, gate, policy, secret_age, topology
from operations.report.page import Page
from operations.report.state import State
from policies.rules import every_rule
from settings import read_file


def write(stack: str, target: Path, environment: dict[str, str]) -> str:
    """Write the page; where it is, and why the cluster is unavailable. Raises OperationError.

    `environment` is the stack's, and this process has it.
    """
    made = datetime.now(UTC)
    try:
        settings = read_file(config_file(stack))
        state = State.of(deployment(stack, environment))
        with KubernetesClient(context=settings.cluster.context) as client:
            objects = gate.listed_by(client)
            external_secrets = secret_age.listed_by(client)
        gates = gate.gates(settings, objects)
        page = Page(
            stack=stack,
            made=made,
            written=state.written,
            cluster_error=str(objects) if isinstance(objects, RequestError) else "",
            topology=topology.topology(settings, state, gates),
            gates=gates,
            admissions=firewall.admissions(settings, state),
            rules=every_rule(),
            findings=policy.findings(state.manifests()),
            exemptions=policy.exemptions(made.date()),
            secrets=secret_age.ages(settings, state, external_secrets),
        )
        target.write_text(page.html(), encoding="utf-8")
    except (OSError, ValueError) as error:
        raise OperationError(f"the report cannot be made: {error}") from None
    unavailable = (
        f"; the cluster is unavailable: {page.cluster_error}" if page.cluster_error else ""
    )
    return f"report: {target}{unavailable}"

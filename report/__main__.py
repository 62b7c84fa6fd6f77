"""`python -m report --stack NAME [--out FILE]`: one HTML page about the stack as it is deployed.

In the stack's environment, as `make report STACK=…` runs it: state from the engine, the rest from
the cluster by KUBECONFIG. A cluster that does not answer is said to be not seen.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from preflight.kubectl import Kubectl, Refused
from report import firewall, gate, policy, secret_age, topology
from report.page import Page
from report.state import ReportError, State, exported
from settings import Settings, read_file

_REPOSITORY = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    """Write the page and say where it is; exit code 2 when it cannot be made."""
    parser = argparse.ArgumentParser(
        prog="python -m report", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--stack", required=True)
    parser.add_argument("--out", type=Path, help="report-STACK.html unless given")
    options = parser.parse_args(arguments)
    target = options.out or _REPOSITORY / f"report-{options.stack}.html"
    try:
        settings = read_file(_REPOSITORY / f"Pulumi.{options.stack}.yaml")
        state = exported(options.stack)
        page = gathered(options.stack, settings, state, made=datetime.now(UTC))
        target.write_text(page.html(), encoding="utf-8")
    except (OSError, ValueError, ReportError) as error:
        print(f"report: {error}", file=sys.stderr)
        return 2
    seen = f"; the cluster was not seen: {page.unseen}" if page.unseen else ""
    print(f"report: {target}{seen}")
    return 0


def gathered(stack: str, settings: Settings, state: State, *, made: datetime) -> Page:
    """All that the page shows; raises ReportError."""
    kubectl = Kubectl(context=settings.cluster.context)
    seen = gate.asked(kubectl)
    gates = gate.gates(settings, seen)
    return Page(
        stack=stack,
        made=made,
        written=state.written,
        unseen=seen.why if isinstance(seen, Refused) else "",
        topology=topology.topology(settings, state, gates),
        gates=gates,
        admissions=firewall.admissions(settings, state),
        rules=policy.rules(),
        findings=policy.findings(state.manifests()),
        exemptions=policy.exemptions(made.date()),
        secrets=secret_age.ages(settings, state, secret_age.asked(kubectl)),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

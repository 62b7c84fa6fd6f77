"""`python -m preflight --context NAME NODE…`: problems as JSON; exit code 2 without an answer.

What a problem means is for the caller: a warning in dev, the end of an update in prod.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from preflight.nodes import problems

# Where `make toolchain` puts the one it builds when PATH has none.
_BUILT_KUBECTL = Path(__file__).resolve().parent.parent / ".toolchain" / "bin" / "kubectl"
_SECONDS = 30


def main(arguments: list[str]) -> int:
    """Ask the cluster once for its nodes, and print what is wrong with those expected."""
    parser = argparse.ArgumentParser(prog="python -m preflight", description=__doc__)
    parser.add_argument("--context", required=True, help="of the kubeconfig that KUBECONFIG names")
    parser.add_argument("nodes", nargs="*", metavar="NODE")
    options = parser.parse_args(arguments)
    command = [shutil.which("kubectl") or str(_BUILT_KUBECTL), "--context", options.context]
    try:
        answer = subprocess.run(
            [*command, "get", "nodes", "--output", "json", f"--request-timeout={_SECONDS}s"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        print(f"preflight: the cluster does not answer: {said[-1]}", file=sys.stderr)
        return 2
    found = problems(options.nodes, json.loads(answer.stdout)["items"])
    print(json.dumps([asdict(each) for each in found]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

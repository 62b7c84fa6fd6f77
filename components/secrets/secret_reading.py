"""What an update asks about the synced secrets, by the program `operations.secret_gate`."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence


def question(context: str, what: str, names: Sequence[str], *options: str) -> list[str]:
    """The command that asks `what` about `names`; `context` is the kubeconfig's."""
    program = [sys.executable, "-m", "operations.secret_gate", what, "--context", context]
    return [*program, *options, *names]


def unread(context: str, names: Sequence[str], *, seconds: int) -> list[str]:
    """Have each secret read again, and a line for each that was not within that time."""
    response = run(question(context, "read", names, "--seconds", str(seconds)))
    if response.returncode != 0:
        reason = (response.stderr.strip().splitlines() or ["no reason given"])[-1]
        return [f"the synced secrets cannot be checked: {reason}: {_remedy(reason)}"]
    return [_line(problem) for problem in json.loads(response.stdout)]


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run it here: at the end of an update the engine takes no calls of a provider."""
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _line(problem: Mapping[str, str]) -> str:
    what = f"secret {problem['secret']}"
    if problem["key"]:
        what += f", key {problem['key']} (path {problem['path']})"
    return f"{what} is not synced: {problem['why']}: {_remedy(problem['why'])}"


def _remedy(why: str) -> str:
    # External Secrets' own words, of the Secret that a store names.
    if "cannot find secret data for key" in why or "cannot get Kubernetes secret" in why:
        return "something else has changed the token's Secret: oceanid refresh, then update again"
    if "401" in why or "Unauthorized" in why:
        return "its token is not valid: oceanid secrets rotate with a new one"
    if "404" in why or "Not Found" in why:
        return "correct the path, or the store's organization, project and environment"
    return "docs/runbooks/esc-token.md has the steps"

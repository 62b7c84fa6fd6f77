"""Promotion: a commit that is green in one stack goes to the next, by the approved plan."""

import os
import secrets
from pathlib import Path

from components.cluster.variables import PLANNED_API_SERVERS, PLANNED_NODES
from operations.delivery import gate_findings, history, plan, rollback, run
from operations.delivery.engine_output import deployment
from operations.delivery.history import Update
from operations.delivery.markdown import code, plain
from operations.delivery.shell import BACKEND_URL, SOURCE_BACKEND_URL
from operations.delivery.work_tree import clean_commit, has
from operations.errors import OperationError

ACCEPT = "--accept-simulated-gates"


def promote(stack: str, source: str, *, accept_simulated: bool = False) -> int:
    """`up` of `stack` under its saved plan; 0, or 1 after it was rolled back.

    Raises OperationError, before anything is touched, when the commit is not green in `source`,
    when the gates of `source` measured nothing and that is not accepted, or when the plan is not
    for this commit and state.
    """
    if stack == source:
        raise OperationError(f"{stack} cannot be promoted from itself: give another one by --from")
    commit = clean_commit()
    environment = run.stack_environment(stack)
    of_source = _of_source(environment)
    reason = why_not_green(history.updates(source, of_source), source, commit)
    gates = gate_findings.of_deployment({} if reason else deployment(source, of_source))
    unmeasured = gate_findings.why_not_measured(gates, source)
    if not reason and unmeasured and not accept_simulated:
        reason = (
            f"{unmeasured}: update {source} on real nodes (`oceanid lab clean`, then as root "
            f"`oceanid lab up --nodes real` and `oceanid up --stack {source}`), or promote with "
            f"{ACCEPT}"
        )
    if reason:
        raise OperationError(f"{commit[:12]} is not promoted to {stack}: {reason}")
    saved = plan.check(stack, commit, environment)
    # The program refuses to begin with other nodes: the engine would refuse their Jobs, but only
    # once earlier waves have changed.
    planned = plan.measured(saved).items()
    environment[PLANNED_NODES] = " ".join(f"{node}={uid}" for node, uid in planned)
    servers = plan.api_servers(stack)
    if servers is not None:
        environment[PLANNED_API_SERVERS] = " ".join(servers)
    print(f"oceanid: {commit[:12]} is green in {source}: {stack} follows its plan", flush=True)
    accepted = ""
    if unmeasured:
        print(f"oceanid: {unmeasured}; accepted by {ACCEPT}", flush=True)
        _on_the_page_of_the_run(f"{code(stack)}: {plain(unmeasured)}; accepted by {code(ACCEPT)}")
        accepted = f", {unmeasured}, accepted"
    # By this its entry is told from that of another update, of the same commit too.
    message = f"Promote {commit[:12]} from {source}{accepted} ({secrets.token_hex(4)})"
    options = ("--yes", "--skip-preview", "--suppress-outputs", *run.policy_pack(stack))
    arguments = ("up", *options, "--message", message, "--plan", str(saved))
    command = run.stack_command(stack, environment, arguments)
    if run.run_under_plan(command, environment) == 0:
        print(f"oceanid: {stack} is at {commit[:12]}, gates passed", flush=True)
        return 0
    updates = history.updates(stack, environment)
    reason = why_no_rollback(updates, stack, message)
    if reason:
        print(f"oceanid: {reason}", flush=True)
    else:
        _roll_back(stack, last_release(updates[1:]))
    return 1


def _on_the_page_of_the_run(line: str) -> None:
    """Write the line there, where this is a job of GitHub Actions."""
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(page).open("a") as sink:
            sink.write(f"\n{line}\n")


def why_not_green(updates: list[Update], source: str, commit: str) -> str | None:
    """Why `commit` may not leave `source`, or None when it may. `updates` are the newest first."""
    relevant = [update for update in updates if not _adds_nothing(update, commit)]
    deploy = f"run `oceanid up --stack {source}` at this commit first"
    if not relevant:
        return f"{source} has never been updated in this backend: {deploy}"
    last = relevant[0]
    at = last.commit[:12] or "no commit"
    reasons = (
        (
            last.kind != "update",
            f"the last thing done to {source} was not an update but: {last.kind}: {deploy}",
        ),
        (last.commit != commit, f"{source} is at {at}: {deploy}"),
        (
            not last.succeeded,
            f"{source}'s update to it failed, or one of its gates did: fix that first",
        ),
        (
            not last.clean,
            f"{source} was updated from a work tree with uncommitted changes: {deploy}",
        ),
        (not last.whole, f"{source}'s last update was of some of its resources only: {deploy}"),
        (not last.under_policies, f"{source} was updated without the policy pack: {deploy}"),
    )
    return next((reason for holds, reason in reasons if holds), None)


def _adds_nothing(update: Update, commit: str) -> bool:
    """Whether it leaves a commit as green as it was: a refresh, or a part of the same commit."""
    part = update.kind == "update" and not update.whole and update.commit == commit
    return update.succeeded and (update.kind == "refresh" or (part and update.clean))


def why_no_rollback(updates: list[Update], stack: str, message: str) -> str | None:
    """Why `stack` stays as it is after a failed promotion, or None when it is to be rolled back.

    `updates` are the newest first; the promotion's own has `message`. Whatever another update has
    put in force is never undone.
    """
    own = next((n for n, update in enumerate(updates) if update.message == message), None)
    if own is None:
        return (
            f"{stack}: this update left no record, so nothing is rolled back: it never began, or "
            f"was cut off. Where the stack is locked: `oceanid unlock --stack {stack}`; then plan "
            "and promote again"
        )
    if own > 0:
        by = f"{updates[0].kind} of {updates[0].commit[:12] or 'no commit'}"
        return f"{stack}: another update came after this one ({by}), so nothing is rolled back"
    if not updates[0].succeeded and updates[0].changed == 0:
        return f"{stack}: nothing was changed, so nothing is rolled back"
    return None


def last_release(updates: list[Update]) -> str | None:
    return next((update.commit for update in updates if update.is_release), None)


def _of_source(environment: dict[str, str]) -> dict[str, str]:
    """The environment to read the source's history in: its own backend when one is named."""
    backend = os.environ.get(SOURCE_BACKEND_URL) or environment.get(BACKEND_URL)
    return {**environment, **({BACKEND_URL: backend} if backend else {})}


def _roll_back(stack: str, before: str | None) -> None:
    if before is None:
        print(f"oceanid: {stack} has no release to roll back to: fix it and go on", flush=True)
    elif not has(before):
        print(
            f"oceanid: {stack}: this clone lacks its last release {before}: "
            f"git fetch --unshallow, then oceanid rollback --stack {stack} --to {before}",
            flush=True,
        )
    elif rollback.run(stack, before) == 0:
        print(f"oceanid: {stack} is back at {before[:12]}", flush=True)
    else:
        print(f"oceanid: {stack} could not be rolled back to {before[:12]}: see above", flush=True)

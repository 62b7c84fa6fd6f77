"""`python -m delivery COMMAND --stack STACK`: what the Makefile's stack targets run."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from delivery import (
    comment,
    drift,
    events,
    import_firewall,
    lock,
    login,
    plan,
    promotion,
    rollback,
    rotate_token,
    run,
    state_version,
    work_tree,
)
from delivery.environment import (
    LAB_STACK,
    RECORDS,
    REPOSITORY,
    DeliveryError,
    config_file,
    project_name,
    stacks,
)
from delivery.github import Repository
from delivery.state_store import store_of
from settings import read_file

_IMPORT_FILE = REPOSITORY / "import-firewall.json"
_COMMENT_FILE = RECORDS / "comment.md"


def _preview(options: Namespace) -> int:
    log = run.record(plan.events_file(options.stack).name)
    return _engine(
        options, "preview", "--diff", *run.policy_pack(options.stack), "--event-log", str(log)
    )


def _up(options: Namespace) -> int:
    return _engine(options, "up", "--yes", "--suppress-outputs", *run.policy_pack(options.stack))


def _refresh(options: Namespace) -> int:
    return _engine(options, "refresh", "--yes")


def _destroy(options: Namespace) -> int:
    return _engine(options, "destroy", "--yes")


def _outputs(options: Namespace) -> int:
    return _engine(options, "stack", "output", "--json", configured=False)


def _export(options: Namespace) -> int:
    return _engine(options, "stack", "export", configured=False)


def _program(options: Namespace) -> int:
    """A program of this repository, in the stack's environment and with its name."""
    command = [sys.executable, "-m", options.command, "--stack", options.stack, *options.rest]
    environment = run.stack_environment(options.stack)
    return subprocess.run(command, cwd=REPOSITORY, env=environment, check=False).returncode


def _engine(options: Namespace, *arguments: str, configured: bool = True) -> int:
    environment = run.stack_environment(options.stack)
    command = run.stack_command(options.stack, environment, arguments, configured=configured)
    return run.run([*command, *options.rest], environment)


def _rollback(options: Namespace) -> int:
    return rollback.run(options.stack, options.to)


def _rotate_token(options: Namespace) -> int:
    return rotate_token.rotate(options.stack)


def _plan(options: Namespace) -> int:
    return plan.save(options.stack)


def _promote(options: Namespace) -> int:
    return promotion.promote(options.stack, options.source)


def _drift(options: Namespace) -> int:
    return drift.look(options.stack)


def _drift_issue(options: Namespace) -> int:
    return _say(drift.keep_issue(options.stack, Repository.of_job()))


def _import_firewall(options: Namespace) -> int:
    environment = run.stack_environment(options.stack)
    return _say(import_firewall.write(options.stack, environment, _IMPORT_FILE))


def _login(_options: Namespace) -> int:
    return _say(login.login())


def _init(options: Namespace) -> int:
    environment = run.stack_environment(options.stack)
    return _say(login.make_stack(options.stack, environment, options.secrets_provider))


def _unlock(options: Namespace) -> int:
    store = store_of(run.stack_environment(options.stack))
    released = lock.release(store, project_name(), options.stack, options.lock)
    return _say("\n".join(released) or f"{options.stack} is not locked")


def _restore_state(options: Namespace) -> int:
    environment = run.stack_environment(options.stack)
    if options.version is None:
        return _say(state_version.listing(options.stack, environment))
    return _say(state_version.restore(options.stack, options.version, environment))


def _comment(_options: Namespace) -> int:
    """Of every stack: one whose preview never began is no longer as an older comment shows it."""
    text = _previewed(stacks())
    run.record(_COMMENT_FILE.name).write_text(text)
    return _say(text)


def _summary(_options: Namespace) -> int:
    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if not page:
        raise DeliveryError("GITHUB_STEP_SUMMARY is not set: a job of GitHub Actions has it")
    with Path(page).open("a") as sink:
        sink.write(_previewed([stack for stack in stacks() if plan.events_file(stack).exists()]))
    return 0


def _previewed(chosen: list[str]) -> str:
    """What the last previews of these stacks show, as Markdown."""
    logs = {stack: plan.events_file(stack) for stack in chosen}
    previews = {stack: events.read(log) if log.exists() else None for stack, log in logs.items()}
    settings = {stack: read_file(config_file(stack)) for stack, found in previews.items() if found}
    commit = os.environ.get("OCEANID_COMMIT") or work_tree.git("rev-parse", "HEAD").strip()
    return comment.comment(previews, settings, commit)


def _post_comment(_options: Namespace) -> int:
    number = os.environ.get("PULL_REQUEST", "")
    if not number.isdigit():
        raise DeliveryError("PULL_REQUEST must be the number of the pull request")
    if not _COMMENT_FILE.exists():
        raise DeliveryError("there is no comment: run `make comment` first")
    text = _COMMENT_FILE.read_text()
    return _say(Repository.of_job().keep_comment(int(number), comment.MARKER, text))


def _say(text: str) -> int:
    print(text)
    return 0


_COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "preview": _preview,
    "up": _up,
    "refresh": _refresh,
    "destroy": _destroy,
    "outputs": _outputs,
    "export": _export,
    "preflight": _program,
    "report": _program,
    "rollback": _rollback,
    "import-firewall": _import_firewall,
    "login": _login,
    "init": _init,
    "rotate-token": _rotate_token,
    "plan": _plan,
    "promote": _promote,
    "drift": _drift,
    "drift-issue": _drift_issue,
    "comment": _comment,
    "post-comment": _post_comment,
    "summary": _summary,
    "unlock": _unlock,
    "restore-state": _restore_state,
}


def main(arguments: list[str]) -> int:
    """Run one command on one stack; the engine's exit code, or 2 when it cannot run."""
    parser = argparse.ArgumentParser(prog="python -m delivery", description=__doc__)
    parser.add_argument("command", choices=_COMMANDS)
    parser.add_argument("--stack", default=LAB_STACK, help="dev, the default, is the local lab")
    parser.add_argument("--to", default="HEAD", help="with rollback: the commit to go back to")
    parser.add_argument("--source", default=LAB_STACK, help="with promote: what must be green")
    parser.add_argument("--lock", help="with unlock: the lock of another machine, by its name")
    parser.add_argument("--version", help="with restore-state: the version to put back")
    parser.add_argument("--secrets-provider", help="with init: such as awskms://alias/oceanid")
    options, rest = parser.parse_known_args(arguments)
    options.rest = rest
    try:
        return _COMMANDS[options.command](options)
    except DeliveryError as error:
        print(f"delivery: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

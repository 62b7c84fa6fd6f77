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
    bare,
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
    shared_dns,
    stand_ins,
    state_version,
    work_tree,
)
from delivery.alone import alone
from delivery.environment import (
    BACKEND_CHOICE,
    LAB_STACK,
    RECORDS,
    REPOSITORY,
    DeliveryError,
    config_file,
    not_taken,
    project_name,
    stacks,
)
from delivery.github import Repository
from delivery.options import (
    BACKEND,
    EXPECT_NO_CHANGES,
    JSON,
    LOCK,
    OUT,
    PROVIDER,
    REPLACE,
    SKIP_PREVIEW,
    SOURCE,
    STACK,
    TO,
    VERSION,
    Option,
)
from delivery.state_store import store_of
from settings import read_file

_IMPORT_FILE = REPOSITORY / "import-firewall.json"
_COMMENT_FILE = RECORDS / "comment.md"
# The stacks for which the job has no credentials [.github/workflows/pr.yml].
_NOT_PREVIEWED = "OCEANID_NOT_PREVIEWED"


def _preview(options: Namespace) -> int:
    log = run.record(plan.events_file(options.stack).name)
    policies = run.policy_pack(options.stack)
    log_to = ("--event-log", str(log))
    return _engine(options, "preview", "--diff", *policies, *log_to, *options.passed)


def _up(options: Namespace) -> int:
    shared_dns.refuse_removal(options.stack, run.stack_environment(options.stack))
    policies = run.policy_pack(options.stack)
    return _engine(options, "up", "--yes", "--suppress-outputs", *policies, *options.passed)


def _refresh(options: Namespace) -> int:
    return _engine(options, "refresh", "--yes")


def _destroy(options: Namespace) -> int:
    shared_dns.refuse_destroy(options.stack, run.stack_environment(options.stack))
    return _engine(options, "destroy", "--yes")


def _outputs(options: Namespace) -> int:
    return _engine(options, "stack", "output", "--json", configured=False)


def _export(options: Namespace) -> int:
    return _engine(options, "stack", "export", configured=False)


def _program(options: Namespace) -> int:
    """A program of this repository, in the stack's environment and with its name."""
    command = [sys.executable, "-m", options.command, "--stack", options.stack, *options.passed]
    environment = run.stack_environment(options.stack)
    return subprocess.run(command, cwd=REPOSITORY, env=environment, check=False).returncode


def _engine(options: Namespace, *arguments: str, configured: bool = True) -> int:
    environment = run.stack_environment(options.stack)
    command = run.stack_command(options.stack, environment, arguments, configured=configured)
    return run.run(command, environment, filtered=configured)


def _rollback(options: Namespace) -> int:
    return rollback.run(options.stack, options.to)


def _rotate_token(options: Namespace) -> int:
    return rotate_token.rotate(options.stack)


def _plan(options: Namespace) -> int:
    shared_dns.refuse_removal(options.stack, run.stack_environment(options.stack))
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


def _env(options: Namespace) -> int:
    return _say(bare.shell_lines(options.stack))


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
        sink.writelines(map(comment.not_previewed, os.environ.get(_NOT_PREVIEWED, "").split()))
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


# Each command, with the options that mean something to it; any other ends it.
_COMMANDS: dict[str, tuple[Callable[[Namespace], int], tuple[Option, ...]]] = {
    "preview": (_preview, (STACK, EXPECT_NO_CHANGES)),
    "up": (_up, (STACK, SKIP_PREVIEW, EXPECT_NO_CHANGES, REPLACE)),
    "refresh": (_refresh, (STACK,)),
    "destroy": (_destroy, (STACK,)),
    "outputs": (_outputs, (STACK,)),
    "export": (_export, (STACK,)),
    "preflight": (_program, (STACK, JSON)),
    "report": (_program, (STACK, OUT)),
    "rollback": (_rollback, (STACK, TO)),
    "import-firewall": (_import_firewall, (STACK,)),
    "login": (_login, ()),
    "init": (_init, (STACK, PROVIDER)),
    "rotate-token": (_rotate_token, (STACK,)),
    "plan": (_plan, (STACK,)),
    "promote": (_promote, (STACK, SOURCE)),
    "drift": (_drift, (STACK,)),
    "drift-issue": (_drift_issue, (STACK,)),
    "comment": (_comment, ()),
    "post-comment": (_post_comment, ()),
    "summary": (_summary, ()),
    "unlock": (_unlock, (STACK, LOCK)),
    "restore-state": (_restore_state, (STACK, VERSION)),
    "env": (_env, (STACK,)),
}
# Commands of a stack that take nothing of what the engine takes from the shell.
_WITHOUT_ENGINE = frozenset({"drift-issue"})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m delivery", description=__doc__, allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, options) in _COMMANDS.items():
        command = commands.add_parser(name, allow_abbrev=False)
        for flag, settings in (*options, *((BACKEND,) if STACK in options else ())):
            command.add_argument(flag, **settings)
    return parser


def main(arguments: list[str]) -> int:
    """Run one command on one stack; the engine's exit code, or 2 when it cannot run."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except DeliveryError as error:
        print(f"delivery: {error}", file=sys.stderr)
        if options.command == "env":
            print("false")  # what the shell takes from `eval` fails too
        return 2
    except KeyboardInterrupt:
        print("\ndelivery: interrupted", file=sys.stderr)
        return 130


def _run(options: Namespace) -> int:
    run_command, _ = _COMMANDS[options.command]
    stack: str | None = getattr(options, "stack", None)
    if stack is None:
        return run_command(options)
    if options.backend:
        if stack != LAB_STACK:
            raise DeliveryError(f"--backend is for {LAB_STACK} only, and this is {stack}")
        os.environ[BACKEND_CHOICE] = options.backend
    stand_ins.refuse(options.command, stack)
    with alone(options.command, stack):
        if options.command not in _WITHOUT_ENGINE and (line := _not_taken(stack)):
            print(f"delivery: {line}", file=sys.stderr, flush=True)
        return run_command(options)


def _not_taken(stack: str) -> str | None:
    """What the shell exports in vain; a fault is for the command itself to report."""
    try:
        return not_taken(stack)
    except DeliveryError:
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

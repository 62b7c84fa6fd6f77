"""`python -m delivery COMMAND --stack STACK`: what the Makefile's stack targets run."""

from __future__ import annotations

import argparse
import subprocess
import sys

from delivery import import_firewall, lab_stack, rollback
from delivery.environment import (
    LAB_STACK,
    REPOSITORY,
    DeliveryError,
    config_file,
    engine,
    for_stack,
)
from settings import check_file

# A self-managed backend enforces nothing by itself: the pack goes with every operation.
_POLICY_PACK = ("--policy-pack", "policies")
_IMPORT_FILE = REPOSITORY / "import-firewall.json"
_COMMANDS = {
    "preview": ("preview", "--diff", *_POLICY_PACK),
    "up": ("up", "--yes", "--suppress-outputs", *_POLICY_PACK),
    "refresh": ("refresh", "--yes"),
    "destroy": ("destroy", "--yes"),
    "outputs": ("stack", "output", "--json"),
    "export": ("stack", "export"),
}
# About the backend alone: they take no configuration.
_STATE_ONLY = ("outputs", "export")
# Programs of this repository that run in the stack's environment, with its name.
_PROGRAMS = ("preflight", "report")


def main(arguments: list[str]) -> int:
    """Run one engine command on one stack; exit code of the engine, or 2 when it cannot run."""
    parser = argparse.ArgumentParser(prog="python -m delivery", description=__doc__)
    parser.add_argument("command", choices=[*_COMMANDS, *_PROGRAMS, "rollback", "import-firewall"])
    parser.add_argument("--stack", required=True, help="dev is the local lab")
    parser.add_argument("--to", default="HEAD", help="with rollback: the commit to go back to")
    options, rest = parser.parse_known_args(arguments)
    try:
        if options.command == "rollback":
            return rollback.run(options.stack, options.to)
        environment = for_stack(options.stack)
        _check_settings(options.stack)
        if options.command == "import-firewall":
            print(import_firewall.write(options.stack, environment, _IMPORT_FILE))
            return 0
        if options.command in _PROGRAMS:
            program = [sys.executable, "-m", options.command, "--stack", options.stack, *rest]
            return subprocess.run(program, cwd=REPOSITORY, env=environment, check=False).returncode
        command = [engine(), *_COMMANDS[options.command], "--stack", options.stack, *rest]
        if options.stack == LAB_STACK:
            copy = lab_stack.prepare(environment)
            if options.command not in _STATE_ONLY:
                command += ["--config-file", str(copy)]
    except DeliveryError as error:
        print(f"delivery: {error}", file=sys.stderr)
        return 2
    if not sys.stdout.isatty():
        environment["PULUMI_SKIP_CONFIRMATIONS"] = "true"
        command.append("--non-interactive")
    # In this process's group, so that Ctrl-C reaches the engine, which then ends in good order.
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


def _check_settings(stack: str) -> None:
    wrong = check_file(config_file(stack))
    if wrong:
        raise DeliveryError("\n".join([f"{config_file(stack).name} is wrong:", *wrong]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What a shell needs so that `pulumi` itself finds the stack that the commands here use."""

import os
import shlex
import sys
from contextlib import redirect_stdout

from operations.delivery import lab_stack, run, shell
from operations.delivery.environment import (
    LAB_STACK,
    REPOSITORY,
    engine,
    engine_environment,
    is_built,
)


def shell_lines(stack: str) -> str:
    """Lines for the shell's `eval`, after which `pulumi COMMAND` acts on `stack`.

    What the shell exports and the stack does not take is unset: a passphrase of another project
    would go before the lab's. Values that the shell has already are not printed again.
    """
    environment = engine_environment(stack)
    values = {name: environment[name] for name in shell.of_families(environment)}
    values["PULUMI_STACK"] = stack
    pack = dict(zip(run.PACK_OPTIONS, run.policy_pack(stack)[1::2], strict=False))
    values |= {_variable(option): str(REPOSITORY / path) for option, path in pack.items()}
    if stack == LAB_STACK:
        # The shell is to read nothing but these lines.
        with redirect_stdout(sys.stderr):
            copy = lab_stack.prepare(run.stack_environment(stack))
        values[_variable("--config-file")] = str(copy)
    # Nothing asks for AWS's where the stack is the lab's: they may stay for the shell's other work.
    unset = [
        name
        for name in shell.of_families(os.environ)
        if name not in values and not name.startswith("AWS_")
    ]
    lines = [f"unset {' '.join(unset)}"] if unset else []
    lines += [
        f"export {name}={shlex.quote(value)}"
        for name, value in values.items()
        if os.environ.get(name) != value
    ]
    if is_built(stack):
        lines.append(f'pulumi() {{ {shlex.quote(engine(stack))} "$@"; }}')
    return "\n".join(lines)


def _variable(option: str) -> str:
    """The variable that the engine takes an option from, since 3.208 [cmd/pulumi/pulumi.go]."""
    return f"PULUMI_OPTION_{option.removeprefix('--').replace('-', '_').upper()}"

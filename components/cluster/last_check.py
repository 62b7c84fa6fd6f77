"""A check that comes after all else an update does, the removal of what left the program included.

The engine removes that only when the program has ended without an error. It keeps the program's
process until then, and afterwards still takes its exit code for the update's: `Cancel` of the
resource monitor in pkg/resource/deploy/source_eval.go, the same from 3.224.0 to 3.259.0. The SDK's
side of it is `_wait_for_shutdown`, the last thing that the program's own task awaits.
"""

import asyncio
import sys
from collections.abc import Callable, Sequence
from functools import partial

import pulumi

Check = Callable[[], Sequence[str]]


def fail_at_the_end(check: Check) -> None:
    """Fail the update by what `check` lists, a line each, once the engine has done all its work.

    There is no check in a preview, nor after an update that has failed by then.
    """
    if pulumi.runtime.is_dry_run():
        return
    program = asyncio.current_task()
    if program is None or pulumi.runtime.get_root_resource() is None:
        # In a provider's process the end of this task is not the end of the update.
        raise pulumi.RunError(
            "a last check is made by a program that runs as one task: make the component that asks "
            "for it at the top of a Python program"
        )
    program.add_done_callback(partial(_judge, check))


def _judge(check: Check, program: asyncio.Task[object]) -> None:
    if program.cancelled() or program.exception() is not None:
        return
    try:
        problems = check()
    except Exception as error:  # noqa: BLE001  the event loop would swallow it, and the update pass
        problems = [f"the last check has failed: {type(error).__name__}: {error}"]
    if not problems:
        return
    try:
        for line in problems:
            pulumi.log.error(line)
    finally:
        # Of all exceptions the event loop lets only SystemExit out of a callback.
        sys.exit(1)

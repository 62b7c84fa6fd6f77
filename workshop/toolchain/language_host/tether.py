"""Ties this process's life to its parent's, then becomes the program named on the command line.

Run as `python -I -S tether.py PARENT_PID COMMAND [ARGUMENT...]`. PR_SET_PDEATHSIG (prctl(2)) is
set here, after the exec, because a `preexec_fn` runs between fork and exec of a process full of
gRPC threads and may deadlock. The setting survives the second exec.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
CANNOT_RUN = 126  # what a shell answers for a command it found but could not run


def main(arguments: list[str]) -> None:
    """Exec the command; on failure print one line to stderr and exit 126."""
    parent, command = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above took effect
            os._exit(0)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # the host blocks what it waits for
    try:
        os.execv(command[0], command)  # noqa: S606
    except OSError as error:
        print(f"cannot run {command[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(CANNOT_RUN)


if __name__ == "__main__":
    main(sys.argv[1:])

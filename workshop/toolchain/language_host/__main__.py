"""Entry point: the folder is run as a program, so the repository takes its place on the path."""

import os
import signal
import sys

if __name__ == "__main__":
    # Before the slow imports: a signal in the first tenth of a second ends the host silently too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: os._exit(0))
    # Three folders up; pathlib is slow to import.
    sys.path[0] = os.path.normpath(os.path.join(sys.path[0], "..", "..", ".."))  # noqa: PTH118

    from workshop.toolchain.language_host.server import main

    main(sys.argv[1:])

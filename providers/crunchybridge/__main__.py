"""The plugin's process, as the engine runs this folder: `python -u <folder> ENGINE_ADDRESS`."""

import os
import sys
from pathlib import Path

# Before the imports, which take long enough for an engine to be killed meanwhile.
_PARENT = os.getppid()

if not __package__:
    # The engine runs this folder as a path: instead of its files, make known the package it is.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from providers.crunchybridge.provider import Provider  # noqa: E402
from providers.plugin.process import serve  # noqa: E402

if __name__ == "__main__":
    # The engine ends its plugins itself, after it has ended what it was doing: an interrupt from
    # the keyboard must not cut off a request whose outcome the state has yet to hear of.
    serve(Provider, sys.argv[1:], _PARENT, seconds_to_cancel=None)

"""`python -m lab.plugins.command ENGINE_ADDRESS`: the plugin's process."""

import sys

from lab.plugins.command.provider import CommandProvider
from lab.plugins.process import serve

if __name__ == "__main__":
    serve(CommandProvider(), sys.argv[1:])

"""`python -m workshop.lab.plugins.command ENGINE_ADDRESS`: the plugin's process."""

import sys

from workshop.lab.plugins.command.provider import CommandProvider
from workshop.lab.plugins.process import serve

if __name__ == "__main__":
    serve(CommandProvider(), sys.argv[1:])

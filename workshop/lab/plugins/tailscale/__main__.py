"""`python -m workshop.lab.plugins.tailscale ENGINE_ADDRESS`: the plugin's process."""

import sys

from workshop.lab.plugins.process import serve
from workshop.lab.plugins.tailscale.provider import TailscaleProvider

if __name__ == "__main__":
    serve(TailscaleProvider(), sys.argv[1:])

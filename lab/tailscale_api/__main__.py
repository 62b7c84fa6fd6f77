"""`python -m lab.tailscale_api --port N --state FILE --credentials FILE`: serve on loopback."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lab.loopback_server import listen, serve
from lab.tailscale_api.app import make_app
from lab.tailscale_api.policy import Policy
from lab.tailscale_api.refusal import Refusal
from lab.tailscale_api.secret import api_key
from lab.tailscale_api.tailnet import Tailnet


def main(arguments: list[str] | None = None) -> int:
    """Serve until ended; 1 and one line where a file cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.tailscale_api", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--port", type=int, required=True, help="0 takes a free port")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--credentials", type=Path, required=True, help="holds the API key")
    parser.add_argument("--policy", type=Path, help="the tailnet's policy file at first start")
    options = parser.parse_args(arguments)
    try:
        tailnet = Tailnet(options.state, api_key(options.credentials))
        if options.policy is not None and tailnet.policy() == Policy():
            tailnet.set_policy(options.policy.read_text(), None)
        listener = listen(options.port)
    except (OSError, ValueError, KeyError, TypeError, Refusal) as error:
        sys.stderr.write(f"lab.tailscale_api: {error}\n")
        return 1
    serve(make_app(tailnet), listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m lab.pulumi_esc --port N --state FILE --credentials FILE`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lab.loopback_server import listen, serve
from lab.pulumi_esc.account import Account
from lab.pulumi_esc.app import keep_token, make_app
from lab.pulumi_esc.start_values import fill


def main(arguments: list[str] | None = None) -> int:
    """Serve on loopback until ended; 1 and one line where a file cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.pulumi_esc", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--port", type=int, required=True, help="0 takes a free port")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument(
        "--credentials", type=Path, required=True, help="holds a token; made at first use"
    )
    options = parser.parse_args(arguments)
    try:
        account = Account(options.state)
        fill(account)
        if not options.credentials.exists():
            keep_token(account, options.credentials)
        listener = listen(options.port)
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"lab.pulumi_esc: {error}\n")
        return 1
    serve(make_app(account, options.credentials), listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())

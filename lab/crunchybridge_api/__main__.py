"""`python -m lab.crunchybridge_api --port N --state FILE --credentials FILE --network ID`."""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

from lab.crunchybridge_api.account import Account
from lab.crunchybridge_api.app import make_app
from lab.loopback_server import listen, serve
from lab.private_file import write_private


def main(arguments: list[str] | None = None) -> int:
    """Serve on loopback until ended; 1 and one line where a file cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.crunchybridge_api", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--port", type=int, required=True, help="0 takes a free port")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--credentials", type=Path, required=True, help="holds the API key")
    parser.add_argument(
        "--network", action="append", default=[], help="id of a network to have; may be repeated"
    )
    options = parser.parse_args(arguments)
    try:
        account = Account(options.state, options.network)
        api_key = _api_key(options.credentials)
        listener = listen(options.port)
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"lab.crunchybridge_api: {error}\n")
        return 1
    serve(make_app(account, api_key), listener)
    return 0


def _api_key(path: Path) -> str:
    """The key kept in `path` (mode 0600), made at first use in the form of the real ones."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        key = f"cbkey_{secrets.token_urlsafe(32)}"
        write_private(path, key + "\n")
        return key


if __name__ == "__main__":
    sys.exit(main())

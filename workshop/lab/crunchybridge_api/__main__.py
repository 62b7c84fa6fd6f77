"""`workshop.lab.crunchybridge_api --port N --state FILE --credentials FILE --network ID`."""

import argparse
import secrets
import sys

from flask import Flask

from workshop.lab.crunchybridge_api.app import make_app
from workshop.lab.crunchybridge_api.team import Team
from workshop.lab.loopback_server import kept_key, options_of, run


def main(arguments: list[str] | None = None) -> int:
    """Serve on loopback until ended; 1 and one line where a file cannot be used."""
    parser = options_of("crunchybridge_api")
    parser.add_argument(
        "--network", action="append", default=[], help="id of a network to have; may be repeated"
    )
    return run(parser, _app, arguments)


def _app(options: argparse.Namespace) -> Flask:
    team = Team(options.state, options.network)
    return make_app(team, kept_key(options.credentials, _new_key))


def _new_key() -> str:
    """In the form of the real ones."""
    return f"cbkey_{secrets.token_urlsafe(32)}"


if __name__ == "__main__":
    sys.exit(main())

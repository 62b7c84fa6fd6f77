"""`workshop.lab.tailscale_api --port N --state FILE --credentials FILE`: serve on loopback."""

import argparse
import sys
from pathlib import Path

from flask import Flask

from workshop.lab.loopback_server import kept_key, options_of, run
from workshop.lab.tailscale_api import secret
from workshop.lab.tailscale_api.app import make_app
from workshop.lab.tailscale_api.policy import Policy
from workshop.lab.tailscale_api.tailnet import Tailnet


def _app(options: argparse.Namespace) -> Flask:
    tailnet = Tailnet(options.state, kept_key(options.credentials, secret.api_key))
    if options.policy is not None and tailnet.policy() == Policy():
        tailnet.set_policy(options.policy.read_text(), None)
    return make_app(tailnet)


if __name__ == "__main__":
    parser = options_of("tailscale_api")
    parser.add_argument("--policy", type=Path, help="the tailnet's policy file at first start")
    sys.exit(run(parser, _app))

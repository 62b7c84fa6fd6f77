"""`python -m workshop.lab.pulumi_esc --port N --state FILE --credentials FILE`."""

import argparse
import sys

from flask import Flask

from workshop.lab.loopback_server import options_of, run
from workshop.lab.pulumi_esc.app import keep_token, make_app
from workshop.lab.pulumi_esc.organizations import Organizations
from workshop.lab.pulumi_esc.start_values import fill


def _app(options: argparse.Namespace) -> Flask:
    organizations = Organizations(options.state)
    fill(organizations)
    if not options.credentials.exists():
        keep_token(organizations, options.credentials)
    return make_app(organizations, options.credentials)


if __name__ == "__main__":
    sys.exit(run(options_of("pulumi_esc"), _app))

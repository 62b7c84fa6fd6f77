"""Where the journey happens: a clean checkout, two labs, a bucket, and an API in GitHub's place."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from operations.delivery.promotion import ACCEPT
from tests.delivery.bucket import NAME, Bucket
from tests.delivery.github_api import GitHub, running
from tests.delivery.rehearsal import Rehearsal
from workshop.lab import api_servers
from workshop.lab.home import Home
from workshop.lab.kube import connect
from workshop.lab.nodes import FLEET, register, wait_until_ready
from workshop.testing.checkout import Checkout, clean_checkout, said
from workshop.testing.lab_fleet import Fleet, running_lab

PULL_REQUEST = "7"
_FLEET_NAMES = {"tethys": "srv712429", "styx": "srv712695"}


@dataclass(frozen=True, kw_only=True)
class Place:
    rehearsal: Rehearsal
    github: GitHub
    dev: Home
    prod: Home

    @property
    def checkout(self) -> Checkout:
        """The checkout that all jobs share."""
        return self.rehearsal.checkout

    def get(self, home: Home, path: str) -> Any:
        """One object or list of a lab's API server."""
        with connect(home.kubeconfig) as api:
            answer = api.get(path)
            return answer.json() if answer.is_success else None


@contextmanager
def prepared(folder: Path, bucket: Bucket, left_out: tuple[str, ...]) -> Iterator[Place]:
    """A checkout with two labs that run, and `prod` made and set up as its operators would.

    `left_out` are the steps of the workflows that are not run.
    """
    checkout = clean_checkout(folder)
    with (
        running_lab(folder / "dev", checkout=checkout.path) as dev_lab,
        running_lab(folder / "prod", checkout=checkout.path) as prod_lab,
        running(GitHub(token=secrets.token_hex(8))) as github,
    ):
        dev, prod = dev_lab.home, prod_lab.home
        _as_the_operators_fleet(prod)
        values, around_prod = _credentials(prod_lab)
        around_dev = {"OCEANID_LAB": str(dev.path), "OCEANID_NODES": "simulated"}
        bucket_reached = {
            key: value for key, value in bucket.environment.items() if key.startswith("AWS_")
        }
        # What the AWS SDKs read in place of the region's own address.
        bucket_reached["AWS_ENDPOINT_URL_S3"] = str(bucket.s3.meta.endpoint_url)
        around_prod |= {**bucket_reached, "GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
        values |= {
            "vars.STATE_BUCKET": NAME,
            "vars.AWS_REGION": "us-east-1",
            "github.token": github.token,
            "github.run_attempt": "2",
            "needs.dev.outputs.attempt": "2",
            "github.event.pull_request.number": PULL_REQUEST,
        }
        job = {"GITHUB_API_URL": github.api, "GITHUB_REPOSITORY": github.name}
        rehearsal = Rehearsal(
            checkout=checkout,
            values=values,
            surroundings={
                ("pr", "preview-dev"): around_dev,
                ("pr", "preview-prod"): around_prod,
                ("pr", "comment"): job,
                ("deploy", "dev"): {**around_dev, **bucket_reached},
                ("deploy", "plan"): around_prod,
                ("deploy", "prod"): around_prod,
                ("drift", "prod"): {**around_prod, **job},
            },
            # What real nodes run: the rehearsal's nodes are simulated.
            left_out=(*left_out, "make toolchain", "make network-programs"),
            added={"oceanid promote --stack prod": (ACCEPT,)},
        )
        here = Place(rehearsal=rehearsal, github=github, dev=dev, prod=prod)
        _set_up_prod(here, {**around_prod, **_secrets_of(values)})
        yield here


def _as_the_operators_fleet(home: Home) -> None:
    """Give the second lab the names and the one API server that Pulumi.prod.yaml knows."""
    nodes = tuple(
        replace(
            each,
            name=_FLEET_NAMES[each.name],
            labels={**each.labels, "oceanid.node/name": each.name},
        )
        for each in FLEET
        if each.name in _FLEET_NAMES
    )
    with connect(home.kubeconfig) as api:
        register(api, nodes)
        wait_until_ready(api, nodes)
        api_servers.publish(api, FLEET[:1])
        for name in _FLEET_NAMES:
            api.delete(f"/api/v1/nodes/{name}").raise_for_status()


def _credentials(lab: Fleet) -> tuple[dict[str, str], dict[str, str]]:
    """What the secrets of the environment `prod` hold, and how its APIs are reached from here."""
    given = lab.variables
    kubeconfig = lab.home.kubeconfig.read_text().replace("oceanid-lab", "oceanid-prod")
    values = {
        "secrets.KUBECONFIG": kubeconfig,
        "secrets.PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(16),
        # The stand-in has one API key and no OAuth client: see docs/stand-ins.md.
        "vars.TAILSCALE_OAUTH_CLIENT_ID": "",
        "secrets.TAILSCALE_OAUTH_CLIENT_SECRET": "",
        "secrets.CRUNCHY_API_KEY": given["CRUNCHY_API_KEY"],
        "secrets.ESC_ACCESS_TOKEN": given["ESC_ACCESS_TOKEN"],
    }
    addresses = {key: value for key, value in given.items() if key.endswith("_URL")}
    del addresses["PULUMI_BACKEND_URL"]
    return values, {**addresses, "TAILSCALE_API_KEY": given["TAILSCALE_API_KEY"]}


def _secrets_of(values: dict[str, str]) -> dict[str, str]:
    named = {k.partition(".")[2]: v for k, v in values.items() if k.startswith("secrets.") and v}
    return {"OCEANID_KUBECONFIG": named.pop("KUBECONFIG"), **named}


def _set_up_prod(place: Place, environment: dict[str, str]) -> None:
    """What the operators do once: look at the consoles, say where charts are, make the stack."""
    path = place.checkout.path / "Pulumi.prod.yaml"
    document = yaml.safe_load(path.read_text())
    config = document["config"]
    dev = yaml.safe_load((path.parent / "Pulumi.dev.yaml").read_text())["config"]
    for node in config["oceanid-cluster:nodes"]:
        node["consoleConfirmed"] = datetime.now(UTC).date().isoformat()
    # No registry and no Pulumi Cloud here: the lab's chart, and the lab's environment of secrets.
    config["oceanid-cluster:externalSecrets"] = dev["oceanid-cluster:externalSecrets"]
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    url = f"s3://{NAME}?region=us-east-1"
    made = place.checkout.with_environment(**environment, PULUMI_BACKEND_URL=url).oceanid(
        "init", "--stack", "prod"
    )
    assert made.returncode == 0, said(made)
    place.checkout.commit("Set prod up")

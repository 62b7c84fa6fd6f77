"""A checkout and a lab as a person at a runbook has them, with what there is to be mended."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from operations.delivery.environment import engine, is_built
from workshop.testing.checkout import (
    REPOSITORY,
    Checkout,
    Completed,
    clean_checkout,
    kubectl,
    passed,
)
from workshop.testing.lab_fleet import NAMESPACE_PATH, Fleet, running_lab

_STACK_FILE = "Pulumi.dev.yaml"
_OUTAGE = REPOSITORY / "tests" / "policies" / "manifests" / "incident.yaml"
_STARVED = Path(__file__).resolve().parent / "manifests" / "starved.yaml"
_PROJECT = "oceanid-cluster"


@dataclass(frozen=True, kw_only=True)
class Site:
    """The lab, and the checkout whose commands are for it."""

    fleet: Fleet
    checkout: Checkout

    def shell(self, text: str) -> Completed:
        """The text as a script: a shell of its own that stops at the first error."""
        return self.checkout.run("bash", "-euo", "pipefail", "-c", text)

    def edit(self, mode: str, text: str) -> None:
        """What a reader would write into the stack's file; today is the day of every console."""
        path = self.checkout.path / _STACK_FILE
        document = yaml.safe_load(path.read_text())
        config = document["config"]
        for key, value in yaml.safe_load(text).items():
            config[key] = _edited(mode, config.get(key), value)
        for node in config[f"{_PROJECT}:nodes"]:
            node["consoleConfirmed"] = str(datetime.now(UTC).date())
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        self.checkout.commit("What a runbook says")

    def has_left_host_tailscale(self) -> None:
        """Where the runbook has not run, its end: no such DaemonSet, and the stack deployed."""
        with self.fleet.api() as api:
            if api.get(NAMESPACE_PATH).is_success:
                return
        passed(self.shell("kubectl delete namespace tailscale-system\noceanid up --stack dev"))

    def device(self, hostname: str) -> dict[str, Any]:
        with self.fleet.tailnet() as api:
            query = {"hostname": hostname, "fields": "all"}
            found = api.get("/tailnet/-/devices", params=query).raise_for_status().json()
        (device,) = found["devices"]
        return dict(device)


@contextmanager
def running_site(folder: Path, *, secrets: bool) -> Iterator[Site]:
    """A cluster before the stack: with the outage's DaemonSet, and a workload that is starved.

    Leaving that DaemonSet, by its runbook, deploys the stack; without `secrets` it
    syncs none, and the applications' namespace is not the stack's.
    """
    with running_lab(folder) as fleet:
        site = Site(fleet=fleet, checkout=_checkout(folder, fleet, _programs(folder)))
        if not secrets:
            site.checkout.leave_out("externalSecrets", "monitoring")
            passed(site.shell("kubectl create namespace apps"))
        passed(site.shell(f"kubectl apply -f {_OUTAGE} -f {_STARVED}"))
        site.edit("set", "{}")
        yield site


def _programs(folder: Path) -> Path:
    """A folder with `oceanid` of the checkout, kubectl, and the official engine where it is in use.

    What is built here lies next to the built engine, which nobody should find on PATH by accident.
    """
    programs = folder / "bin"
    programs.mkdir()
    (programs / "kubectl").symlink_to(kubectl())
    # The one in .venv/bin is of the checkout that the packages were installed for.
    oceanid = programs / "oceanid"
    oceanid.write_text('#!/bin/sh\nexec .venv/bin/python -m operations.cli "$@"\n')
    oceanid.chmod(0o755)
    if not is_built():
        (programs / "pulumi").symlink_to(engine())
    return programs


def _checkout(folder: Path, fleet: Fleet, programs: Path) -> Checkout:
    checkout = clean_checkout(folder)
    path = f"{programs}:{checkout.path / '.venv' / 'bin'}:/usr/local/bin:/usr/bin:/bin"
    return checkout.with_environment(
        STACK="dev",
        KUBECONFIG=str(fleet.home.kubeconfig),
        PATH=path,
        OCEANID_LAB=str(fleet.home.path),
    )


def _edited(mode: str, old: Any, new: Any) -> Any:
    if isinstance(new, dict) and isinstance(old, dict):
        return {**old, **{key: _edited(mode, old.get(key), each) for key, each in new.items()}}
    if mode == "add":
        return [*(old or []), *new]
    if mode == "remove":
        names = {each["name"] for each in new}
        return [each for each in old if each["name"] not in names]
    return new

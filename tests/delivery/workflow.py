"""The workflows of CI as data, so that tests can judge their steps and run them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / ".github" / "workflows"
# How a step comes by root with the runner's Python and cache.
SUDO = 'sudo --preserve-env env "PATH=$PATH" "HOME=$HOME" '
ACTIONS = REPOSITORY / ".github" / "actions"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: what it runs or uses, the condition on it, its environment with its job's."""

    job: str
    run: str | None
    uses: str | None
    condition: str
    environment: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """One file of .github/workflows."""

    name: str
    document: dict[Any, Any]

    @property
    def triggers(self) -> set[str]:
        """The events that start it; YAML 1.1 reads the key `on` as true."""
        on = self.document["on"] if "on" in self.document else self.document[True]
        return {on} if isinstance(on, str) else set(on)

    @property
    def jobs(self) -> dict[str, dict[str, Any]]:
        jobs: dict[str, dict[str, Any]] = self.document["jobs"]
        return jobs

    def steps(self, job: str | None = None) -> Iterator[Step]:
        """The steps of a job, or of all of them."""
        for name, body in self.jobs.items():
            if job in {None, name}:
                yield from (_step(name, body, each) for each in body["steps"])


def _step(job: str, body: dict[str, Any], step: dict[str, Any]) -> Step:
    return Step(
        job=job,
        run=step.get("run"),
        uses=step.get("uses"),
        condition=str(step.get("if", "")),
        environment={**body.get("env", {}), **step.get("env", {})},
    )


def workflows() -> list[Workflow]:
    return [
        Workflow(name=path.stem, document=yaml.safe_load(path.read_text()))
        for path in sorted(FOLDER.glob("*.yml"))
    ]


def workflow(name: str) -> Workflow:
    return next(each for each in workflows() if each.name == name)


def set_up() -> dict[str, Any]:
    """The action by which every job gets its programs."""
    document: dict[str, Any] = yaml.safe_load((ACTIONS / "set-up" / "action.yml").read_text())
    return document

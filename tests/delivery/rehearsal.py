"""The jobs of the workflows, run step by step in a clean checkout, as a runner would run them.

What a job gets from GitHub (secrets, variables, the pull request) comes from a table; steps that
use an action are left out, because all jobs share one folder, one Python and one toolchain here.
Steps of root's are run by whoever rehearses: the labs' nodes are simulated here, and what promotes
from one is told so by `added`.
"""

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.delivery.workflow import SUDO, Step, workflow
from workshop.testing.checkout import Checkout, said

_EXPRESSION = re.compile(r"\$\{\{ *([\w.-]+) *\}\}")


@dataclass(frozen=True, kw_only=True)
class Ran:
    step: Step
    result: subprocess.CompletedProcess[str]

    @property
    def failed(self) -> bool:
        return self.result.returncode != 0


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """The checkout, what every runner has, and what GitHub's expressions stand for."""

    checkout: Checkout
    values: dict[str, str]
    # By job: what a runner of that job can reach, such as its lab.
    surroundings: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    # By step: options that only a rehearsal gives.
    added: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def job(self, name: str, job: str) -> list[Ran]:
        """Run one job; after a red step only those that run always."""
        done: list[Ran] = []
        for step in workflow(name).steps(job):
            if step.run is None or step.run in self.left_out:
                continue
            if any(each.failed for each in done) and "!cancelled()" not in step.condition:
                continue
            environment = {key: self._filled(value) for key, value in step.environment.items()}
            around = self.surroundings.get((name, job), {})
            checkout = self.checkout.with_environment(**around, **environment)
            program, *arguments = shlex.split(step.run.removeprefix(SUDO))
            arguments += self.added.get(step.run, ())
            run = {"make": checkout.make, "oceanid": checkout.oceanid}[program]
            done.append(Ran(step=step, result=run(*arguments)))
        return done

    def passed(self, name: str, *jobs: str) -> Iterator[Ran]:
        """Run jobs that must be green."""
        for job in jobs:
            for ran in self.job(name, job):
                assert not ran.failed, f"{name}, {job}, {ran.step.run}:\n{said(ran.result)}"
                yield ran

    def _filled(self, value: str) -> str:
        return _EXPRESSION.sub(lambda found: self.values[found.group(1)], value)

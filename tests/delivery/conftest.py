"""A clean checkout with a small program in place of the stack's, two stacks, and a bucket."""

import json
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from operations.delivery import environment, shell
from tests.delivery.bucket import Bucket, running_bucket
from tests.kubernetes_api import ApiServer, api_server
from tests.lab_variables import lab_variables
from workshop.testing.checkout import Checkout, clean_checkout

# A chain of commands in place of waves and gates: what delivery does about an update that is slow,
# fails or exceeds its plan has nothing to do with what the update makes.
_PROGRAM = """
import json, os, pathlib
import pulumi, pulumi_command

before = []
gates = {"canary": {"styx": "node styx: all 9 checks passed: …"}}
said = pathlib.Path("gates.json")
if said.exists():
    gates = json.loads(said.read_text())
if gates and (said.exists() or pulumi.get_stack() == "dev"):
    # As the stack's own program has it: unknown until the update.
    unknown = pulumi.Output.from_input(pulumi.UNKNOWN)
    pulumi.export("gates", unknown if pulumi.runtime.is_dry_run() else gates)
for name, command in json.loads(pathlib.Path("release.json").read_text()).items():
    command = command.replace("@ENVIRONMENT@", os.environ.get("SURPRISE", "as planned"))
    one = pulumi_command.local.Command(
        name, create=command, opts=pulumi.ResourceOptions(depends_on=before)
    )
    pulumi.export(name, one.stdout)
    before = [one]
"""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The checkout with its stacks `dev` and `prod` in one bucket; no cluster anywhere."""

    checkout: Checkout
    bucket: Bucket

    def release(self, message: str, **commands: str) -> str:
        """Commit a program that runs `commands` one after the other; the commit's hash."""
        self.checkout.write("release.json", json.dumps(commands))
        return self.checkout.commit(message)

    def newest_update(self, what: str) -> str:
        """What the engine's own record has of prod's newest update."""
        program = (
            "from operations.delivery import history, run\n"
            f"print(history.updates('prod', run.stack_environment('prod'))[0].{what})"
        )
        return self.checkout.run(".venv/bin/python", "-c", program).stdout.strip()


@pytest.fixture
def own_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """A lab with these variables, records and a built engine of this test, in a bare shell."""

    def make(variables: dict[str, str]) -> None:
        for name in shell.of_families(os.environ):
            monkeypatch.delenv(name)
        (tmp_path / "lab").mkdir()
        lines = (f"{name}={value}\n" for name, value in variables.items())
        (tmp_path / "lab" / "env").write_text("".join(lines))
        (tmp_path / "toolchain" / "bin").mkdir(parents=True)
        (tmp_path / "toolchain" / "bin" / "pulumi").touch()
        monkeypatch.setenv("OCEANID_LAB", str(tmp_path / "lab"))
        monkeypatch.setattr(environment, "RECORDS", tmp_path / "records")
        monkeypatch.setattr(environment, "_TOOLCHAIN", tmp_path / "toolchain")

    return make


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with running_bucket(tmp_path_factory.mktemp("bucket") / "log") as one:
        yield one


@pytest.fixture(scope="module")
def stage(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage of its own for the tests of one file, and a cluster that only says it is ready."""
    folder = tmp_path_factory.mktemp("stage")
    with api_server() as cluster:
        yield made_stage(folder, bucket, cluster)


def made_stage(folder: Path, bucket: Bucket, cluster: ApiServer) -> Stage:
    """The checkout with its program, what both stacks need, and `prod` made in the bucket."""
    plain = clean_checkout(folder)
    plain.write("__main__.py", _PROGRAM)
    lab = folder / "lab"
    lab.mkdir()
    (lab / "passphrase").write_text(secrets.token_hex(8))
    given = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(lab / "passphrase"), **_variables(lab, cluster)}
    (lab / "env").write_text("".join(f"{name}={value}\n" for name, value in given.items()))
    named = ("TAILSCALE_API_KEY", "CRUNCHY_API_KEY", "ESC_ACCESS_TOKEN")
    checkout = plain.with_environment(
        OCEANID_LAB=str(lab),
        OCEANID_BACKEND="from-environment",
        PULUMI_CONFIG_PASSPHRASE=secrets.token_hex(8),
        **dict.fromkeys(named, "not used by this program"),
        # The engine built here runs on a lab only.
        **_variables(folder, cluster),
        **bucket.environment,
    )
    made = checkout.oceanid("init", "--stack", "prod")
    assert made.returncode == 0, f"{made.stdout}\n{made.stderr}"
    stage = Stage(checkout=checkout, bucket=bucket)
    stage.release("The first release", first="echo one")
    assert os.path.lexists(checkout.path / ".delivery") is False
    return stage


def _variables(folder: Path, cluster: ApiServer) -> dict[str, str]:
    return {**lab_variables(folder), "KUBECONFIG": cluster.kubeconfig(folder)}

"""With an official CLI on PATH its plugins and its login are its user's, and bare commands work."""

import json
import re
from collections.abc import Iterator

import pytest

from tests.e2e.official import Official, installed
from workshop.testing.checkout import Completed, failed, passed, said

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

# `oceanid env --stack dev`, by the packages of another checkout.
_LINE = 'eval "$(.venv/bin/python -m operations.cli env --stack dev)"'
_ANOTHER_PROJECT = {
    "PULUMI_BACKEND_URL": "file:///nonexistent",
    "PULUMI_CONFIG_PASSPHRASE": "of another project",
    "PULUMI_STACK": "another",
    "KUBECONFIG": "/nonexistent",
    "TAILSCALE_API_KEY": "of another project",
}


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Official]:
    """A checkout whose stack has gateways only."""
    with installed(tmp_path_factory.mktemp("official")) as one:
        one.checkout.leave_out("externalSecrets", "monitoring")
        yield one


def _bare(official: Official, script: str) -> Completed:
    """A script in a shell for another project, after the documented line."""
    checkout = official.checkout.with_environment(**_ANOTHER_PROJECT)
    return passed(checkout.run("bash", "-euo", "pipefail", "-c", f"{_LINE}\n{script}"))


def _passed(official: Official, *arguments: str, **environment: str) -> str:
    stack = () if "login" in arguments else ("--stack", "dev")
    checkout = official.checkout.with_environment(**environment)
    return said(passed(checkout.oceanid(*arguments, *stack)))


def _is_clean(official: Official) -> bool:
    return official.checkout.git("status", "--porcelain") == ""


def test_the_commands_go_on_working_and_the_home_stays_as_it_is(official: Official) -> None:
    before = official.content()
    assert "created" in said(passed(official.checkout.make("up")))
    for _ in range(2):
        assert re.search(r"Resources:\n +\d+ unchanged\n", _passed(official, "up"))
    assert "unchanged" in _passed(official, "preview")
    assert "unchanged" in _passed(official, "drift")
    assert official.content() == before
    assert not (official.checkout.path / ".toolchain" / "pulumi-home").exists()
    assert not (official.checkout.path / ".toolchain" / "bin" / "pulumi").exists()
    assert _is_clean(official)


def test_bare_commands_find_the_stack_and_leave_the_repository_alone(official: Official) -> None:
    before = official.content()
    flags = "--non-interactive --yes --skip-preview --expect-no-changes"
    _bare(
        official,
        f"pulumi preview --non-interactive --expect-no-changes\npulumi up {flags}\n"
        f"pulumi refresh {flags}",
    )
    outputs = _bare(official, "pulumi stack output --json").stdout
    assert json.loads(outputs) == official.checkout.outputs("dev")
    _bare(
        official,
        "pulumi config set --secret escAccessToken made-up-for-this-test\n"
        'test "$(pulumi config get escAccessToken)" = made-up-for-this-test',
    )
    assert _is_clean(official)
    assert official.content() == before
    # What is set in the lab stays in the lab, whatever runs next.
    assert "unchanged" in _passed(official, "up")
    _bare(official, 'test "$(pulumi config get escAccessToken)" = made-up-for-this-test')


def test_the_import_that_is_printed_works_as_it_is(official: Official) -> None:
    urn = next(
        resource["urn"]
        for resource in json.loads(_bare(official, "pulumi stack export").stdout)["deployment"][
            "resources"
        ]
        if resource["type"] == "crunchybridge:index:FirewallRule"
    )
    _bare(official, f"pulumi state delete --yes '{urn}'")
    printed = _passed(official, "firewall", "import")
    lines = [line.strip() for line in printed.splitlines() if line.startswith("  ")]
    assert lines[0] == 'eval "$(oceanid env --stack dev)"'
    _bare(official, lines[1])
    assert "unchanged" in _passed(official, "preview")
    assert _is_clean(official)


def test_a_bare_update_never_uses_settings_of_before_an_edit(official: Official) -> None:
    file = official.checkout.path / "Pulumi.dev.yaml"
    checkout = official.checkout.with_environment(**_ANOTHER_PROJECT)
    script = f"{_LINE}\necho '# edited' >>{file.name}\npulumi preview --non-interactive"
    result = checkout.run("bash", "-euo", "pipefail", "-c", script)
    official.checkout.git("checkout", "--quiet", "--", file.name)
    text = failed(result)
    assert "Pulumi.dev.yaml has changed since this shell was set up" in text
    assert "Traceback" not in text


def test_what_make_login_records_is_the_login_of_bare_commands(
    official: Official, tmp_path_factory: pytest.TempPathFactory
) -> None:
    state = tmp_path_factory.mktemp("state")
    _passed(official, "login", PULUMI_BACKEND_URL=f"file://{state}")
    prod = official.checkout.with_environment(PULUMI_CONFIG_PASSPHRASE="made up for this test")
    script = (
        "pulumi stack init prod\n"
        "pulumi config set --stack prod --secret escAccessToken made-up-for-this-test\n"
        "pulumi stack ls --json"
    )
    result = passed(prod.run("bash", "-euo", "pipefail", "-c", script))
    listed = json.loads(result.stdout[result.stdout.index("[") :])
    assert [entry["name"].rpartition("/")[2] for entry in listed] == ["prod"]
    history = prod.oceanid("state", "export", "--stack", "prod")
    # The commands here look in the same place: what they miss is a fleet's credentials.
    assert "PULUMI_BACKEND_URL" not in history.stderr
    official.checkout.git("checkout", "--quiet", "--", "Pulumi.prod.yaml")
    # The lab's stack stays where it is.
    assert "unchanged" in _passed(official, "preview")


def test_a_bare_destroy_ends_the_stack_and_make_up_makes_it_again(official: Official) -> None:
    _bare(official, "pulumi destroy --non-interactive --yes --skip-preview")
    assert json.loads(_bare(official, "pulumi stack output --json").stdout) == {}
    assert "created" in said(passed(official.checkout.make("up")))
    assert _is_clean(official)

"""The environment the engine runs in, by stack."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parent.parent
# What a command leaves for the ones after it, such as a saved plan; ignored by git.
RECORDS = REPOSITORY / ".delivery"
_TOOLCHAIN = REPOSITORY / ".toolchain"
_BACKEND = "PULUMI_BACKEND_URL"
# The stack of the local lab; every other one is a real fleet.
LAB_STACK = "dev"


class DeliveryError(Exception):
    """A command cannot run; the text says what is missing and where it comes from."""


@dataclass(frozen=True, kw_only=True)
class _Needed:
    """An environment variable a real stack needs, or any one of several."""

    names: tuple[str, ...]
    source: str

    def is_met(self, environment: dict[str, str]) -> bool:
        return any(environment.get(name) for name in self.names)

    def line(self) -> str:
        return f"  {' or '.join(self.names)}: {self.source}"


_NEEDED = (
    _Needed(
        names=("KUBECONFIG",),
        source="path of a kubeconfig with the context that the stack's `cluster.context` names "
        "(in CI its content, in OCEANID_KUBECONFIG)",
    ),
    _Needed(
        names=(_BACKEND, "PULUMI_ACCESS_TOKEN"),
        source="where the stack's state is: s3://… of the team's bucket (here, or once by "
        "`make login`), or a Pulumi Cloud token; see docs/state.md",
    ),
    _Needed(
        names=("TAILSCALE_OAUTH_CLIENT_SECRET", "TAILSCALE_API_KEY"),
        source="Tailscale admin console: an OAuth client with the scopes auth_keys, oauth_keys, "
        "devices:core, devices:routes (with TAILSCALE_OAUTH_CLIENT_ID), or an API key",
    ),
    _Needed(
        names=("CRUNCHY_API_KEY",),
        source="CrunchyBridge dashboard, account settings, API keys: it edits the firewall",
    ),
)
_ESC_TOKEN = _Needed(
    names=("ESC_ACCESS_TOKEN",),
    source="Pulumi Cloud, access tokens: it reads the environments that the stores name (or keep "
    "it with the stack: pulumi config set --secret escAccessToken)",
)
_PASSPHRASE = _Needed(
    names=("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"),
    source="the team's password store: it decrypts the secrets in the stack's state",
)


def lab_folder() -> Path:
    """The lab's folder: `.lab` of the checkout unless OCEANID_LAB names another."""
    return Path(os.environ.get("OCEANID_LAB") or REPOSITORY / ".lab").resolve()


def config_file(stack: str) -> Path:
    """The stack's configuration file in the repository."""
    return REPOSITORY / f"Pulumi.{stack}.yaml"


def stacks() -> list[str]:
    """The stacks that have a configuration file in the repository."""
    return sorted(path.name.split(".")[1] for path in REPOSITORY.glob("Pulumi.*.yaml"))


def project_name() -> str:
    """The project's name, which the backend files its stacks under."""
    return str(yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())["name"])


def for_stack(stack: str) -> dict[str, str]:
    """The engine's process environment for `stack`.

    Raises DeliveryError when the stack has no configuration, when the lab does not run, or with
    every variable that is missing for a real stack.
    """
    if not config_file(stack).exists():
        raise DeliveryError(
            f"STACK={stack}: there is no Pulumi.{stack}.yaml: use one of {', '.join(stacks())}, "
            "or write that file"
        )
    environment = engine_environment()
    if stack == LAB_STACK:
        # The lab's own file, unless the caller names a backend for every stack.
        named = {key: environment[key] for key in (_BACKEND,) if os.environ.get(key)}
        return {**environment, **_lab(), **named}
    needed = [
        *_NEEDED,
        *([_ESC_TOKEN] if _reads_token(stack) else []),
        *([_PASSPHRASE] if _uses_passphrase(stack, environment) else []),
    ]
    missing = [each.line() for each in needed if not each.is_met(environment)]
    if missing:
        raise DeliveryError(
            "\n".join(
                [f"STACK={stack} needs these in the environment, and they are not set:", *missing]
            )
        )
    return environment


def engine() -> str:
    """The engine's command: the one built here, else the official one on PATH.

    By its path, and its folder is not on PATH: the engine then takes the providers beside it
    without the warning it has for those that it happens to find on PATH.
    """
    built = _TOOLCHAIN / "bin" / "pulumi"
    return str(built) if built.exists() else "pulumi"


def engine_environment() -> dict[str, str]:
    """This process's environment with what the engine needs whatever the stack.

    The backend is the one that PULUMI_BACKEND_URL names, else the one of `make login`.
    """
    backend = os.environ.get(_BACKEND) or _logged_in()
    environment = {**os.environ, **engine_variables(), **({_BACKEND: backend} if backend else {})}
    kubeconfig = environment.pop("OCEANID_KUBECONFIG", None)
    if kubeconfig and not environment.get("KUBECONFIG"):
        environment["KUBECONFIG"] = str(_kept(kubeconfig))
    return environment


def _kept(kubeconfig: str) -> Path:
    """A file with that content, which no other user can read: the API's clients take a path."""
    RECORDS.mkdir(mode=0o700, exist_ok=True)
    path = RECORDS / "kubeconfig"
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as sink:
        sink.write(kubeconfig)
    return path


def _logged_in() -> str | None:
    try:
        record = json.loads((_TOOLCHAIN / "pulumi-home" / "credentials.json").read_text())
    except (OSError, ValueError):
        return None
    return str(record.get("current") or "") or None


def engine_variables() -> dict[str, str]:
    """Where the engine keeps its plugins, and that it looks for neither updates nor others."""
    values = {
        "PULUMI_HOME": str(_TOOLCHAIN / "pulumi-home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    if (_TOOLCHAIN / "bin" / "pulumi").exists():
        # The built engine has its providers beside it and has nowhere to fetch others from.
        values["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
    return values


def _lab() -> dict[str, str]:
    path = lab_folder() / "env"
    if not path.exists():
        raise DeliveryError("the lab has not been set up: run `make lab-up` first")
    lines = (line.partition("=") for line in path.read_text().splitlines())
    return {key: value for key, _, value in lines}


def _uses_passphrase(stack: str, environment: dict[str, str]) -> bool:
    document = yaml.safe_load(config_file(stack).read_text()) or {}
    provider = document.get("secretsprovider", "passphrase")
    in_cloud = not environment.get("PULUMI_BACKEND_URL") and environment.get("PULUMI_ACCESS_TOKEN")
    return provider == "passphrase" and not in_cloud


def _reads_token(stack: str) -> bool:
    """Whether the stack syncs secrets and does not keep the token for it itself."""
    document = yaml.safe_load(config_file(stack).read_text()) or {}
    keys = {str(key).partition(":")[2] for key in document.get("config") or {}}
    return "externalSecrets" in keys and "escAccessToken" not in keys

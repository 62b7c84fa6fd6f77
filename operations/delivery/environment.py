"""The environment the engine runs in, by stack."""

from __future__ import annotations

import json
import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml

from delivery import shell

REPOSITORY = Path(__file__).resolve().parent.parent
# What a command leaves for the ones after it, such as a saved plan; ignored by git.
RECORDS = REPOSITORY / ".delivery"
_TOOLCHAIN = REPOSITORY / ".toolchain"
_BACKEND = "PULUMI_BACKEND_URL"
_CLOUD = "PULUMI_ACCESS_TOKEN"
# Where the lab's stack has its state: in the lab, or where the shell says, as CI keeps it.
BACKEND_CHOICE = "OCEANID_BACKEND"
_FROM_ENVIRONMENT = "from-environment"
BACKENDS = ("lab", _FROM_ENVIRONMENT)
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
        names=(_BACKEND, _CLOUD),
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
    "it with the stack: pulumi config set --stack STACK --secret escAccessToken)",
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
    environment = engine_environment(stack)
    if stack == LAB_STACK:
        return environment
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
    without the warning it has for those that it happens to find on PATH. Raises DeliveryError when
    there is neither.
    """
    command = str(_built_engine()) if is_built() else shutil.which("pulumi")
    if command is None:
        raise DeliveryError("there is no engine: run `make toolchain` first")
    return command


def is_built() -> bool:
    """Whether the engine in use is the one built here, with stand-ins among its providers."""
    return _built_engine().exists()


def engine_environment(stack: str | None = None) -> dict[str, str]:
    """The engine's process environment for `stack`, or for what is about no stack.

    What the shell may say is in `delivery/shell.py`. The lab's stack has the lab's own values. The
    backend of another one is that of PULUMI_BACKEND_URL, else the one of the engine's login. Raises
    DeliveryError when the lab does not run, and for a shell that is set up for the lab when the
    stack is another one.
    """
    environment = {**shell.passed_on(os.environ, *_lists(stack)), **engine_variables()}
    if stack == LAB_STACK:
        return {**environment, **_lab(), **_chosen_backend(environment)}
    if stack is not None and os.environ.get(_BACKEND) in _lab_backend():
        raise DeliveryError(
            f"STACK={stack}: this shell is set up for the lab ({_BACKEND} is the lab's): "
            "use another shell"
        )
    backend = environment.get(_BACKEND) or _logged_in()
    environment |= {_BACKEND: backend} if backend else {}
    kubeconfig = environment.pop("OCEANID_KUBECONFIG", None)
    if kubeconfig and not environment.get("KUBECONFIG"):
        environment["KUBECONFIG"] = str(_kept(kubeconfig))
    return environment


def not_taken(stack: str) -> str | None:
    """A line with the names of what the shell exports and a command on `stack` does not take."""
    given = engine_environment(stack)
    dropped = [
        name
        for name in shell.of_families(os.environ)
        # The content of the one goes into a file; where the lab is, nothing asks for the others.
        if not name.startswith(("OCEANID_KUBECONFIG", "AWS_"))
        and given.get(name, "") != os.environ[name]
    ]
    return f"not taken from this shell for {stack}: {', '.join(dropped)}" if dropped else None


def _lists(stack: str | None) -> list[frozenset[str]]:
    """What may come from the shell."""
    lists = [shell.OURS, *([] if is_built() else [shell.ENGINE])]
    if stack != LAB_STACK:
        return [*lists, shell.BACKEND, shell.FLEET]
    return [*lists, *([shell.BACKEND] if _is_from_environment() else [])]


def _is_from_environment() -> bool:
    """Whether the lab's stack has its state in the backend that the shell names."""
    choice = os.environ.get(BACKEND_CHOICE) or BACKENDS[0]
    if choice not in BACKENDS:
        raise DeliveryError(f"{BACKEND_CHOICE}={choice}: give one of {', '.join(BACKENDS)}")
    return choice == _FROM_ENVIRONMENT


def _chosen_backend(environment: dict[str, str]) -> dict[str, str]:
    """The variable that names the backend in place of the lab's own, if there is to be one."""
    if not _is_from_environment():
        return {}
    if not (environment.get(_BACKEND) or environment.get(_CLOUD)):
        raise DeliveryError(f"{_FROM_ENVIRONMENT}: {_BACKEND} is not set, nor is {_CLOUD}")
    # Empty, the engine takes it for not set: Pulumi Cloud, by the token.
    return {_BACKEND: environment.get(_BACKEND, "")}


def _lab_backend() -> list[str]:
    try:
        return [_lab()[_BACKEND]]
    except (DeliveryError, KeyError):
        return []


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
    """The backend that the engine in use is logged in to: what `make login` has done."""
    user = os.environ.get("PULUMI_CREDENTIALS_PATH") or os.environ.get("PULUMI_HOME")
    # As the engine finds it: HOME has no say [sdk/go/common/workspace/paths.go].
    official = Path(user or Path(pwd.getpwuid(os.getuid()).pw_dir) / ".pulumi")
    home = _built_home() if is_built() else official
    try:
        record = json.loads((home / "credentials.json").read_text())
    except (OSError, ValueError):
        return None
    return str(record.get("current") or "") or None


def _built_home() -> Path:
    return _TOOLCHAIN / "pulumi-home"


def _built_engine() -> Path:
    return _TOOLCHAIN / "bin" / "pulumi"


def engine_variables() -> dict[str, str]:
    """What the engine needs whatever the stack.

    An official engine has its user's home, with the plugins and the login in it. The one built here
    has a home of its own, with its providers, and nowhere to fetch others from.
    """
    # `--event-log` is one of the engine's debug flags.
    values = {"PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_DEBUG_COMMANDS": "true"}
    if is_built():
        values["PULUMI_HOME"] = str(_built_home())
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
    backend = environment.get(_BACKEND)
    in_cloud = backend.startswith("http") if backend else bool(environment.get(_CLOUD))
    return provider == "passphrase" and not in_cloud


def _reads_token(stack: str) -> bool:
    """Whether the stack syncs secrets and does not keep the token for it itself."""
    document = yaml.safe_load(config_file(stack).read_text()) or {}
    keys = {str(key).partition(":")[2] for key in document.get("config") or {}}
    return "externalSecrets" in keys and "escAccessToken" not in keys

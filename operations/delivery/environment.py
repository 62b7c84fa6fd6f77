"""The environment the engine runs in, by stack."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Mapping
from pathlib import Path

import yaml

from operations.delivery import credentials, official_engine, shell
from operations.delivery.shell import (
    ACCESS_TOKEN,
    BACKEND_CHOICE,
    BACKEND_URL,
    KUBECONFIG_CONTENT,
    LAB,
)
from operations.errors import OperationError
from providers.plugin.variables import KUBECONFIG

REPOSITORY = Path(__file__).resolve().parents[2]
# What a command leaves for the ones after it, such as a saved plan; ignored by git.
RECORDS = REPOSITORY / ".delivery"
_TOOLCHAIN = REPOSITORY / ".toolchain"
_FROM_ENVIRONMENT = "from-environment"
BACKENDS = ("lab", _FROM_ENVIRONMENT)
# The stack of the local lab; every other one is a real fleet.
LAB_STACK = "dev"


def lab_folder() -> Path:
    """The lab's folder: `.lab` of the checkout unless OCEANID_LAB names another."""
    return Path(os.environ.get(LAB) or REPOSITORY / ".lab").resolve()


def config_file(stack: str) -> Path:
    return REPOSITORY / f"Pulumi.{stack}.yaml"


def stacks() -> list[str]:
    """The stacks that have a configuration file in the repository."""
    return sorted(path.name.split(".")[1] for path in REPOSITORY.glob("Pulumi.*.yaml"))


def project_name() -> str:
    """The project's name, which the backend files its stacks under."""
    return str(yaml.safe_load((REPOSITORY / "Pulumi.yaml").read_text())["name"])


def for_stack(stack: str) -> dict[str, str]:
    """The engine's process environment for `stack`.

    Raises OperationError when the stack has no configuration, when the lab does not run, or with
    every variable that is missing for a real stack.
    """
    if not config_file(stack).exists():
        raise OperationError(
            f"there is no Pulumi.{stack}.yaml: use one of {', '.join(stacks())}, or write that file"
        )
    environment = engine_environment(stack)
    if stack == LAB_STACK:
        return environment
    needed = [
        *credentials.NEEDED,
        *([credentials.ESC_TOKEN] if _reads_token(stack) else []),
        *([credentials.PASSPHRASE] if _uses_passphrase(stack, environment) else []),
    ]
    missing = [variable.line() for variable in needed if not variable.is_met(environment)]
    if missing:
        raise OperationError(
            "\n".join(
                [
                    f"the stack {stack} needs these in the environment, and they are not set:",
                    *missing,
                ]
            )
        )
    return environment


def engine(stack: str | None = LAB_STACK) -> str:
    """The engine's command for `stack`, or for what is about no stack.

    By its path, and its folder is not on PATH: the engine then takes the providers next to it
    without the warning it has for those that it happens to find on PATH. Raises OperationError when
    there is none.
    """
    if is_built(stack):
        return str(_built_engine())
    official = official_engine.on_path(_built_engine().parent)
    if official is not None and official.is_new_enough:
        return str(official.command)
    if stack == LAB_STACK:
        raise OperationError("the lab has no engine yet: run `oceanid lab up` first")
    why = official.why_not if official else "there is no `pulumi` on PATH"
    raise OperationError(
        f"{why}: install the Pulumi CLI (https://www.pulumi.com/docs/install) and run the command "
        "again; the engine that is built here is for the lab"
    )


def is_built(stack: str | None = LAB_STACK) -> bool:
    """Whether the engine for `stack` is the one built here, with stand-ins among its providers.

    The lab keeps the engine that it was made with. Anything else runs on it only where there is no
    official one; `stack_turn.py` says what may.
    """
    if not _built_engine().exists():
        return False
    if stack == LAB_STACK:
        return True
    official = official_engine.on_path(_built_engine().parent)
    return official is None or not official.is_new_enough


def engine_of(environment: Mapping[str, str]) -> str:
    """The engine's command for a process environment that `engine_environment` has made."""
    built = environment.get("PULUMI_HOME") == str(_built_home())
    return engine(LAB_STACK if built else None)


def engine_environment(stack: str | None = None) -> dict[str, str]:
    """The engine's process environment for `stack`, or for what is about no stack.

    What the shell may say is in `shell.py`. The lab's stack has the lab's own values. The backend
    of another one is that of PULUMI_BACKEND_URL, else the one of the engine's login. Raises
    OperationError when the lab does not run, and for a shell that is set up for the lab when the
    stack is another one.
    """
    environment = {
        **shell.passed_on(os.environ, *_lists(stack)),
        **engine_variables(stack),
    }
    if stack == LAB_STACK:
        return {**environment, **_lab(), **_chosen_backend(environment)}
    if stack is not None and os.environ.get(BACKEND_URL) in _lab_backend():
        raise OperationError(
            f"stack {stack}: this shell is set up for the lab ({BACKEND_URL} is the lab's): "
            "use another shell"
        )
    backend = environment.get(BACKEND_URL) or _logged_in(stack)
    environment |= {BACKEND_URL: backend} if backend else {}
    kubeconfig = environment.pop(KUBECONFIG_CONTENT, None)
    if kubeconfig and not environment.get(KUBECONFIG):
        environment[KUBECONFIG] = str(_kept(kubeconfig))
    return environment


def not_taken(stack: str) -> str | None:
    """A line with the names of what the shell exports and a command on `stack` does not take."""
    given = engine_environment(stack)
    dropped = [
        name
        for name in shell.of_families(os.environ)
        # The content of the one goes into a file; where the lab is, nothing asks for the others.
        if not name.startswith((KUBECONFIG_CONTENT, "AWS_"))
        and given.get(name, "") != os.environ[name]
    ]
    return f"not taken from this shell for {stack}: {', '.join(dropped)}" if dropped else None


def _lists(stack: str | None) -> list[frozenset[str]]:
    lists = [shell.OURS, *([] if is_built(stack) else [shell.ENGINE])]
    if stack != LAB_STACK:
        return [*lists, shell.BACKEND, shell.FLEET]
    return [*lists, *([shell.BACKEND] if _is_from_environment() else [])]


def _is_from_environment() -> bool:
    """Whether the lab's stack has its state in the backend that the shell names."""
    choice = os.environ.get(BACKEND_CHOICE) or BACKENDS[0]
    if choice not in BACKENDS:
        raise OperationError(f"{BACKEND_CHOICE}={choice}: give one of {', '.join(BACKENDS)}")
    return choice == _FROM_ENVIRONMENT


def _chosen_backend(environment: dict[str, str]) -> dict[str, str]:
    """The variable that names the backend in place of the lab's own, if there is to be one."""
    if not _is_from_environment():
        return {}
    if not (environment.get(BACKEND_URL) or environment.get(ACCESS_TOKEN)):
        raise OperationError(
            f"{_FROM_ENVIRONMENT}: {BACKEND_URL} is not set, nor is {ACCESS_TOKEN}"
        )
    # Empty, the engine takes it for not set: Pulumi Cloud, by the token.
    return {BACKEND_URL: environment.get(BACKEND_URL, "")}


def _lab_backend() -> list[str]:
    try:
        return [_lab()[BACKEND_URL]]
    except (OperationError, KeyError):
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


def _logged_in(stack: str | None) -> str | None:
    """The backend that the engine in use is logged in to: what `oceanid login` has done."""
    user = os.environ.get("PULUMI_CREDENTIALS_PATH") or os.environ.get("PULUMI_HOME")
    # As the engine finds it: HOME has no say [sdk/go/common/workspace/paths.go].
    official = Path(user or Path(pwd.getpwuid(os.getuid()).pw_dir) / ".pulumi")
    home = _built_home() if is_built(stack) else official
    try:
        record = json.loads((home / "credentials.json").read_text())
    except (OSError, ValueError):
        return None
    return str(record.get("current") or "") or None


def _built_home() -> Path:
    return _TOOLCHAIN / "pulumi-home"


def _built_engine() -> Path:
    return _TOOLCHAIN / "bin" / "pulumi"


def engine_variables(stack: str | None = LAB_STACK) -> dict[str, str]:
    """What the engine for `stack` needs.

    An official engine has its user's home, with the plugins and the login in it. The one built here
    has a home of its own, with its providers, and nowhere to fetch others from.
    """
    # `--event-log` is one of the engine's debug flags.
    values = {"PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_DEBUG_COMMANDS": "true"}
    if is_built(stack):
        values["PULUMI_HOME"] = str(_built_home())
        values["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
    return values


def _lab() -> dict[str, str]:
    path = lab_folder() / "env"
    if not path.exists():
        raise OperationError("the lab has not been set up: run `oceanid lab up` first")
    lines = (line.partition("=") for line in path.read_text().splitlines())
    return {key: value for key, _, value in lines}


def _uses_passphrase(stack: str, environment: dict[str, str]) -> bool:
    document = yaml.safe_load(config_file(stack).read_text()) or {}
    provider = document.get("secretsprovider", "passphrase")
    backend = environment.get(BACKEND_URL)
    in_cloud = backend.startswith("http") if backend else bool(environment.get(ACCESS_TOKEN))
    return provider == "passphrase" and not in_cloud


def _reads_token(stack: str) -> bool:
    """Whether the stack syncs secrets and does not keep the token for it itself."""
    document = yaml.safe_load(config_file(stack).read_text()) or {}
    keys = {str(key).partition(":")[2] for key in document.get("config") or {}}
    return "externalSecrets" in keys and "escAccessToken" not in keys

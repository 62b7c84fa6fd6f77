"""The running stack's configuration, as the engine has it."""

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env, is_config_secret

Settings = TypeVar("Settings")
Warn = Callable[[str], object]


def configured(
    load: Callable[[Mapping[str, str], Collection[str], Warn], Settings],
) -> Settings:
    """What `load` makes of the project's own values, of the keys that are secret, and warnings.

    Raises pulumi.RunError, which the engine shows without a traceback, for a ValueError.
    """
    project = f"{pulumi.get_project()}:"
    values = {**get_config_env(), **CONFIG.get()}
    own = {key: value for key, value in values.items() if key.startswith(project)}
    secret = {key.removeprefix(project) for key in own if is_config_secret(key)}
    try:
        return load(
            {key.removeprefix(project): value for key, value in own.items()},
            secret,
            pulumi.log.warn,
        )
    except ValueError as error:
        raise pulumi.RunError(str(error)) from None

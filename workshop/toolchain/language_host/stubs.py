"""Makes `pulumi.runtime.proto`, the protocol's stubs, importable without the rest of the SDK."""

import importlib.util
import os
import sys
from types import ModuleType

from workshop.toolchain.language_host.errors import HostError


def stand_in_for_the_sdk() -> None:
    """Put empty modules in the place of `pulumi` and `pulumi.runtime`, for the whole process.

    `import pulumi` runs the SDK and doubles the host's start, which every `pulumi` command waits
    for; the stubs below it need none of it. Raises HostError when the SDK is not installed.
    """
    found = importlib.util.find_spec("pulumi")
    if found is None or not found.submodule_search_locations:
        raise HostError(
            f"the Pulumi SDK is not installed for {sys.executable}: install requirements.txt there"
        )
    folder = found.submodule_search_locations[0]
    for name, path in (("pulumi", folder), ("pulumi.runtime", f"{folder}{os.sep}runtime")):
        module = ModuleType(name)
        module.__path__ = [path]
        sys.modules[name] = module

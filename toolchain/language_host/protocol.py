"""The SDK's protocol stubs, loaded without the SDK.

`import pulumi` runs the whole SDK and doubles the host's start, which every `pulumi` command
waits for. Empty modules in the place of `pulumi` and `pulumi.runtime` let the stubs below them
load by themselves; nothing else of the SDK may be imported in this process.
"""

import importlib.util
import os
import sys
from types import ModuleType

from toolchain.language_host.errors import HostError


def _stand_in_for_the_sdk() -> None:
    found = importlib.util.find_spec("pulumi")
    if found is None or not found.submodule_search_locations:
        raise HostError(
            f"the Pulumi SDK is not installed for {sys.executable}: install requirements.txt there"
        )
    folder = found.submodule_search_locations[0]
    for name, path in (("pulumi", folder), ("pulumi.runtime", os.path.join(folder, "runtime"))):  # noqa: PTH118
        module = ModuleType(name)
        module.__path__ = [path]
        sys.modules[name] = module


if "pulumi" not in sys.modules:
    _stand_in_for_the_sdk()

from google.protobuf import empty_pb2  # noqa: E402
from pulumi.runtime.proto import (  # noqa: E402
    analyzer_pb2,
    language_pb2,
    language_pb2_grpc,
    plugin_pb2,
)

__all__ = ["analyzer_pb2", "empty_pb2", "language_pb2", "language_pb2_grpc", "plugin_pb2"]

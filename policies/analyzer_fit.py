"""Whether the installed pulumi-policy is one that the pack's own analyzer fits.

`crossguard.UnknownAwareAnalyzer` takes the place of the SDK's analyzer, which is private to the
SDK. Under the SDK's own, `plain-text-keys` cannot see which values are secrets and says nothing.
With an SDK that differs the pack refuses to start: the preview or update stops with an error.
"""

import inspect
from collections.abc import Callable
from importlib import metadata

import pulumi_policy.policy as sdk

from .errors import PoliciesError

# The versions this was read and tested against; another one passes when it has the same shape.
KNOWN_VERSIONS = ("1.21.0",)
_ANALYZER = "_PolicyAnalyzerServicer"
# What `crossguard.UnknownAwareAnalyzer` replaces or calls, and the parameters of each.
_PARAMETERS = {
    "__init__": 12,
    "Analyze": 3,
    "AnalyzeStack": 3,
    "Configure": 3,
    "ConfigureStack": 3,
    "Remediate": 3,
    "_create_report_violation": 6,
    "_get_enforcement_level": 2,
}
# What the SDK's analyzer answers the engine and `crossguard.UnknownAwareAnalyzer` leaves to it.
_UNTOUCHED = frozenset({"GetAnalyzerInfo", "GetPluginInfo"})


def require_fit() -> None:
    """Raise PoliciesError unless the SDK's analyzer fits `crossguard.UnknownAwareAnalyzer`."""
    difference = _difference()
    if difference is None:
        return
    known = ", ".join(KNOWN_VERSIONS)
    raise PoliciesError(
        f"pulumi-policy {metadata.version('pulumi-policy')}: {difference}. The policy pack does "
        "not start with it, because keys in plain text would pass unseen. Fix: install "
        f"pulumi-policy=={KNOWN_VERSIONS[-1]} (known: {known}), as requirements.txt says"
    )


def _difference() -> str | None:
    """The first thing that is not as known, or None."""
    analyzer = getattr(sdk, _ANALYZER, None)
    if not isinstance(analyzer, type):
        return f"it has no {_ANALYZER}"
    serve = sdk.PolicyPack.__init__
    if _ANALYZER not in serve.__code__.co_names or serve.__globals__ is not vars(sdk):
        return f"PolicyPack no longer serves {_ANALYZER}"
    for name, known in _PARAMETERS.items():
        method: Callable[..., object] | None = vars(analyzer).get(name)
        if method is None:
            return f"{_ANALYZER} has no {name}"
        number = len(inspect.signature(method).parameters)
        if number != known:
            return f"{_ANALYZER}.{name} has {number} parameters and {known} are known"
    requests = {
        name for name in vars(analyzer) if name[0].isupper() and callable(getattr(analyzer, name))
    }
    new = requests - set(_PARAMETERS) - _UNTOUCHED - {"IntermediateStackResource"}
    if new:
        return f"{_ANALYZER} answers {', '.join(sorted(new))}, which is not known"
    return None

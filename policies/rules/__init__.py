"""The rules, one subject a file. Every file here without a leading underscore holds ``RULES``.

To add a rule: add a file with ``RULES = (Rule(...),)``; CONTRIBUTING.md has the other steps.
``CROSS_RESOURCE_RULES`` are those over several resources together.
"""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from ._cross_resource import CrossResourceRule
from ._model import Rule

__all__ = ["all_rules", "cross_resource_rules", "every_rule"]


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule of this folder that judges one subject, in order of name.

    Raises TypeError for a file that holds no rules and ValueError for a name used twice: a rule
    that is silently left out would be worse than a pack that does not start.
    """
    return tuple(rule for rule in every_rule() if not isinstance(rule, CrossResourceRule))


@cache
def cross_resource_rules() -> tuple[CrossResourceRule, ...]:
    """Every rule over several resources, in order of name. Raises as `all_rules` does."""
    return tuple(rule for rule in every_rule() if isinstance(rule, CrossResourceRule))


@cache
def every_rule() -> tuple[Rule, ...]:
    """Both of these, in order of name. Raises as `all_rules` does."""
    rules: dict[str, Rule] = {}
    for module in _modules():
        file = f"policies/rules/{module.__name__.rpartition('.')[2]}.py"
        single, cross = getattr(module, "RULES", ()), getattr(module, "CROSS_RESOURCE_RULES", ())
        if (
            not isinstance(single, tuple)
            or not isinstance(cross, tuple)
            or not single + cross
            or not all(isinstance(rule, Rule) for rule in single + cross)
        ):
            raise TypeError(f"{file}: RULES must be a tuple of at least one Rule")
        for rule in single + cross:
            if rule.name in rules:
                raise ValueError(f"{file}: {rule.name} is declared twice")
            rules[rule.name] = rule
    return tuple(rules[name] for name in sorted(rules))


def _modules() -> Iterator[ModuleType]:
    for found in sorted(iter_modules(__path__), key=lambda module: module.name):
        if not found.name.startswith("_"):
            yield import_module(f"{__name__}.{found.name}")

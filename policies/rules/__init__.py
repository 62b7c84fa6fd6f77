"""The rules, one subject a file. Every file here without a leading underscore holds ``RULES``.

To add a rule: add a file with ``RULES = (Rule(...),)`` and its fixtures. Nothing else changes.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from policies.rules._model import Rule

__all__ = ["all_rules"]


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule of this folder, in order of name.

    Raises TypeError for a file that holds no rules and ValueError for a name used twice: a rule
    that is silently left out would be worse than a pack that does not start.
    """
    rules: dict[str, Rule] = {}
    for found in sorted(iter_modules(__path__), key=lambda module: module.name):
        if found.name.startswith("_"):
            continue
        declared = getattr(import_module(f"{__name__}.{found.name}"), "RULES", None)
        if (
            not isinstance(declared, tuple)
            or not declared
            or not all(isinstance(rule, Rule) for rule in declared)
        ):
            raise TypeError(
                f"policies/rules/{found.name}.py: RULES must be a tuple of at least one Rule"
            )
        for rule in declared:
            if rule.name in rules:
                raise ValueError(f"policies/rules/{found.name}.py: {rule.name} is declared twice")
            rules[rule.name] = rule
    return tuple(rules[name] for name in sorted(rules))

"""Resource names made of two free parts, of which no two are the same."""

from collections import Counter
from collections.abc import Iterable

import pulumi

NamespacedName = tuple[str, str]


def in_namespaces(
    prefix: str, objects: Iterable[NamespacedName]
) -> dict[NamespacedName, tuple[str, list[pulumi.Alias]]]:
    """For each namespace and name: the resource's name, and aliases for what it was before.

    All were joined by `-`, so that `staging-db` in `apps` and `db` in `apps-staging` were one name.
    A namespace without `-` ends at the first one: its resources keep their names. The others have
    a `/` at its end, which no object's name holds. They are aliases of what they were, unless that
    name is another resource's too.
    """
    joined = {(namespace, name): f"{prefix}-{namespace}-{name}" for namespace, name in objects}
    count = Counter(joined.values())
    names: dict[NamespacedName, tuple[str, list[pulumi.Alias]]] = {}
    for (namespace, name), former in joined.items():
        if "-" not in namespace:
            names[namespace, name] = former, []
        else:
            aliases = [pulumi.Alias(name=former)] if count[former] == 1 else []
            names[namespace, name] = f"{prefix}-{namespace}/{name}", aliases
    return names

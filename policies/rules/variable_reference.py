"""Every ``$(NAME)`` refers to a variable that is defined before it."""

import re
from collections.abc import Iterator

from policies.rules._check import each_container
from policies.rules._environment import references
from policies.rules._model import UNKNOWN, Enforcement, Finding, Path, Rule, Severity, Unknown
from policies.rules._subject import Body, Container

# ``$(date)`` in a shell's command is that shell's business: variables are written in capitals.
_LIKE_A_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_LATER = (
    "it refers to a variable that is defined after it or is itself, and stays as it stands: $(...)"
)
_NOWHERE = "it refers to a variable that is not defined, and stays as it stands: $(...)"
_MEND = "write the names of variables as plain values, not as Outputs"


def _judge(container: Container, body: Body) -> Iterator[Finding]:
    if "env" not in body and "args" not in body and "command" not in body:
        return
    environment = container.environment
    unseen: set[Path] = set()
    for text in environment.texts:
        if not isinstance(text.value, str) or "$(" not in text.value:
            continue
        before = {variable.name for variable in text.variables}
        for name in references(text.value):
            if name in before:
                continue
            if any(variable.name == name for variable in environment.variables):
                yield Finding.fires(text.where, _LATER)
            elif _LIKE_A_VARIABLE.fullmatch(name) and not environment.may_define(
                name, text.variables
            ):
                yield Finding.fires(text.where, _NOWHERE)
            elif UNKNOWN in before:
                unseen |= {one.where for one in text.variables if isinstance(one.name, Unknown)}
            else:
                continue
            break
    for where in sorted(unseen, key=repr):
        yield Finding.unjudged(where, _MEND)


RULES = (
    Rule(
        name="variable-reference",
        severity=Severity.HIGH,
        enforcement=Enforcement.MANDATORY,
        description="A reference $(NAME) must be to a variable that is defined before it.",
        remedy=(
            "define the variable earlier in the container's env (order counts), or write $$(NAME) "
            "where the text itself is meant"
        ),
        source=(
            "2025-10-12: the exit node's --hostname was the text $(NODE_NAME), which the operators "
            "took for a lack of expansion in Kubernetes"
        ),
        url="https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/",
        blind_to=(
            "Names in small letters, which in a shell's command are that shell's; names that "
            "envFrom or a Service may define; a text that a preview does not know is judged on "
            "update."
        ),
        check=each_container(_judge),
        tags=("correctness",),
    ),
)

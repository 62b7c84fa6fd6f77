"""Every ``$(NAME)`` refers to a variable that is defined before it."""

import re
from collections.abc import Iterator

from ._check import each_container
from ._environment import Environment, references
from ._field import entries_of, value_at
from ._model import Finding, Path, Rule, Severity
from ._subject import Body, Container

# ``$(date)`` in a shell's command is that shell's business: variables are written in capitals.
_LIKE_A_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_LATER = (
    "it refers to a variable that is defined after it or is itself, and stays as it stands: $(...)"
)
_NOWHERE = "it refers to a variable that is not defined, and stays as it stands: $(...)"
_MEND = "write the names of variables as plain values, not as Outputs"
# The kubelet (v1.35.4) fails a container whose subPathExpr has a variable without a value
# (ExpandContainerVolumeMounts of pkg/kubelet/container/helpers.go), gives a probe's command the
# plain values of env only (ExpandContainerCommandOnlyStatic there) and expands nothing in a
# lifecycle hook (pkg/kubelet/lifecycle/handlers.go).
_NO_PATH = "it refers to a variable that has no value, and the container does not start: $(...)"
_NOT_IN_PROBE = (
    "a probe's command is given the plain values of env only: there $(...) stays as it stands, or "
    "is empty where the value comes from elsewhere"
)
_NOT_IN_HOOK = "Kubernetes expands nothing in a lifecycle hook, so $(...) stays as it stands"
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HOOKS = ("postStart", "preStop")
_FIELDS = frozenset({"env", "args", "command", "volumeMounts", "lifecycle", *_PROBES})


def _judge(container: Container, body: Body) -> Iterator[Finding]:
    if _FIELDS.isdisjoint(body):
        return
    environment = container.environment
    yield from _in_texts(environment)
    if "volumeMounts" in body:
        yield from _in_paths(container, body, environment)
    for probe in _PROBES:
        if probe in body:
            yield from _in_probe(probe, container, body, environment)
    for hook in _HOOKS if "lifecycle" in body else ():
        for where, word in _words(container, body, "lifecycle", hook):
            if any(map(_LIKE_A_VARIABLE.fullmatch, references(word))):
                yield Finding.fires(where, _NOT_IN_HOOK)


def _words(container: Container, body: Body, *path: str) -> Iterator[tuple[Path, str]]:
    where, command = value_at(body, container.where, *path, "exec", "command")
    for place, word in entries_of(command, where):
        if isinstance(word, str) and "$(" in word:
            yield place, word


def _in_paths(container: Container, body: Body, environment: Environment) -> Iterator[Finding]:
    mounts = entries_of(body.get("volumeMounts"), (*container.where, "volumeMounts"))
    for mount_at, mount in mounts:
        where, path = value_at(mount, mount_at, "subPathExpr")
        for name in references(path) if isinstance(path, str) else ():
            variable = environment.variable(name)
            if variable is not None and variable.value != "":
                continue
            if variable is not None or not environment.may_define(name):
                yield Finding.fires(where, _NO_PATH)
            elif environment.unnamed():
                yield Finding.unjudged(where, _MEND)
            break


def _in_probe(
    probe: str, container: Container, body: Body, environment: Environment
) -> Iterator[Finding]:
    for where, word in _words(container, body, probe):
        names = [name for name in references(word) if _LIKE_A_VARIABLE.fullmatch(name)]
        meant = [environment.variable(name) for name in names]
        if any(variable is not None and variable.value is None for variable in meant):
            yield Finding.fires(where, _NOT_IN_PROBE)
        elif None in meant and environment.unnamed():
            yield Finding.unjudged(where, _MEND)
        elif None in meant:
            yield Finding.fires(where, _NOT_IN_PROBE)


def _in_texts(environment: Environment) -> Iterator[Finding]:
    unseen: set[Path] = set()
    for text in environment.texts:
        if not isinstance(text.value, str) or "$(" not in text.value:
            continue
        for name in references(text.value):
            if environment.variable(name, text) is not None:
                continue
            if environment.variable(name) is not None:
                yield Finding.fires(text.where, _LATER)
            elif _LIKE_A_VARIABLE.fullmatch(name) and not environment.may_define(name, text):
                yield Finding.fires(text.where, _NOWHERE)
            elif unnamed := environment.unnamed(text):
                unseen |= {variable.where for variable in unnamed}
            else:
                continue
            break
    for where in sorted(unseen, key=repr):
        yield Finding.unjudged(where, _MEND)


RULES = (
    Rule(
        name="variable-reference",
        severity=Severity.HIGH,
        description="A reference $(NAME) must be to a variable that is defined before it.",
        remedy=(
            "define the variable earlier in the container's env (order counts), or write $$(NAME) "
            "where the text itself is meant; in a probe or a lifecycle hook let a shell read $NAME"
        ),
        source=(
            "2025-10-12: the exit node's --hostname was the text $(NODE_NAME), which the operators "
            "took for a lack of expansion in Kubernetes"
        ),
        url="https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/",
        limitations=(
            "Names in small letters, which in a shell's command are that shell's; names that "
            "envFrom or a Service may define; a text that a preview does not know is judged on "
            "update. In a subPathExpr, what a value from elsewhere holds."
        ),
        check=each_container(_judge),
        tags=("correctness",),
    ),
)

"""No secret is pushed into a store of the provider pulumi."""

from collections.abc import Iterator, Mapping, Sequence

from ._cross_resource import (
    CrossResourceRule,
    Observation,
    name_of,
    namespace_of,
)
from ._field import entries_of, value_at
from ._model import UNKNOWN, Finding, Path, Severity
from ._selector import matches
from ._subject import Subject

_STORES = ("SecretStore", "ClusterSecretStore")
_DESTROYED = "pushed to a store of the provider pulumi it replaces the whole environment"
_OUT_OF_SIGHT = (
    "the store is not in this stack or scan, and one of the provider pulumi would lose the whole "
    "environment; define the store beside it"
)
_PROVIDER_UNKNOWN = (
    "the store's provider is not known, and one of the provider pulumi would lose the whole "
    "environment; write the provider in plain values"
)


def _collect(subject: Subject, _fired: frozenset[str]) -> Iterator[Observation]:
    _, namespace = namespace_of(subject)
    if subject.kind in _STORES:
        where, provider = value_at(subject.body, subject.where, "spec", "provider")
        _, labels = value_at(subject.body, (), "metadata", "labels")
        pulumi = "pulumi" in provider if isinstance(provider, Mapping) else None
        held = labels if labels is UNKNOWN or isinstance(labels, Mapping) else {}
        store = (subject.kind, name_of(subject), held, pulumi)
        yield Observation(subject.identity, namespace, "store", store, Finding.unjudged(where))
    elif subject.kind in {"PushSecret", "ClusterPushSecret"}:
        clustered = subject.kind == "ClusterPushSecret"
        nested = ("pushSecretSpec",) if clustered else ()
        where, stores = value_at(subject.body, subject.where, "spec", *nested, "secretStoreRefs")
        if stores is None and subject.partial:
            return
        listed = list(entries_of(stores, where)) or [(where, UNKNOWN)]
        for place, wanted in listed:
            unsure = Finding.unjudged(place)
            value = wanted if isinstance(wanted, Mapping) else UNKNOWN
            pushed_from = UNKNOWN if clustered else namespace
            yield Observation(subject.identity, pushed_from, "push", (place, value), unsure)


def _is_meant(
    push: Observation, wanted: Mapping[object, object], store: Observation
) -> bool | None:
    """Whether a push goes to a store; None: not known."""
    kind, name, labels, _ = store.value
    stated = wanted.get("kind") or "SecretStore"
    if stated is not UNKNOWN and stated != kind:
        return False
    answers: list[bool | None] = [None if stated is UNKNOWN else True]
    if kind == "SecretStore":
        unsure = UNKNOWN in (push.namespace, store.namespace)
        answers.append(None if unsure else push.namespace == store.namespace)
    chosen = wanted.get("name")
    if chosen is not None:
        answers.append(None if UNKNOWN in (chosen, name) else chosen == name)
    else:
        answers.append(matches(wanted.get("labelSelector"), labels))
    return False if False in answers else None if None in answers else True


def _evaluate(observations: Sequence[Observation]) -> Iterator[tuple[Observation, Finding]]:
    stores = [observation for observation in observations if observation.about == "store"]
    for push in observations:
        if push.about == "push":
            place, wanted = push.value
            finding = push.finding if wanted is UNKNOWN else _judged(push, wanted, place, stores)
            if finding is not None:
                yield push, finding


def _judged(
    push: Observation, wanted: Mapping[object, object], place: Path, stores: Sequence[Observation]
) -> Finding | None:
    providers = [
        (store.value[3], answer)
        for store in stores
        if (answer := _is_meant(push, wanted, store)) is not False
    ]
    if any(pulumi and answer for pulumi, answer in providers):
        return Finding.fires(place, _DESTROYED)
    if any(pulumi is not False for pulumi, _ in providers):
        return Finding.unseen(place, _PROVIDER_UNKNOWN)
    # A selector, or a push from every namespace, may find more stores than are in sight.
    by_name = isinstance(wanted.get("name"), str) and push.namespace is not UNKNOWN
    if not by_name or not any(answer for _, answer in providers):
        return Finding.unseen(place, _OUT_OF_SIGHT)
    return None


CROSS_RESOURCE_RULES = (
    CrossResourceRule(
        name="push-secret",
        severity=Severity.CRITICAL,
        description="Secrets must not be pushed into a store of the provider pulumi.",
        remedy="write the secret into its Pulumi ESC environment with the esc command",
        source=(
            "Facts of the operator's releases, looked up in its sources: a PushSecret to the "
            "provider pulumi destroys what was there"
        ),
        url="https://external-secrets.io/latest/api/pushsecret/",
        limitations=(
            "Which provider a store has that is neither in the stack nor in the scan, or that is "
            "chosen by its labels: such a push cannot be judged, and counts as a violation."
        ),
        tags=("secrets",),
        collect=_collect,
        evaluate=_evaluate,
    ),
)

"""The resource `crunchybridge:index:FirewallRule`: one address range a network's clusters admit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from providers.crunchybridge.claims import Claims
from providers.crunchybridge.errors import ApiError, GoneError
from providers.crunchybridge.inputs import (
    DESCRIPTION,
    INPUTS,
    KIND,
    NETWORK_ID,
    RULE,
    RULE_ID,
    TEAM_ID,
    changes,
)
from providers.crunchybridge.listing import Listing
from providers.crunchybridge.property import UNKNOWN, Properties, Property
from providers.crunchybridge.rule import KINDS, FirewallRule, resource_id, split_resource_id
from providers.plugin.errors import ProviderError
from providers.plugin.urn import parsed

TYPE_NAME: Final = "crunchybridge:index:FirewallRule"
# The documentation does not say which of these an overlap is answered with.
_REFUSED: Final = frozenset({400, 409, 422})
_GONE: Final = 410

Say = Callable[[str], None]


class FirewallRules:
    """What the engine asks of the resources; all methods may raise ProviderError."""

    def __init__(self, listing: Listing, claims: Claims) -> None:
        self._client = listing.client
        self._listing = listing
        self._claims = claims

    def create(self, urn: str, inputs: Mapping[str, Property], say: Say) -> tuple[str, Properties]:
        """Make the rule, or adopt the one that says the same already; its id and outputs."""
        refuse_unknown(inputs)
        network_id, cidr = inputs[NETWORK_ID].text, inputs[RULE].text
        kind, description = inputs[KIND].text, inputs.get(DESCRIPTION, Property()).text
        body: dict[str, str | None] = {"rule": cidr}
        if kind != KINDS[0]:
            body["kind"] = kind
        if description:
            body["description"] = description
        with self._listing.writing():
            try:
                rule = self._client.create(network_id, body)
            except ApiError as refused:
                if refused.status not in _REFUSED:
                    raise
                rule = self._adopt(urn, network_id, cidr, kind, refused)
                say(f"adopted {rule}: it was there already")
                if (rule.description or "") != description:
                    rule = self._client.change(
                        network_id, rule.id, {"description": description or None}
                    )
        self._claims.hold(resource_id(rule), urn)
        return resource_id(rule), outputs(rule, inputs)

    def read(
        self, urn: str, given_id: str, known: Mapping[str, Property]
    ) -> tuple[Properties, Properties] | None:
        """The outputs and inputs of a rule as it is, or None when it is gone.

        `known` is what the state says; it is empty on import.
        """
        network_id, rule_id = _ids(given_id)
        if known and not self._claims.first_reader(given_id, urn):
            return None
        try:
            rule = self._listing.find(network_id, rule_id)
        except GoneError as error:
            if error.status != _GONE:
                # Perhaps it is the wrong key: to forget all rules for that would lose them.
                raise ProviderError(
                    f"network {network_id} is not found: it was deleted, or the API key is of "
                    f"another team ({error})"
                ) from None
            rule = None
        if rule is None:
            return None
        properties = outputs(rule, known)
        return properties, {name: properties[name] for name in INPUTS if properties[name].given}

    def update(
        self,
        urn: str,
        given_id: str,
        state: Mapping[str, Property],
        inputs: Mapping[str, Property],
    ) -> Properties:
        """Change rule and description in place; the outputs."""
        refuse_unknown(inputs)
        network_id, rule_id = _ids(given_id)
        names = {change.name for change in changes(state, inputs)}
        body: dict[str, str | None] = {}
        for name, field in ((RULE, "rule"), (DESCRIPTION, "description")):
            if name in names:
                body[field] = inputs.get(name, Property()).text or None
        adopter = self._claims.adopted_by_other(given_id, urn)
        if adopter is not None:
            raise ProviderError(
                f"rule {given_id} has become that of {parsed(adopter).name!r}: "
                "run `pulumi up --refresh` once more"
            )
        with self._listing.writing():
            try:
                rule = self._client.change(network_id, rule_id, body)
            except GoneError as error:
                raise ProviderError(
                    f"rule {given_id} is gone, removed by another hand: "
                    f"run `pulumi up --refresh`, which makes it again ({error})"
                ) from None
            except ApiError as refused:
                if refused.status not in _REFUSED or "rule" not in body:
                    raise
                self._explain(network_id, inputs[RULE].text, refused, besides=rule_id)
                raise
            finally:
                self._claims.left(given_id, urn)
        return outputs(rule, inputs)

    def delete(self, urn: str, given_id: str, say: Say) -> None:
        """Remove the rule, unless another resource has taken it over; one that is gone is done."""
        network_id, rule_id = _ids(given_id)
        heir = self._claims.release(given_id, urn)
        if heir is not None:
            say(f"left rule {given_id} in place: {parsed(heir).name} stands for it now")
            return
        with self._listing.writing():
            try:
                self._client.delete(network_id, rule_id)
            except GoneError:
                say(f"rule {given_id} was removed already")

    def _adopt(
        self, urn: str, network_id: str, cidr: str, kind: str, refused: ApiError
    ) -> FirewallRule:
        for rule in self._client.rules(network_id):
            if (rule.cidr, rule.kind) == (cidr, kind):
                leaver = self._claims.adopt(resource_id(rule), urn)
                if leaver is not None:
                    raise ProviderError(
                        f"rule {rule} is still that of {parsed(leaver).name!r}, which this "
                        "update changes: run the update once more"
                    )
                return rule
        self._explain(network_id, cidr, refused, besides="")
        raise refused

    def _explain(self, network_id: str, cidr: str, refused: ApiError, *, besides: str) -> None:
        for rule in self._client.rules(network_id):
            if rule.id != besides and rule.overlaps(cidr):
                raise ProviderError(
                    f"rule {cidr} overlaps the rule {rule}, and rules cannot overlap: remove that "
                    f"one first, or import it ({refused})"
                ) from None


def outputs(rule: FirewallRule, marked: Mapping[str, Property]) -> Properties:
    """All properties of a rule; those that are secret in `marked` are secret."""
    values = {
        NETWORK_ID: rule.network_id,
        RULE: rule.cidr,
        KIND: rule.kind,
        DESCRIPTION: rule.description,
        RULE_ID: rule.id,
        TEAM_ID: rule.team_id or None,
    }
    return {
        name: Property(value, secret=marked.get(name, Property()).secret)
        for name, value in values.items()
    }


def previewed(inputs: Mapping[str, Property], state: Mapping[str, Property]) -> Properties:
    """The outputs a create (empty `state`) or an update will have, as far as they are known."""
    return {
        **inputs,
        RULE_ID: state.get(RULE_ID, UNKNOWN),
        TEAM_ID: state.get(TEAM_ID, UNKNOWN),
    }


def refuse_unknown(inputs: Mapping[str, Property]) -> None:
    """Raise ProviderError when an input is unknown: the API must not hear of it."""
    for name, value in inputs.items():
        if value.unknown:
            raise ProviderError(f"{name!r} is still unknown: nothing was done")


def _ids(text: str) -> tuple[str, str]:
    try:
        return split_resource_id(text)
    except ValueError as error:
        raise ProviderError(str(error)) from None

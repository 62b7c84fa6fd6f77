"""The resource `crunchybridge:index:RetiredRule`: a range that must not be admitted any more.

It removes a rule that no resource stands for, when its turn in the program comes: after what it
depends on. Where there is no such rule it does nothing.
"""

from collections.abc import Mapping
from typing import Final

from providers.crunchybridge.claims import Claims
from providers.crunchybridge.errors import GoneError
from providers.crunchybridge.firewall_rule import Say, refuse_unknown
from providers.crunchybridge.inputs import NETWORK_ID, RULE
from providers.crunchybridge.listing import Listing
from providers.crunchybridge.property import UNKNOWN, Properties, Property
from providers.crunchybridge.rule import resource_id
from providers.plugin.errors import ProviderError
from providers.plugin.urn import parsed

TYPE_NAME: Final = "crunchybridge:index:RetiredRule"
INPUTS: Final = (NETWORK_ID, RULE)
# Ids of the rules that were removed, parted by spaces; empty when there was none.
REMOVED: Final = "removed"


class RetiredRules:
    """What the engine asks of the resources; all methods may raise ProviderError."""

    def __init__(self, listing: Listing, claims: Claims) -> None:
        self._client = listing.client
        self._listing = listing
        self._claims = claims

    def create(self, inputs: Mapping[str, Property], say: Say) -> tuple[str, Properties]:
        """Remove every rule of exactly this range; the id and outputs."""
        refuse_unknown(inputs)
        network_id, cidr = inputs[NETWORK_ID].text, inputs[RULE].text
        removed = []
        with self._listing.writing():
            for rule in self._client.rules(network_id):
                if rule.cidr != cidr:
                    continue
                holder = self._claims.holder(resource_id(rule))
                if holder is not None:
                    raise ProviderError(
                        f"rule {rule} is to be retired, but {parsed(holder).name!r} stands "
                        "for it: take one of the two out of the program"
                    )
                try:
                    self._client.delete(network_id, rule.id)
                except GoneError:
                    continue
                say(f"retired {rule}")
                removed.append(rule.id)
        shown = Property(" ".join(removed), secret=inputs[RULE].secret)
        return f"{network_id}/{cidr}", {**inputs, REMOVED: shown}

    def is_done(self, state: Mapping[str, Property]) -> bool:
        rules = self._listing.rules(state[NETWORK_ID].text)
        return all(rule.cidr != state[RULE].text for rule in rules.values())


def previewed(inputs: Mapping[str, Property]) -> Properties:
    """The outputs a create will have, as far as they are known."""
    return {**inputs, REMOVED: UNKNOWN}

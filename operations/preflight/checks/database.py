"""Whether the database's network in the settings exists and the key may see its firewall."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

from preflight.result import Result, UnseenError, Verdict
from provider_plugin.errors import ProviderError
from providers.crunchybridge.client import Client
from providers.crunchybridge.errors import ApiError
from providers.crunchybridge.pace import Clock
from providers.crunchybridge.settings import settings as provider_settings
from settings import Settings

CHECK = "database-network"
# The client tries for minutes; a check of what is there does not wait for a better time.
_SECONDS = 8.0
_REFUSED = (401, 403)


def check(settings: Settings, environment: Mapping[str, str]) -> Iterator[Result]:
    """One result; raises UnseenError when the API could not be asked."""
    network = settings.firewall.network
    where = f"network {network}"
    stop = threading.Event()
    end = threading.Timer(_SECONDS, stop.set)
    end.daemon = True
    try:
        given = provider_settings({}, environment)
        client = Client(api_key=given.api_key, url=given.url, clock=Clock.real(stop))
    except ProviderError as error:
        raise UnseenError(str(error)) from None
    end.start()
    try:
        rules = client.rules(network)
    except ApiError as error:
        remedy = "copy the network's id into firewall.network: `cb network list` shows it"
        if error.status in _REFUSED:
            remedy = "give a key that may edit this network's firewall"
        yield Result(check=CHECK, verdict=Verdict.FAIL, where=where, what=str(error), remedy=remedy)
    except ProviderError as error:
        why = f"no answer within {_SECONDS:.0f} s" if stop.is_set() else str(error)
        raise UnseenError(why) from None
    else:
        what = f"exists, with {len(rules)} firewall rules"
        yield Result(check=CHECK, verdict=Verdict.OK, where=where, what=what)
    finally:
        end.cancel()
        client.close()

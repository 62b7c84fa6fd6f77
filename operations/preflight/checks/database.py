"""Whether the database's network in the settings exists and the key may see its firewall."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import closing

from operations.errors import UnavailableError
from operations.preflight.finding import PreflightFinding, fail, ok
from providers.crunchybridge.errors import ApiError
from providers.crunchybridge.pace import Clock
from providers.crunchybridge.settings import client_of
from providers.plugin.errors import ProviderError
from settings import Settings

# The client tries for minutes; a check of what is there does not wait for a better time.
_SECONDS = 8.0
_REFUSED = (401, 403)


def check(settings: Settings, environment: Mapping[str, str]) -> Iterator[PreflightFinding]:
    """One finding; raises UnavailableError when the API could not be asked."""
    network = settings.firewall.network
    where = f"network {network}"
    stop = threading.Event()
    end = threading.Timer(_SECONDS, stop.set)
    end.daemon = True
    end.start()
    try:
        with closing(client_of({}, environment, Clock.real(stop))) as client:
            rules = client.rules(network)
    except ApiError as error:
        remedy = "copy the network's id into firewall.network: `cb network list` shows it"
        if error.status in _REFUSED:
            remedy = "give a key that may edit this network's firewall"
        yield fail(where, str(error), remedy)
    except ProviderError as error:
        why = f"no answer within {_SECONDS:.0f} s" if stop.is_set() else str(error)
        raise UnavailableError(why) from None
    else:
        yield ok(where, f"exists, with {len(rules)} firewall rules")
    finally:
        end.cancel()

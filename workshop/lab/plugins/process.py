"""A stand-in's process, which ends at the engine's interrupt as the real plugins do."""

import os
from functools import partial

from providers.plugin import process
from workshop.lab.plugins.provider import Provider
from workshop.lab.plugins.servicer import Servicer

# For commands that run: they would outlive it as orphans.
_SECONDS_TO_CANCEL = 3.0


def serve(provider: Provider, arguments: list[str]) -> None:
    """Serve until the process that started this one has gone; `arguments` are the engine's."""
    # The engine starts each plugin in a process group of its own, which no Ctrl-C reaches, and
    # ends it by SIGINT when it is done with it; a plugin that stays costs every command 5 s.
    servicer = partial(Servicer, provider)
    process.serve(servicer, arguments, os.getppid(), seconds_to_cancel=_SECONDS_TO_CANCEL)

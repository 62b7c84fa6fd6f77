"""Puts a new access token of Pulumi ESC in the place of the old one, which works until the end."""

from __future__ import annotations

import httpx

from delivery import run
from delivery.environment import DeliveryError, config_file
from settings import ExternalSecrets, read_file

_VARIABLE = "ESC_ACCESS_TOKEN"
# The address and the header that the operator's own client uses (pulumi/esc-sdk v0.12.1).
_SERVICE = "https://api.pulumi.com/api/esc"
_SECONDS = 20.0


def rotate(stack: str) -> int:
    """Try the new token on every environment, then update the Secrets that hold it.

    The update ends by having every synced secret read anew, and fails when one cannot be. Returns
    the engine's exit code; raises DeliveryError, with nothing changed, for a token that would not
    do.
    """
    environment = run.stack_environment(stack)
    settings = read_file(config_file(stack)).external_secrets
    if settings is None:
        raise DeliveryError(f"STACK={stack} has no externalSecrets in its settings: no token")
    token = environment.get(_VARIABLE)
    if not token:
        raise DeliveryError(
            f"{_VARIABLE} is not set: put the new token there (docs/runbooks/esc-token.md)"
        )
    _try(settings, environment.get("ESC_API_URL", _SERVICE), token)
    targets = [
        f"--target=urn:pulumi:{stack}::**::secrets-{namespace}-token"
        for namespace in settings.namespaces
    ]
    arguments = ("up", "--yes", "--suppress-outputs", *run.policy_pack(stack), *targets)
    code = run.run(run.stack_command(stack, environment, arguments), environment)
    if code == 0:
        print(
            f"rotate-token: every secret of {stack} has been read with the new token: keep it "
            f"where {_VARIABLE} comes from, then revoke the old one"
        )
    return code


def _try(settings: ExternalSecrets, url: str, token: str) -> None:
    problems = []
    with httpx.Client(
        headers={"Authorization": f"token {token}"}, timeout=_SECONDS, trust_env=False
    ) as service:
        for store in settings.stores:
            place = f"{store.organization}/{store.project}/{store.environment}"
            try:
                answer = service.post(f"{url.rstrip('/')}/environments/{place}/open")
            except httpx.TransportError as error:
                raise DeliveryError(
                    f"Pulumi ESC does not answer ({type(error).__name__}): nothing has been changed"
                ) from None
            if not answer.is_success:
                problems.append(f"environment {place}: HTTP {answer.status_code}")
    if problems:
        first = (
            f"the token in {_VARIABLE} does not open what the stores name; nothing has been "
            "changed, and the old one goes on working:"
        )
        raise DeliveryError("\n".join([first, *(f"  {each}" for each in problems)]))

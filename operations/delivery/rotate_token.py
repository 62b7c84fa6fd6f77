"""Puts a new access token of Pulumi ESC in the place of the old one, which works until the end."""

from __future__ import annotations

import httpx

from components.cluster.variables import ESC_ACCESS_TOKEN, ESC_API_URL
from operations.delivery import run
from operations.delivery.environment import config_file
from operations.errors import OperationError
from settings import ExternalSecretsSettings, read_file

# The address and the header that the operator's own client uses (pulumi/esc-sdk v0.12.1).
_SERVICE = "https://api.pulumi.com/api/esc"
_SECONDS = 20.0


def rotate(stack: str) -> int:
    """Try the new token on every environment, then update the Secrets that hold it.

    The update ends by having every synced secret read again, and fails when one cannot be. Returns
    the engine's exit code; raises OperationError, with nothing changed, for a token that would not
    do.
    """
    environment = run.stack_environment(stack)
    settings = read_file(config_file(stack)).external_secrets
    if settings is None:
        raise OperationError(f"the stack {stack} has no externalSecrets in its settings: no token")
    token = environment.get(ESC_ACCESS_TOKEN)
    if not token:
        raise OperationError(
            f"{ESC_ACCESS_TOKEN} is not set: put the new token there (docs/runbooks/esc-token.md)"
        )
    _try(settings, environment.get(ESC_API_URL, _SERVICE), token)
    targets = [
        f"--target=urn:pulumi:{stack}::**::secrets-{namespace}-token"
        for namespace in settings.namespaces
    ]
    arguments = ("up", "--yes", "--suppress-outputs", *run.policy_pack(stack), *targets)
    code = run.run(run.stack_command(stack, environment, arguments), environment)
    if code == 0:
        print(
            f"rotate-token: every secret of {stack} has been read with the new token: keep it "
            f"where {ESC_ACCESS_TOKEN} comes from, then revoke the old one"
        )
    return code


def _try(settings: ExternalSecretsSettings, url: str, token: str) -> None:
    problems = []
    with httpx.Client(
        headers={"Authorization": f"token {token}"}, timeout=_SECONDS, trust_env=False
    ) as service:
        for store in settings.stores:
            name = f"{store.organization}/{store.project}/{store.environment}"
            try:
                response = service.post(f"{url.rstrip('/')}/environments/{name}/open")
            except httpx.TransportError as error:
                raise OperationError(
                    f"Pulumi ESC does not answer ({type(error).__name__}): nothing has been changed"
                ) from None
            if not response.is_success:
                problems.append(f"environment {name}: HTTP {response.status_code}")
    if problems:
        first = (
            f"the token in {ESC_ACCESS_TOKEN} does not open what the stores name; nothing has been "
            "changed, and the old one goes on working:"
        )
        raise OperationError("\n".join([first, *(f"  {problem}" for problem in problems)]))

"""What the stand-in keeps: environments and tokens; every change is on disk before an answer."""

import hashlib
import hmac
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workshop.lab.pulumi_esc.definition import evaluate
from workshop.lab.pulumi_esc.property_path import Step
from workshop.lab.refusal import Refusal
from workshop.lab.state_file import StateFile

# From the API's own description (esc-sdk v0.12.1, swagger.yaml): an hour where none is asked.
_SESSION_SECONDS = 3600.0


@dataclass
class Token:
    """A personal access token; the token itself is kept nowhere, only its SHA-256."""

    id: str
    digest: str
    organizations: list[str]
    last_used: int = 0


@dataclass
class Environment:
    """An environment's definition in YAML, and how often it was opened."""

    definition: str
    opens: int = 0


@dataclass
class State:
    """All that is kept; an environment's key is `organization/project/name`."""

    environments: dict[str, Environment] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)


@dataclass(frozen=True)
class _Session:
    environment: str
    properties: dict[str, Any]
    ends: float


class Organizations(StateFile[State]):
    """Organizations with environments. Every public method is atomic and thread-safe."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        """`path` is the state file, `now` gives Unix seconds.

        Raises ValueError for a file that does not hold such a state.
        """
        super().__init__(path, State())
        self._now = now
        # As on the real side they pass: a restart forgets them, and a client opens again.
        self._sessions: dict[str, _Session] = {}

    def admit(self, presented: str) -> Token:
        """The token that was presented; raises Refusal 401."""
        with self.view():
            kept = digest(presented)
            for token in self._state.tokens.values():
                if hmac.compare_digest(token.digest, kept):
                    token.last_used = int(self._now())
                    return token
        raise Refusal(401, "Unauthorized: No credentials provided or are invalid.")

    def issue(self, organizations: list[str]) -> tuple[str, Token]:
        """A new token for the organizations, in the form of the real ones, and what is kept."""
        secret = f"pul-{secrets.token_hex(20)}"
        with self.change() as state:
            token = Token(str(uuid.uuid4()), digest(secret), organizations)
            state.tokens[token.id] = token
            return secret, token

    def tokens(self) -> list[Token]:
        with self.view():
            return list(self._state.tokens.values())

    def revoke(self, token_id: str) -> None:
        """The token is valid no more; raises Refusal 404."""
        with self.change() as state:
            if state.tokens.pop(token_id, None) is None:
                raise Refusal(404, "Not Found: access token not found")

    def organizations(self) -> list[str]:
        with self.view():
            return sorted({key.split("/")[0] for key in self._state.environments})

    def create(self, key: str, definition: str) -> None:
        """A new environment, in the place of one of that name."""
        with self.change() as state:
            state.environments[key] = Environment(definition)

    def update(self, key: str, definition: str) -> None:
        """Another definition of the environment; raises DefinitionError or Refusal 404."""
        with self.change():
            environment = self._environment(key)
            evaluate(definition)
            environment.definition = definition

    def definition(self, key: str) -> str:
        """The environment's YAML, secrets in plain text; raises Refusal 404."""
        with self.view():
            return self._environment(key).definition

    def opens(self) -> dict[str, int]:
        with self.view():
            return {key: each.opens for key, each in self._state.environments.items()}

    def open(self, key: str) -> str:
        """Id of a session that shows the environment as it is now; raises Refusal 404."""
        with self.change():
            environment = self._environment(key)
            environment.opens += 1
            now = self._now()
            self._sessions = {i: each for i, each in self._sessions.items() if each.ends > now}
            session = secrets.token_hex(16)
            properties = evaluate(environment.definition, key.partition("/")[2])
            self._sessions[session] = _Session(key, properties, now + _SESSION_SECONDS)
            return session

    def read(self, key: str, session_id: str) -> dict[str, Any]:
        """All properties of an open environment; raises Refusal 404."""
        with self.view():
            session = self._sessions.get(session_id)
            if session is None or session.environment != key or session.ends <= self._now():
                raise Refusal(404, "Not Found: open environment not found")
            return session.properties

    def _environment(self, key: str) -> Environment:
        found = self._state.environments.get(key)
        if found is None:
            raise Refusal(404, f"Not Found: environment '{key}' not found")
        return found


def find(properties: dict[str, Any], steps: list[Step]) -> dict[str, Any] | None:
    """The `Value` at the end of the steps, or None where they lead nowhere."""
    value: dict[str, Any] = {"value": properties}
    for step in steps:
        inner = value["value"]
        if isinstance(step, int):
            if not isinstance(inner, list) or step >= len(inner):
                return None
            value = inner[step]
        elif isinstance(inner, dict) and step in inner:
            value = inner[step]
        else:
            return None
    return value


def digest(secret: str) -> str:
    """What is kept of a token. They are random and long, so a plain hash will do."""
    return hashlib.sha256(secret.encode()).hexdigest()

"""The stack with its synced secrets on a lab of its own, and all that its commands have said."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.operator_lab import ACCESS_KEY_ID, SECRET_ACCESS_KEY, OperatorLab
from workshop.testing.checkout import REPOSITORY, Completed, said
from workshop.testing.lab_fleet import Fleet

SECRET = "labelstudio-s3-credentials"


@dataclass(frozen=True, kw_only=True)
class SyncedStack:
    """The stack on a lab of its own, with settings that a test may change.

    `told` is all that its commands have said, `hidden` every value and token there has been.
    """

    lab: OperatorLab
    settings: Path
    told: list[str] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)

    @property
    def fleet(self) -> Fleet:
        return self.lab.fleet

    def group(self) -> dict[str, Any]:
        document = yaml.safe_load(self.settings.read_text())
        found: dict[str, Any] = document["config"]["oceanid-cluster:externalSecrets"]
        return found

    def change(self, **changes: Any) -> None:
        """Change `externalSecrets` in the settings; `data` is the first secret's."""
        document = yaml.safe_load(self.settings.read_text())
        group = document["config"]["oceanid-cluster:externalSecrets"]
        group["secrets"][0]["data"] |= changes.pop("data", {})
        group |= changes
        self.settings.write_text(yaml.safe_dump(document))

    def engine(self, *arguments: str, **environment: str) -> Completed:
        """The engine on the stack with these settings."""
        chosen = ("--stack", "dev", "--config-file", str(self.settings))
        return self._heard(
            self.fleet.engine(REPOSITORY, *arguments, *chosen, **environment),
            environment.get("ESC_ACCESS_TOKEN", self.token()),
        )

    def rotate_token(self) -> Completed:
        """`make rotate-token`, with the settings of the checkout."""
        return self._heard(self.fleet.oceanid("secrets rotate"), self.token())

    def token(self) -> str:
        """The lab's current token of Pulumi ESC."""
        return self.lab.token()

    def _heard(self, result: Completed, token: str) -> Completed:
        self.told.append(said(result))
        self.hidden.add(token)
        return result

    def up(self) -> Completed:
        return self.engine("up", "--yes", "--skip-preview", "--policy-pack", "policies")

    def ready(self) -> tuple[str, str]:
        return self.lab.condition(SECRET)

    def synced(self) -> dict[str, str]:
        """What the Secret must hold by the environment's present values."""
        values = self.lab.values()
        return {
            "AWS_ACCESS_KEY_ID": values[ACCESS_KEY_ID]["fn::secret"],
            "AWS_SECRET_ACCESS_KEY": values[SECRET_ACCESS_KEY]["fn::secret"],
        }

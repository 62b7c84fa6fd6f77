"""The policies' dated exceptions, read as data: an alert says when one is about to run out."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import yaml

FILE = Path(__file__).resolve().parents[2] / "policies" / "exceptions.yaml"


@dataclass(frozen=True, kw_only=True)
class RuleException:
    """An exception of `rule` for `resource`, such as `DaemonSet monitoring/agent`."""

    rule: str
    resource: str
    expires: date

    @property
    def ends(self) -> int:
        """The moment from which it no longer holds, in Unix seconds: the end of its last day."""
        following = self.expires + timedelta(days=1)
        return int(datetime.combine(following, time(), UTC).timestamp())

    @property
    def daemon_set(self) -> tuple[str, str] | None:
        """Namespace and name, where it lets a DaemonSet use the node's network."""
        kind, _, namespaced_name = self.resource.partition(" ")
        namespace, _, name = namespaced_name.partition("/")
        if self.rule != "daemonset-host-namespaces" or kind != "DaemonSet" or not name:
            return None
        return namespace, name


def read(file: Path = FILE) -> tuple[RuleException, ...]:
    """All exceptions; the policies check the file's form, and fail a preview where it is wrong."""
    listed = yaml.safe_load(file.read_text()) or []
    return tuple(
        RuleException(rule=entry["rule"], resource=entry["resource"], expires=entry["expires"])
        for entry in listed
    )

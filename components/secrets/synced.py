"""What is synced from Pulumi ESC: the operator's chart, its stores, what is read from them."""

import math
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from ..values.duration import Interval, seconds
from ..values.fields import ChartRepository, DnsLabel, DnsName, refuse
from ..values.model import StrictModel

# Pulumi's configuration key of the access token: the only secret in a stack's configuration.
TOKEN_KEY = "escAccessToken"  # noqa: S105  a name
# The chart's name in every repository.
_CHART = "external-secrets"
# What the keys of a Secret may be made of (Kubernetes' API reference, Secret, `data`); each becomes
# a file's name in a volume.
_SECRET_KEY = re.compile(r"(?!\.$|\.\.)[-._a-zA-Z0-9]{1,253}")


class CreationPolicy(StrEnum):
    """Whose the Kubernetes Secret is (External Secrets' `spec.target.creationPolicy`).

    OWNER makes it, and takes one over that is there; ORPHAN does so without being its owner; MERGE
    adds its keys to one that somebody else makes, and waits for it.
    """

    OWNER = "Owner"
    ORPHAN = "Orphan"
    MERGE = "Merge"


class Chart(StrictModel):
    """Where the operator's Helm chart is: a version of a repository, or a folder.

    A repository is an index (https://…) or a registry (oci://…), in which the chart is the last
    part of the reference: `reference` is by what Helm finds the chart, `index` where it looks.
    """

    repository: ChartRepository | None = None
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")] | None = None
    path: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        given = self.model_dump(mode="json", exclude_none=True)
        if (self.repository is None) != (self.version is None):
            remedy = "give both, so that nothing changes by itself"
            refuse("a repository goes with a version", remedy, value=given)
        if (self.repository is None) == (self.path is None):
            refuse("not one place", "give repository and version, or path", value=given)
        return self

    @property
    def reference(self) -> str:
        """The chart as Helm takes it: a folder, a name in the index, or all of it in a registry."""
        if self.path is not None:
            return self.path
        return _CHART if self.index else f"{self.repository}/{_CHART}"

    @property
    def index(self) -> str | None:
        """The repository that has an index; a registry has none."""
        is_registry = (self.repository or "").startswith("oci://")
        return None if is_registry else self.repository


class SecretStore(StrictModel):
    """An environment of Pulumi ESC that a namespace may read.

    With `create_namespace` the stack makes the namespace, and leaves it there when it goes.
    """

    name: DnsLabel
    namespace: DnsLabel
    create_namespace: bool = False
    organization: Annotated[str, Field(min_length=1)]
    project: Annotated[str, Field(min_length=1)]
    environment: Annotated[str, Field(min_length=1)]


def _secret_data(data: dict[str, str]) -> dict[str, str]:
    if not data:
        refuse("no key", "give at least one key with its path in the environment", value=data)
    for key, path in data.items():
        if not _SECRET_KEY.fullmatch(key):
            refuse(
                "not a key of a Secret",
                "use letters, digits, '-', '_' and '.', and do not begin with '..'",
                value=key,
            )
        if not path.strip():
            refuse("no path", f"give the path of {key} in the environment, all of it", value=key)
    return data


class SyncedSecret(StrictModel):
    """A Secret kept equal to values of a store, in the store's namespace.

    `data` has the value's path in the environment for each key of the Secret. `restart_workloads`
    marks it for Reloader, which then restarts the workloads that ask for it.
    """

    name: DnsName
    store: DnsLabel
    creation_policy: CreationPolicy
    refresh_interval: Interval = "15m"
    restart_workloads: bool = False
    data: Annotated[dict[str, str], AfterValidator(_secret_data)]


class SyncOptions(StrictModel):
    """The External Secrets Operator and what it syncs.

    `crds` is the operator's bundle of CustomResourceDefinitions, a path or a URL of the same
    version as the chart. Without the webhook nothing checks stores and secrets as they are
    written. `cluster_kinds` opens the operator to ClusterSecretStores and ClusterExternalSecrets,
    in every namespace. An update waits `sync_seconds` for every secret to be read again.
    """

    chart: Chart
    crds: Annotated[str, Field(min_length=1)]
    webhook: bool = True
    cluster_kinds: bool = False
    stores: tuple[SecretStore, ...]
    secrets: tuple[SyncedSecret, ...] = ()
    sync_seconds: Annotated[int, Field(ge=5, le=600)] = 120

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The stores' namespaces, each once."""
        return tuple(sorted({store.namespace for store in self.stores}))

    @property
    def longest_interval_seconds(self) -> int:
        """The longest of the secrets' refresh intervals, 0 without secrets."""
        intervals = (seconds(secret.refresh_interval) or 0 for secret in self.secrets)
        return math.ceil(max(intervals, default=0))


def namespace_of(secret: SyncedSecret, stores: Sequence[SecretStore]) -> str:
    return next(store.namespace for store in stores if store.name == secret.store)

"""Secrets synced from Pulumi ESC: the token, the stores, the secrets, and the check behind them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pulumi
import pulumi_command
from pulumi_kubernetes import apiextensions
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta

from components._labels import PART_OF
from components._last_check import fail_at_the_end
from components._resource_names import in_namespaces
from components._secret_reading import question, unread
from components._shared_objects import OWN_KEY_ANNOTATIONS

_API = "external-secrets.io/v1"
_TOKEN_KEY = "token"  # noqa: S105  a name
# On what the stack itself makes: without it, it is somebody else's until now.
_OURS = {PART_OF: "oceanid"}
# Set by the operator on every Secret that it keeps (apis/externalsecrets/v1, LabelManaged).
_SYNCED = "reconcile.external-secrets.io/managed"
# Reloader's, on a Secret: workloads that carry reloader.stakater.com/search restart with it.
_RELOADER = {"reloader.stakater.com/match": "true"}


@dataclass(frozen=True, kw_only=True)
class Store:
    """An environment of Pulumi ESC, and the namespace whose secrets may come from it.

    `namespace` is the object's name in the cluster; with `owned` the component makes it.
    """

    name: str
    namespace: str
    owned: bool
    organization: str
    project: str
    environment: str


@dataclass(frozen=True, kw_only=True)
class SyncedSecret:
    """A Secret of a store's namespace: for each of its keys the value's path in the environment.

    `creation_policy` is External Secrets' own: Owner, Orphan or Merge.
    """

    name: str
    store: str
    namespace: str
    creation_policy: str
    refresh_interval: str
    restart_workloads: bool
    data: Mapping[str, str]

    @property
    def place(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class ExternalSecretsArgs:
    """What is synced, through which API address and token, and how long an update waits for it.

    `token_secret` is the name of the Secret that holds the token, in each store's namespace; no
    synced secret may have it. `context` is the kubeconfig's. `operator` is what must be ready
    before the first store.
    """

    api_url: str
    token: pulumi.Input[str]
    token_secret: str
    stores: tuple[Store, ...]
    secrets: tuple[SyncedSecret, ...]
    context: str
    seconds: int
    operator: pulumi.Resource


class ExternalSecrets(pulumi.ComponentResource):
    """Stores and synced secrets, each read anew by every update, which fails when one cannot be.

    A destroy takes the ExternalSecrets and leaves their Secrets, and the namespaces they are in.
    """

    synced: pulumi.Output[list[str]]

    def __init__(
        self, name: str, args: ExternalSecretsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:ExternalSecrets", name, None, opts)
        self._name = name
        self._args = args
        self._names = {
            kind: in_namespaces(name, [(each.namespace, each.name) for each in objects])
            for kind, objects in (("SecretStore", args.stores), ("ExternalSecret", args.secrets))
        }
        _tell_what_is_taken_over(args)
        namespaces = self._namespaces()
        tokens = self._tokens(namespaces)
        stores = {each.name: self._store(each, tokens[each.namespace]) for each in args.stores}
        for each in args.secrets:
            self._secret(each, stores[each.store])
        places = [each.place for each in args.secrets]
        if places:
            # At the end: what has left the settings may be what a secret cannot be read for.
            fail_at_the_end(partial(unread, args.context, places, seconds=args.seconds))
        self.synced = pulumi.Output.from_input(places)
        self.register_outputs({"synced": self.synced})

    def _namespaces(self) -> dict[str, pulumi.Resource]:
        owned = sorted({each.namespace for each in self._args.stores if each.owned})
        return {
            namespace: core.Namespace(
                f"{self._name}-{namespace}",
                metadata=meta.ObjectMetaArgs(
                    name=namespace,
                    labels={**_OURS, "pod-security.kubernetes.io/enforce": "restricted"},
                ),
                # With the namespace would go the secrets in it.
                opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
            )
            for namespace in owned
        }

    def _tokens(self, namespaces: Mapping[str, pulumi.Resource]) -> dict[str, core.SecretPatch]:
        """One key of a Secret that may be somebody else's: a new token must not drop the others."""
        return {
            namespace: core.SecretPatch(
                f"{self._name}-{namespace}-token",
                metadata=meta.ObjectMetaPatchArgs(
                    name=self._args.token_secret,
                    namespace=namespace,
                    labels=_OURS,
                    # One made by hand before is taken over; the preview says so.
                    annotations=OWN_KEY_ANNOTATIONS,
                ),
                string_data={_TOKEN_KEY: self._args.token},
                opts=pulumi.ResourceOptions.merge(
                    self._child(*filter(None, [namespaces.get(namespace)])),
                    # Earlier versions owned the whole Secret.
                    pulumi.ResourceOptions(
                        aliases=[pulumi.Alias(type_="kubernetes:core/v1:Secret")]
                    ),
                ),
            )
            for namespace in sorted({each.namespace for each in self._args.stores})
        }

    def _store(self, store: Store, token: core.SecretPatch) -> apiextensions.CustomResource:
        pulumi_esc = {
            "apiUrl": self._args.api_url,
            "organization": store.organization,
            "project": store.project,
            "environment": store.environment,
            # Under `auth` from line 2.5 on, which still takes this: one form for both lines.
            "accessToken": {"secretRef": {"name": self._args.token_secret, "key": _TOKEN_KEY}},
        }
        return self._custom(
            "SecretStore",
            store.name,
            store.namespace,
            {"provider": {"pulumi": pulumi_esc}},
            self._child(self._args.operator, token),
        )

    def _secret(
        self, secret: SyncedSecret, store: apiextensions.CustomResource
    ) -> apiextensions.CustomResource:
        target: dict[str, Any] = {
            "name": secret.name,
            "creationPolicy": secret.creation_policy,
            # A value that is missing at its source must not take a working one away.
            "deletionPolicy": "Retain",
        }
        if secret.restart_workloads:
            target["template"] = {"metadata": {"annotations": _RELOADER}}
        spec = {
            "refreshInterval": secret.refresh_interval,
            "secretStoreRef": {"kind": "SecretStore", "name": secret.store},
            "target": target,
            "data": [
                {"secretKey": key, "remoteRef": {"key": path}} for key, path in secret.data.items()
            ],
        }
        # Its Secret outlives it: Kubernetes would else remove what an Owner has made.
        kept = {"pulumi.com/deletionPropagationPolicy": "orphan"}
        return self._custom(
            "ExternalSecret", secret.name, secret.namespace, spec, self._child(store), kept
        )

    def _custom(
        self,
        kind: str,
        name: str,
        namespace: str,
        spec: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
        annotations: Mapping[str, str] | None = None,
    ) -> apiextensions.CustomResource:
        resource_name, previous = self._names[kind][namespace, name]
        return apiextensions.CustomResource(
            resource_name,
            api_version=_API,
            kind=kind,
            metadata=meta.ObjectMetaArgs(name=name, namespace=namespace, annotations=annotations),
            spec=dict(spec),
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(aliases=previous)),
        )

    def _child(self, *depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(depends_on))


def _tell_what_is_taken_over(args: ExternalSecretsArgs) -> None:
    """Warn, in a preview too, of all that is there and is somebody else's until now."""
    owned = sorted({each.namespace for each in args.stores if each.owned})
    tokens = sorted({f"{each.namespace}/{args.token_secret}" for each in args.stores})
    places = [*owned, *tokens, *(each.place for each in args.secrets)]
    answer = pulumi_command.local.run(
        command=shlex.join(question(args.context, "existing", places)),
        logging=pulumi_command.local.Logging.NONE,
    )
    there: Mapping[str, Mapping[str, str]] = json.loads(answer.stdout)
    others = {place for place, labels in there.items() if not labels.items() >= _OURS.items()}
    for namespace in filter(others.__contains__, owned):
        pulumi.log.warn(
            f"Namespace {namespace} was made by hand: it is taken over and enforces Pod Security's "
            "restricted, so that pods which need more start no more (createNamespace: false leaves "
            "it as it is)"
        )
    for token in filter(others.__contains__, tokens):
        pulumi.log.warn(
            f"Secret {token} was made by hand: its key {_TOKEN_KEY} is written over, and a destroy "
            "removes it"
        )
    for each in args.secrets:
        if there.get(each.place, {_SYNCED: "true"}).get(_SYNCED) != "true":
            pulumi.log.warn(f"Secret {each.place} was made by hand: {_becomes(each)}")


def _becomes(secret: SyncedSecret) -> str:
    if secret.creation_policy == "Merge":
        return (
            f"its keys {', '.join(secret.data)} are written over; it keeps the others "
            "(creationPolicy: Merge)"
        )
    return (
        "all its keys are replaced by those of the settings (creationPolicy: "
        f"{secret.creation_policy}; Merge keeps the others)"
    )

"""Secrets synced from Pulumi ESC: the token, the stores, the secrets, and the check behind them."""

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

from ..cluster.labels import OWN_KEY_ANNOTATIONS, PART_OF
from ..cluster.last_check import fail_at_the_end
from ..cluster.resource_names import in_namespaces
from .operator import SyncArgs
from .secret_reading import question, unread
from .synced import CreationPolicy, SecretStore, SyncedSecret, SyncOptions, namespace_of

_API = "external-secrets.io/v1"
_TOKEN_KEY = "token"  # noqa: S105  a name
# On what the stack itself makes: without it, it is somebody else's until now.
_OURS = {PART_OF: "oceanid"}
# Set by the operator on every Secret that it keeps (apis/externalsecrets/v1, LabelManaged).
_SYNCED = "reconcile.external-secrets.io/managed"
# Reloader's, on a Secret: workloads that carry reloader.stakater.com/search restart with it.
_RELOADER = {"reloader.stakater.com/match": "true"}


@dataclass(frozen=True, kw_only=True)
class ExternalSecretsArgs:
    """What is synced; `operator` is what must be ready before the first store."""

    sync: SyncArgs
    operator: pulumi.Resource


class ExternalSecrets(pulumi.ComponentResource):
    """Stores and synced secrets, each read again by every update, which fails when one cannot be.

    A destroy takes the ExternalSecrets and leaves their Secrets, and the namespaces they are in.
    """

    synced: pulumi.Output[list[str]]

    def __init__(
        self, name: str, args: ExternalSecretsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("oceanid:index:ExternalSecrets", name, None, opts)
        self._name = name
        self._args = args.sync
        self._operator = args.operator
        self._stores = args.sync.options.stores
        stores = [(store.namespace, store.name) for store in self._stores]
        secrets = [(self._namespace(secret), secret.name) for secret in args.sync.options.secrets]
        self._names = {
            "SecretStore": in_namespaces(name, stores),
            "ExternalSecret": in_namespaces(name, secrets),
        }
        _warn_of_takeovers(args.sync)
        namespaces = self._namespaces()
        tokens = self._tokens(namespaces)
        made = {store.name: self._store(store, tokens[store.namespace]) for store in self._stores}
        for secret in args.sync.options.secrets:
            self._secret(secret, made[secret.store])
        synced = [f"{namespace}/{name}" for namespace, name in secrets]
        if synced:
            # At the end: what has left the settings may be what a secret cannot be read for.
            seconds = args.sync.options.sync_seconds
            fail_at_the_end(partial(unread, args.sync.context, synced, seconds=seconds))
        self.synced = pulumi.Output.from_input(synced)
        self.register_outputs({"synced": self.synced})

    def _namespaces(self) -> dict[str, pulumi.Resource]:
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
            for namespace in _owned_namespaces(self._args.options)
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
                    # One made manually before is taken over; the preview says so.
                    annotations=OWN_KEY_ANNOTATIONS,
                ),
                string_data={_TOKEN_KEY: self._args.access.token},
                opts=pulumi.ResourceOptions.merge(
                    self._child(*filter(None, [namespaces.get(namespace)])),
                    # Earlier versions owned the whole Secret.
                    pulumi.ResourceOptions(
                        aliases=[pulumi.Alias(type_="kubernetes:core/v1:Secret")]
                    ),
                ),
            )
            for namespace in self._args.options.namespaces
        }

    def _store(self, store: SecretStore, token: core.SecretPatch) -> apiextensions.CustomResource:
        pulumi_esc = {
            "apiUrl": self._args.access.url,
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
            self._child(self._operator, token),
        )

    def _secret(
        self, secret: SyncedSecret, store: apiextensions.CustomResource
    ) -> apiextensions.CustomResource:
        target: dict[str, Any] = {
            "name": secret.name,
            "creationPolicy": secret.creation_policy.value,
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
            "ExternalSecret", secret.name, self._namespace(secret), spec, self._child(store), kept
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

    def _namespace(self, secret: SyncedSecret) -> str:
        return namespace_of(secret, self._stores)

    def _child(self, *depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(depends_on))


def _owned_namespaces(options: SyncOptions) -> list[str]:
    return sorted({store.namespace for store in options.stores if store.create_namespace})


def _warn_of_takeovers(args: SyncArgs) -> None:
    """Warn, in a preview too, of all that exists and is somebody else's until now."""
    options = args.options
    owned = _owned_namespaces(options)
    tokens = [f"{namespace}/{args.token_secret}" for namespace in options.namespaces]
    secrets = {
        f"{namespace_of(secret, options.stores)}/{secret.name}": secret
        for secret in options.secrets
    }
    answer = pulumi_command.local.run(
        command=shlex.join(question(args.context, "existing", [*owned, *tokens, *secrets])),
        logging=pulumi_command.local.Logging.NONE,
    )
    existing: Mapping[str, Mapping[str, str]] = json.loads(answer.stdout)
    others = {name for name, labels in existing.items() if not labels.items() >= _OURS.items()}
    for namespace in filter(others.__contains__, owned):
        pulumi.log.warn(
            f"Namespace {namespace} was made manually: it is taken over and enforces Pod "
            "Security's restricted, so that pods which need more start no more (createNamespace: "
            "false leaves it as it is)"
        )
    for token in filter(others.__contains__, tokens):
        pulumi.log.warn(
            f"Secret {token} was made manually: its key {_TOKEN_KEY} is written over, and a "
            "destroy removes it"
        )
    for name, secret in secrets.items():
        if existing.get(name, {_SYNCED: "true"}).get(_SYNCED) != "true":
            pulumi.log.warn(f"Secret {name} was made manually: {_becomes(secret)}")


def _becomes(secret: SyncedSecret) -> str:
    if secret.creation_policy is CreationPolicy.MERGE:
        return (
            f"its keys {', '.join(secret.data)} are written over; it keeps the others "
            "(creationPolicy: Merge)"
        )
    return (
        "all its keys are replaced by those of the settings (creationPolicy: "
        f"{secret.creation_policy}; Merge keeps the others)"
    )

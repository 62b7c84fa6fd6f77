"""Secrets synced from Pulumi ESC: the token, the stores, the secrets, and the gate behind them."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_command
from pulumi_kubernetes import apiextensions
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.meta import v1 as meta

from components._labels import PART_OF

_API = "external-secrets.io/v1"
# The names of the operators' own documents.
_TOKEN_SECRET = "pulumi-api-token"  # noqa: S105  a name
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

    `context` is the kubeconfig's. `operator` is what must be ready before the first store.
    """

    api_url: str
    token: pulumi.Input[str]
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
        _tell_what_is_taken_over(args)
        namespaces = self._namespaces()
        tokens = self._tokens(namespaces)
        stores = {each.name: self._store(each, tokens[each.namespace]) for each in args.stores}
        objects = [self._secret(each, stores[each.store]) for each in args.secrets]
        self.synced = self._read_anew(objects)
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

    def _tokens(self, namespaces: Mapping[str, pulumi.Resource]) -> dict[str, core.Secret]:
        return {
            namespace: core.Secret(
                f"{self._name}-{namespace}-token",
                metadata=meta.ObjectMetaArgs(
                    name=_TOKEN_SECRET,
                    namespace=namespace,
                    labels=_OURS,
                    # One made by hand before is taken over; the preview says so.
                    annotations={"pulumi.com/patchForce": "true"},
                ),
                string_data={_TOKEN_KEY: self._args.token},
                opts=self._child(*filter(None, [namespaces.get(namespace)])),
            )
            for namespace in sorted({each.namespace for each in self._args.stores})
        }

    def _store(self, store: Store, token: core.Secret) -> apiextensions.CustomResource:
        pulumi_esc = {
            "apiUrl": self._args.api_url,
            "organization": store.organization,
            "project": store.project,
            "environment": store.environment,
            # Under `auth` from line 2.5 on, which still takes this: one form for both lines.
            "accessToken": {"secretRef": {"name": _TOKEN_SECRET, "key": _TOKEN_KEY}},
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
        return apiextensions.CustomResource(
            f"{self._name}-{namespace}-{name}",
            api_version=_API,
            kind=kind,
            metadata=meta.ObjectMetaArgs(name=name, namespace=namespace, annotations=annotations),
            spec=dict(spec),
            opts=opts,
        )

    def _read_anew(self, objects: Sequence[pulumi.Resource]) -> pulumi.Output[list[str]]:
        places = [each.place for each in self._args.secrets]
        if pulumi.runtime.is_dry_run() or not places:
            return pulumi.Output.from_input(places)
        answer = pulumi_command.local.run_output(
            command=_question(self._args, "read", places, "--seconds", str(self._args.seconds)),
            logging=pulumi_command.local.Logging.NONE,
            opts=pulumi.InvokeOutputOptions(depends_on=list(objects)),
        )
        return answer.stdout.apply(lambda problems: _all_read(problems, self._args))

    def _child(self, *depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(depends_on))


def _tell_what_is_taken_over(args: ExternalSecretsArgs) -> None:
    """Warn, in a preview too, of all that is there and is somebody else's until now."""
    owned = sorted({each.namespace for each in args.stores if each.owned})
    tokens = sorted({f"{each.namespace}/{_TOKEN_SECRET}" for each in args.stores})
    places = [*owned, *tokens, *(each.place for each in args.secrets)]
    answer = pulumi_command.local.run(
        command=_question(args, "existing", places), logging=pulumi_command.local.Logging.NONE
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


def _question(
    args: ExternalSecretsArgs, question: str, places: Sequence[str], *options: str
) -> str:
    program = [sys.executable, "-m", "secret_sync", question, "--context", args.context]
    return shlex.join([*program, *options, *places])


def _all_read(problems: str, args: ExternalSecretsArgs) -> list[str]:
    lines = [_line(each) for each in json.loads(problems)]
    if lines:
        raise pulumi.RunError("\n".join(lines))
    return [each.place for each in args.secrets]


def _line(problem: Mapping[str, str]) -> str:
    what = f"secret {problem['secret']}"
    if problem["key"]:
        what += f", key {problem['key']} (path {problem['path']})"
    return f"{what} is not synced: {problem['why']}: {_remedy(problem['why'])}"


def _remedy(why: str) -> str:
    if "401" in why or "Unauthorized" in why:
        return "its token is not valid: make rotate-token with a new one"
    if "404" in why or "Not Found" in why:
        return "correct the path, or the store's organization, project and environment"
    return "docs/runbooks/esc-token.md has the steps"

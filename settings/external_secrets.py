"""The secrets synced from Pulumi ESC: the operator, its stores, what is read from them."""

from typing import Annotated, Self

from pydantic import AfterValidator, model_validator

from components.secrets.synced import SecretStore, SyncOptions
from components.values.fields import refuse
from components.values.model import refuse_twice
from settings.names import NAMESPACE, SECRETS_NAMESPACE, TOKEN_SECRET

# Every cluster has them, and what runs there needs more than Pod Security's restricted.
_CLUSTERS_OWN = ("default", "kube-node-lease", "kube-public", "kube-system")


def _unique_stores(stores: tuple[SecretStore, ...]) -> tuple[SecretStore, ...]:
    if not stores:
        refuse("no store", "list at least one, or leave externalSecrets out", value=[])
    refuse_twice("externalSecrets.stores", "name", [store.name for store in stores])
    for index, store in enumerate(stores):
        # Exit nodes' identities and credentials, and the webhook's certificate.
        if store.namespace in (NAMESPACE, SECRETS_NAMESPACE):
            refuse(
                "the stack keeps Secrets of its own there, and the operator may change every "
                "Secret of a namespace that it serves",
                "name a namespace of the applications",
                key=f"externalSecrets.stores[{index}].namespace",
                value=store.namespace,
            )
        if store.create_namespace and store.namespace in _CLUSTERS_OWN:
            refuse(
                "every cluster has that namespace, and the stack would take it over",
                "remove createNamespace, or name a namespace of the applications",
                key=f"externalSecrets.stores[{index}].createNamespace",
                value=store.namespace,
            )
    return stores


class ExternalSecretsSettings(SyncOptions):
    """The External Secrets Operator and what it syncs, in namespaces that are the applications'."""

    stores: Annotated[tuple[SecretStore, ...], AfterValidator(_unique_stores)]

    @model_validator(mode="after")
    def _named_stores_exist(self) -> Self:
        namespaces = {store.name: store.namespace for store in self.stores}
        seen = set()
        for index, secret in enumerate(self.secrets):
            key = f"externalSecrets.secrets[{index}]"
            if secret.store not in namespaces:
                refuse(
                    "not one of the stores",
                    f"name one of {', '.join(sorted(namespaces))}",
                    key=f"{key}.store",
                    value=secret.store,
                )
            if secret.name == TOKEN_SECRET:
                refuse(
                    "the Secret of that name holds the token that its store is opened with",
                    "give it another name",
                    key=f"{key}.name",
                    value=secret.name,
                )
            namespaced_name = (namespaces[secret.store], secret.name)
            if namespaced_name in seen:
                refuse(
                    "given twice",
                    "each secret of a namespace may stand in the list once",
                    key=f"{key}.name",
                    value=secret.name,
                )
            seen.add(namespaced_name)
        return self

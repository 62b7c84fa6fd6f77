"""What commands take from the shell that they run in: the only list of it.

Pulumi, its providers and the AWS SDK read variables that a shell for another project may
export. Of the families below only the names listed here are passed on, to the engine and to every
program that runs next to it. A variable of no family, such as PATH or HTTPS_PROXY, is passed on.
"""

from collections.abc import Iterable, Mapping

from components.cluster.variables import (
    ESC_ACCESS_TOKEN,
    ESC_API_URL,
    ESC_API_URL_IN_CLUSTER,
    ROLLBACK,
)
from operations.delivery.turn import HELD
from providers.plugin.variables import (
    CRUNCHY_API_KEY,
    CRUNCHYBRIDGE_BASE_URL,
    KUBECONFIG,
    TAILSCALE_API_KEY,
    TAILSCALE_BASE_URL,
    TAILSCALE_OAUTH_CLIENT_ID,
    TAILSCALE_OAUTH_CLIENT_SECRET,
    TAILSCALE_TAILNET,
)

# Where the lab's stack has its state: in the lab, or where the shell says, as CI keeps it.
BACKEND_CHOICE = "OCEANID_BACKEND"
COMMIT = "OCEANID_COMMIT"
LAB = "OCEANID_LAB"
# What the nodes of a lab are: real or simulated.
NODES = "OCEANID_NODES"
# Where the state of the stack that must be green is, when that is not the target's own backend.
SOURCE_BACKEND_URL = "OCEANID_SOURCE_BACKEND_URL"
# The content of a kubeconfig, which CI has no file of.
KUBECONFIG_CONTENT = "OCEANID_KUBECONFIG"
ACCESS_TOKEN = "PULUMI_ACCESS_TOKEN"  # noqa: S105  a name
BACKEND_URL = "PULUMI_BACKEND_URL"
PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105  a name
PASSPHRASE_FILE = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105  a name
_FAMILIES = (
    "AWS_",
    "CRUNCHY",
    "ESC_",
    "HELM_",
    "KUBE",
    "OCEANID_",
    "PULUMI_",
    "TAILSCALE_",
)

# A name that ends with `_` stands for all that begin with it.
OURS = frozenset(
    {
        BACKEND_CHOICE,
        COMMIT,
        LAB,
        NODES,
        "OCEANID_REHEARSE",
        ROLLBACK,
        SOURCE_BACKEND_URL,
        HELD,
        # Documented for one update: docs/state.md.
        "PULUMI_K8S_ENABLE_PATCH_FORCE",
    }
)
# Where an official engine has its plugins and its login. The built engine has its own.
ENGINE = frozenset(
    {"PULUMI_CREDENTIALS_PATH", "PULUMI_HOME", "PULUMI_PLUGIN_DOWNLOAD_URL_OVERRIDES"}
)
# Where the state is, and what opens it.
BACKEND = frozenset({"AWS_", ACCESS_TOKEN, BACKEND_URL, "PULUMI_DIY_BACKEND_"})
# A real fleet: the cluster, the services, what decrypts its secrets.
FLEET = frozenset(
    {
        CRUNCHYBRIDGE_BASE_URL,
        CRUNCHY_API_KEY,
        ESC_ACCESS_TOKEN,
        ESC_API_URL,
        ESC_API_URL_IN_CLUSTER,
        # The login to a chart's registry, and its mirrors.
        "HELM_REGISTRY_CONFIG",
        "HELM_REPOSITORY_CONFIG",
        "KUBECACHEDIR",
        KUBECONFIG,
        "KUBERNETES_SERVICE_HOST",
        "KUBERNETES_SERVICE_PORT",
        KUBECONFIG_CONTENT,
        PASSPHRASE,
        PASSPHRASE_FILE,
        TAILSCALE_API_KEY,
        "TAILSCALE_AUDIENCE",
        TAILSCALE_BASE_URL,
        "TAILSCALE_IDENTITY_TOKEN",
        TAILSCALE_OAUTH_CLIENT_ID,
        TAILSCALE_OAUTH_CLIENT_SECRET,
        TAILSCALE_TAILNET,
    }
)


def of_families(names: Iterable[str]) -> list[str]:
    """The names that choose what a command acts on, in order."""
    return sorted(name for name in names if name.startswith(_FAMILIES))


def passed_on(variables: Mapping[str, str], *allowed: frozenset[str]) -> dict[str, str]:
    """`variables` without those of a family that no list in `allowed` names."""
    names = frozenset().union(*allowed)
    prefixes = tuple(name for name in names if name.endswith("_"))
    return {
        name: value
        for name, value in variables.items()
        if not name.startswith(_FAMILIES) or name in names or name.startswith(prefixes)
    }

"""The variables that a lab sets, for tests of stand-in providers that need no lab to run."""

from pathlib import Path

import yaml

_NOBODY = "127.0.0.1:1"


def lab_variables(folder: Path) -> dict[str, str]:
    """Addresses on this machine where nobody answers, and a kubeconfig in `folder` with another."""
    kubeconfig = folder / "lab-kubeconfig"
    cluster = {"name": "lab", "cluster": {"server": f"https://{_NOBODY}"}}
    context = {"name": "lab", "context": {"cluster": "lab", "user": "lab"}}
    document = {"apiVersion": "v1", "kind": "Config", "clusters": [cluster], "contexts": [context]}
    kubeconfig.write_text(yaml.safe_dump(document))
    return {
        "CRUNCHYBRIDGE_BASE_URL": f"http://{_NOBODY}",
        "KUBECONFIG": str(kubeconfig),
        "TAILSCALE_BASE_URL": f"http://{_NOBODY}",
    }

"""The resources of a file, in which `${UNKNOWN}` is the output of a resource yet to be created.

The configuration value `unknown-values:resources` is the file: a JSON list of `{name, token,
inputs}`. Where the inputs hold `{"$secret": value}`, the value is a secret.
"""

import json
import os
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

# It writes files and asks no cluster.
# The stand-in plugins ask for a lab's kubeconfig; a provider that only renders refuses one.
os.environ.pop("KUBECONFIG", None)
nowhere = kubernetes.Provider("nowhere", render_yaml_to_directory="rendered")
source = kubernetes.core.v1.ConfigMap("source", opts=pulumi.ResourceOptions(provider=nowhere))


def input_of(tree: Any) -> Any:
    """The tree as inputs of a resource."""
    if tree == "${UNKNOWN}":
        return source.id
    if isinstance(tree, list):
        return [input_of(entry) for entry in tree]
    if isinstance(tree, dict):
        if "$secret" in tree:
            return pulumi.Output.secret(input_of(tree["$secret"]))
        return {key: input_of(value) for key, value in tree.items()}
    return tree


for each in json.loads(Path(pulumi.Config().require("resources")).read_text()):
    provider = nowhere if each["token"].startswith("kubernetes:") else None
    pulumi.CustomResource(
        each["token"],
        each["name"],
        input_of(each["inputs"]),
        pulumi.ResourceOptions(provider=provider),
    )

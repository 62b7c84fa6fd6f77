"""The policies as the API server enforces them: on what reaches it past any preview or review."""

import json
from pathlib import Path
from typing import Any

import pulumi
from pulumi_kubernetes.admissionregistration import v1 as admission

# Written by `python -m policies admission` from the rules themselves, one definition for all
# three enforcers. It is data, because components and policies share no code.
_DATA = Path(__file__).with_name("admission_policies.json")


class AdmissionPolicies(pulumi.ComponentResource):
    """A ValidatingAdmissionPolicy and its binding for each rule that the API server can judge.

    A binding is made after its policy, and both before whatever depends on the component.
    """

    rules: pulumi.Output[list[str]]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("oceanid:index:AdmissionPolicies", name, None, opts)
        manifests: list[dict[str, Any]] = json.loads(_DATA.read_text("utf-8"))
        policies = {}
        for manifest in manifests:
            if manifest["kind"] == "ValidatingAdmissionPolicy":
                policies[manifest["metadata"]["name"]] = admission.ValidatingAdmissionPolicy(
                    f"{name}-{manifest['metadata']['name']}",
                    metadata=manifest["metadata"],
                    spec=manifest["spec"],
                    opts=pulumi.ResourceOptions(parent=self),
                )
        for manifest in manifests:
            if manifest["kind"] == "ValidatingAdmissionPolicyBinding":
                policy = policies[manifest["spec"]["policyName"]]
                admission.ValidatingAdmissionPolicyBinding(
                    f"{name}-{manifest['metadata']['name']}-binding",
                    metadata=manifest["metadata"],
                    spec=manifest["spec"],
                    opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
                )
        self.rules = pulumi.Output.from_input(sorted(policies))
        self.register_outputs({"rules": self.rules})

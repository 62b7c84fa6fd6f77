"""The rules as ValidatingAdmissionPolicies."""

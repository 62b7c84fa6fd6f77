"""Names that both the settings' checks and the program go by."""

NAMESPACE = "oceanid-egress"
SECRETS_NAMESPACE = "external-secrets-system"
# In each store's namespace; the name is that of the operators' own documents.
TOKEN_SECRET = "pulumi-api-token"  # noqa: S105  a name
EXIT_TAG = "tag:oceanid-exit"
GATEWAY_TAG = "tag:oceanid-gateway"

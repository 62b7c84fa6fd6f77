"""The External Secrets Operator and what it synchronizes."""

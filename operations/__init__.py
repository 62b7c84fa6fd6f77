"""What an operator or a workflow runs on a stack."""

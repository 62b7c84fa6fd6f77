"""`oceanid`: the one command of operators and workflows."""

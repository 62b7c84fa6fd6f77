"""The stack on real nodes, for tests and the bench."""

"""A stand-in for the Command provider: local commands only."""

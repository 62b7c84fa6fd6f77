"""A stand-in for the Command provider 1.2.1: local commands only."""

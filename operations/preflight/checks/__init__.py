"""The checks, one subject a file: pure functions from what was seen to results."""

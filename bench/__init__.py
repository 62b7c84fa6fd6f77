"""The figures of the README, each measured beside its reference in one run."""

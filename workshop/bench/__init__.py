"""The figures of the README, each measured next to its reference in one run."""

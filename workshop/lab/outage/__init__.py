"""The outage of 13 October 2025 on real nodes: what did it, and what brings a node back."""

"""The guard: rules over Kubernetes manifests and Pulumi resources, and what enforces them.

A program of its own. It imports nothing from the rest of the project, so that the guard cannot
share a mistake with the code it guards.
"""

"""One HTML page about a stack as it is deployed, made of its state and of what the cluster shows.

What is unavailable is shown as unknown: nothing is inferred.
"""

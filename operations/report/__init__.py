"""One HTML page about a stack as it is deployed, made of its state and of what the cluster shows.

What cannot be seen is said to be not seen: nothing is inferred.
"""

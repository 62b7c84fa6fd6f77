"""The network lab: real processes of the rendered pods, on real packets, in network namespaces."""

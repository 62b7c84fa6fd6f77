"""A real node: a kubelet, a container runtime and a network in namespaces of its own."""

"""The way from the API server into the cluster's network, which the lab has in appearance only.

The API server takes it for admission webhooks and aggregated APIs, as k3s' own does: by its egress
selector, https://kubernetes.io/docs/tasks/extend-kubernetes/setup-konnectivity.
"""

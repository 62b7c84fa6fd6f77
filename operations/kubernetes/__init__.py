"""The one client of Kubernetes' API: what operations ask a cluster, without kubectl."""

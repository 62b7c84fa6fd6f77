"""What every subject needs of the cluster: names, labels, network ranges, namespaces."""

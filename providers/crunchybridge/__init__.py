"""A Pulumi provider for CrunchyBridge: the firewall rules of a network."""

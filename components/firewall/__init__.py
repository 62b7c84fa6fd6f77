"""The managed database's firewall."""

"""A stand-in for the part of CrunchyBridge's API that manages the firewall rules of networks."""

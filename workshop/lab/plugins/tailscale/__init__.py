"""A stand-in for the Tailscale provider: the same requests to the same API."""

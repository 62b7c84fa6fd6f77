"""A stand-in for the Tailscale provider 0.29.2: the same requests to the same API."""

"""A stand-in for Tailscale's API and for the part of its control plane that registers devices."""

"""What containerboot and tailscaled would do in the pods that kwok only simulates."""

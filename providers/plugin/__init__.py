"""What every provider plugin of ours has: its process, and the protocol but for its resources."""

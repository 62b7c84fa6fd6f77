"""The gate of the synced secrets: has the operator read each again, and says what failed."""

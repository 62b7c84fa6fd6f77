"""The gate of the synced secrets: asks the operator to read each anew, and says what failed."""

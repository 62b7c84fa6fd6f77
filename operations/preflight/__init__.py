"""Checks of the fleet before an update touches it; run by the program and by `oceanid`."""

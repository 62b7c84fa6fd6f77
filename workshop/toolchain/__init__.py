"""Finds or builds what the stack runs on: the engine, its providers, the control plane."""

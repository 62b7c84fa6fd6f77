"""Runs the engine on a stack: always the right backend, environment and policy pack."""

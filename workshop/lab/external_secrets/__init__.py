"""The real External Secrets Operator, run for the pods that its chart makes and kwok simulates."""

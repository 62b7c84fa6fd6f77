"""The dev environment: a real control plane, simulated nodes, stand-ins of the outside APIs."""

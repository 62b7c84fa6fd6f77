"""Exit nodes, worker gateways and the gates between their waves."""

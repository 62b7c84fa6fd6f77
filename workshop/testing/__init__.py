"""What tests and the benchmarks share: labs, fleets, recorded resources, traffic and faults."""

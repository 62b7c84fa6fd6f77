"""The language host, tested as the engine uses it: a process, its port, gRPC."""

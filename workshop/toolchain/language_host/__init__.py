"""The Python language host of a Pulumi engine that was built without the official one.

The engine starts it once a command, reads its port from the first line of its output, and asks
it over gRPC (`pulumirpc.LanguageRuntime`) to run programs, policy packs and provider plugins.
The behaviour follows sdk/python/cmd/pulumi-language-python/main.go of Pulumi v3.246.0.
"""

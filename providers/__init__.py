"""Provider plugins of our own, run by the engine from `Pulumi.yaml`'s `plugins`."""

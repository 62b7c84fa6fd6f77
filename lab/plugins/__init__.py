"""Stand-ins for provider plugins that cannot be had from the registries the lab may use."""

"""Stand-ins for provider plugins that are not available from the registries the lab may use."""

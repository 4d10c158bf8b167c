"""Changes of the configuration: planned, verified, applied, undone, confirmed."""

"""The store: what outlives a manager."""

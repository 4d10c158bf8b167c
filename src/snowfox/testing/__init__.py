"""Fake kernel, virtual clock, builders. Imported by tests only."""

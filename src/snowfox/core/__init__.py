"""The framework: would serve another program as well; no word of services in it."""

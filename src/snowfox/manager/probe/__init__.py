"""How it is found out that a service is ready."""

"""Events: what happened, told to whoever listens, in order."""

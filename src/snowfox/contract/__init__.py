"""What the processes promise one another: typed interfaces and their messages."""

"""What outlives the manager: facts, operations, what is wanted, how instances were."""

"""Schedules of the node's tasks: when each is due."""

"""The spawner: the only privileged process that takes requests. A fixed table of them, and a policy of root's."""

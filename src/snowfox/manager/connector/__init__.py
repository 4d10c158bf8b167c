"""How instances are realised: as processes, through the spawner."""

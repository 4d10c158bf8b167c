"""The daemon: lock, sub-reaper, starts and watches spawner and manager, keeps sockets, stops all in order."""

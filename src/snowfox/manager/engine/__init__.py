"""All decisions about the instances of a node: events in, effects out; no clock, no loop, no kernel."""

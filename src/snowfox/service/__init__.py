"""What a service is: pure values and decisions; no I/O, no clock, no loop."""

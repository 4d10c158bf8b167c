"""Output on its way to syslog, the journal, or a command."""

"""One module per command, named in `snowfox.cli.main`."""

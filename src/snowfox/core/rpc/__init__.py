"""Calls between processes, from pure to impure.

`frame` (bytes of the wire) · `codec`, `fast` (values) · `message` (what bodies hold) · `session` (the protocol, without
I/O) · `interface` (what is promised) · `endpoint` · and the shells: `channel` (thin loops), `blocking` (command line),
`client` and `server` (asyncio).
"""

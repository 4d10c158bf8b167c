"""Calls between processes, from pure to impure.

`frame` (bytes of the wire) · `codec` with `form`, `writing`, `reading`; `fast` (values) · `message`, `digest` (what bodies
hold) · `session` with `calls`, `requests`, `outbox`, `happening` (the protocol, without I/O) · `interface` (what is
promised) · `endpoint` · and the shells: `channel` (thin loops), `blocking` (command line), `link` with `serving`, `items`,
`client`, `server` (asyncio).
"""

"""Calls between processes, from pure to impure.

`frame` (bytes of the wire) · `codec` with `annotation`, `form`, `writing`, `reading`; `fast` (values) · `message`, `digest`
(what bodies hold) · `session` with `calls`, `requests`, `outbox`, `happening` (the protocol, without I/O) · `interface` (what is
promised) · `endpoint` · and the shells: `channel` (thin loops), `blocking` (command line), `link` with `carrier`, `serving`,
`handlers`, `items`, and at its ends `client` with `reaching`, `server` with `listening`, and `here` for both (asyncio, uvloop).
"""

"""Descriptors as what asyncio's own transports take, and back."""

from __future__ import annotations

import socket


def stream_of(descriptor: int) -> socket.socket:
    """The socket object of a descriptor, which is the object's from now on."""
    return socket.socket(fileno=descriptor)

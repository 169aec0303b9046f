"""What goes over the link between the halves of a model: a head of fixed size, then an array.

A question carries the hidden states of new tokens; an answer one token id, or all logits where
they are to be verified, and how long the other half took.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from edgebench.backends import EngineError

if TYPE_CHECKING:
    import socket

HEAD = struct.Struct("<BIIIQ")
PING, TOKEN, LOGITS = 0, 1, 2
MOST_BYTES = 1 << 26
WAIT_S = 120.0


class Message(NamedTuple):
    """`tokens` new ones after `used` others; `took_ns` is the answering half's own time."""

    what: int
    tokens: int = 0
    used: int = 0
    took_ns: int = 0
    payload: bytes = b""


def send(to: socket.socket, message: Message) -> None:
    head = HEAD.pack(
        message.what, message.tokens, message.used, len(message.payload), message.took_ns
    )
    to.sendall(head + message.payload)


def receive(source: socket.socket) -> Message | None:
    """The next message; None where the other side has closed. Raises EngineError for a piece."""
    head = _exactly(source, HEAD.size)
    if head is None:
        return None
    what, tokens, used, size, took_ns = HEAD.unpack(head)
    if size > MOST_BYTES:
        raise EngineError(f"a message of {size} bytes is not one of ours")
    payload = _exactly(source, size)
    if payload is None:
        raise EngineError("the connection ended in the middle of a message")
    return Message(what, tokens, used, took_ns, payload)


def _exactly(source: socket.socket, size: int) -> bytes | None:
    found = bytearray()
    while len(found) < size:
        piece = source.recv(min(size - len(found), 1 << 20))
        if not piece:
            if found:
                raise EngineError("the connection ended in the middle of a message")
            return None
        found += piece
    return bytes(found)

"""A link in user space: forwards bytes between two connections, late and no faster than asked.

Not every kernel can delay packets (netem), and one that can does it its own way; this does the same
everywhere. Bytes leave after they would have been transmitted at the rate, one after the other,
and half the round-trip time later. Both connections end here, so that TCP's windows see no delay:
it is the link of a connection that has long been warm.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

PIECE_BYTES = 1 << 14
WAIT_S = 60.0


class Link(NamedTuple):
    """`rate_bit_s` None: as fast as it goes."""

    round_trip_s: float
    rate_bit_s: float | None


class Relay:
    """Between one client, which connects to `address`, and the server at `onward`.

    `shape` may be changed while nothing is under way. `bytes_up` come from the client.
    """

    def __init__(
        self,
        host: str,
        onward: tuple[str, int],
        now_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._onward, self._now_s, self._sleep = onward, now_s, sleep
        self.shape = Link(0.0, None)
        self.bytes_up = self.bytes_down = 0
        self._listening = socket.create_server((host, 0), backlog=1)
        self._listening.settimeout(WAIT_S)
        self._open: list[socket.socket] = [self._listening]
        self._thread = threading.Thread(target=self._connect, daemon=True)
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._listening.getsockname()[:2]
        return str(host), int(port)

    def close(self) -> None:
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _connect(self) -> None:
        try:
            client, _ = self._listening.accept()
            server = socket.create_connection(self._onward, WAIT_S)
        except OSError:
            return
        for each in (client, server):
            each.settimeout(None)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open += [client, server]
        self._forward(client, server, up=True)
        self._forward(server, client, up=False)

    def _forward(self, source: socket.socket, target: socket.socket, *, up: bool) -> None:
        waiting: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        for work in (
            lambda: self._receive(source, waiting, up=up),
            lambda: self._send(target, waiting),
        ):
            threading.Thread(target=work, daemon=True).start()

    def _receive(
        self, source: socket.socket, waiting: queue.SimpleQueue[tuple[float, bytes]], *, up: bool
    ) -> None:
        """Stamps each piece with the time at which its last bit comes out at the other end."""
        free_s = 0.0
        while piece := _received(source):
            if up:
                self.bytes_up += len(piece)
            else:
                self.bytes_down += len(piece)
            free_s, due_s = due(self._now_s(), free_s, len(piece), self.shape)
            waiting.put((due_s, piece))
        waiting.put((0.0, b""))

    def _send(self, target: socket.socket, waiting: queue.SimpleQueue[tuple[float, bytes]]) -> None:
        while True:
            due_s, piece = waiting.get()
            if (left_s := due_s - self._now_s()) > 0:
                self._sleep(left_s)
            try:
                target.sendall(piece) if piece else target.shutdown(socket.SHUT_WR)
            except OSError:
                return
            if not piece:
                return


def due(now_s: float, free_s: float, size_bytes: int, link: Link) -> tuple[float, float]:
    """When the link is free again, and when these bytes arrive: transmitted, then delayed."""
    start_s = max(now_s, free_s)
    took_s = 8 * size_bytes / link.rate_bit_s if link.rate_bit_s else 0.0
    return start_s + took_s, start_s + took_s + link.round_trip_s / 2


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(PIECE_BYTES)
    except OSError:
        return b""

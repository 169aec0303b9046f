"""The link in user space: its arithmetic, and real bytes through it."""

from __future__ import annotations

import contextlib
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebench.backends import EngineError
from edgebench.measure.experiments import split_wire
from edgebench.measure.experiments.split_wire import Message
from edgebench.measure.relay import Link, Relay, due

PATIENCE_S = 20.0


def test_bytes_are_transmitted_then_delayed() -> None:
    link = Link(round_trip_s=0.1, rate_bit_s=1e6)
    free_s, due_s = due(now_s=5.0, free_s=0.0, size_bytes=12_500, link=link)
    assert (free_s, due_s) == pytest.approx((5.1, 5.15))
    # The next bytes wait until the first ones are through, and are delayed no further.
    assert due(5.01, free_s, 12_500, link) == pytest.approx((5.2, 5.25))


def test_a_link_without_a_rate_only_delays() -> None:
    assert due(5.0, 0.0, 10**9, Link(0.02, None)) == pytest.approx((5.0, 5.01))


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=30), st.floats(1e4, 1e9))
def test_nothing_overtakes_and_the_rate_is_kept(sizes: list[int], rate: float) -> None:
    link = Link(0.0, rate)
    free_s, arrivals = 0.0, []
    for size in sizes:
        free_s, due_s = due(0.0, free_s, size, link)
        arrivals.append(due_s)
    assert arrivals == sorted(arrivals)
    assert arrivals[-1] == pytest.approx(8 * sum(sizes) / rate)


def test_real_bytes_pass_unchanged_are_counted_and_come_late() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE_S)
        relay = Relay("127.0.0.1", server.getsockname()[:2])
        with contextlib.closing(relay), socket.create_connection(relay.address, 5) as client:
            near, _ = server.accept()
            near.settimeout(PATIENCE_S)
            relay.shape = Link(round_trip_s=0.2, rate_bit_s=None)
            sent = bytes(range(256)) * 100
            begun = time.monotonic()
            split_wire.send(client, Message(split_wire.TOKEN, 3, 7, payload=sent))
            there = split_wire.receive(near)
            took_s = time.monotonic() - begun
            near.close()
            assert there == Message(split_wire.TOKEN, 3, 7, payload=sent)
            assert took_s >= 0.1
            assert relay.bytes_up == len(sent) + split_wire.HEAD.size
            assert relay.bytes_down == 0
            client.settimeout(PATIENCE_S)
            assert split_wire.receive(client) is None, "the other side has closed"


def test_half_a_message_and_a_huge_one_are_refused() -> None:
    one, other = socket.socketpair()
    with one, other:
        one.sendall(split_wire.HEAD.pack(1, 1, 0, split_wire.MOST_BYTES + 1, 0))
        with pytest.raises(EngineError, match="not one of ours"):
            split_wire.receive(other)
        one.sendall(split_wire.HEAD.pack(1, 1, 0, 10, 0) + b"12345")
        one.close()
        with pytest.raises(EngineError, match="middle of a message"):
            split_wire.receive(other)

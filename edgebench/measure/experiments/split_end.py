"""One end of a split model, in a process and a network namespace of its own.

`python -m edgebench.measure.experiments.split_end` reads a job on standard input, then orders, one
JSON object a line, and answers each with one. Roles: "second" listens and runs the second half;
"first" connects, runs the first half, and holds the stopwatch.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import statistics
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from edgebench.backends import EngineError
from edgebench.machine import counters
from edgebench.machine.child import die_with_parent
from edgebench.measure import network, tasks, veth
from edgebench.measure.experiments import split_wire
from edgebench.measure.experiments.split_wire import LOGITS, PING, TOKEN, Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgebench.backends.onnx_half import Half

PINGS = 7


def main() -> None:
    """Entry point."""
    die_with_parent()
    with os.fdopen(os.dup(1), "w", buffering=1) as answers:
        os.dup2(2, 1)
        job = json.loads(sys.stdin.readline())
        try:
            with contextlib.ExitStack() as stack:
                _run(job, answers, stack)
        except Exception as error:  # noqa: BLE001 - whatever it is, the conductor is told
            _say(answers, failed=f"{type(error).__name__}: {error}")


def _run(job: Mapping[str, Any], answers: IO[str], stack: contextlib.ExitStack) -> None:
    if job["namespace"]:
        network.enter_empty_namespace()
        _say(answers, there=os.getpid())
        order = json.loads(sys.stdin.readline())
        veth.plug(order["name"], order["address"])
    if job["role"] == "second":
        listening = stack.enter_context(socket.create_server((job["host"], 0), backlog=1))
        half = _half(job)
        _say(answers, port=listening.getsockname()[1])
        _serve(listening, half)
        return
    half = _half(job)
    _say(answers, ready=True)
    link = None
    for line in sys.stdin:
        order = json.loads(line)
        if link is None:
            link = stack.enter_context(_connected(order["address"]))
        _say(answers, **_ORDERS[order["do"]](_First(half, link, job["tokens"]), order))


class _First:
    """The first half, and the link to the second."""

    def __init__(self, half: Half, link: socket.socket, tokens: list[int]) -> None:
        import numpy as np

        self._half, self._link = half, link
        self._tokens = np.array(tokens, dtype=np.int64)
        self.first_ns = self.second_ns = self.messages = self.bytes = 0

    def step(self, used: int, count: int, what: int = TOKEN) -> Message:
        """`count` tokens through both halves."""
        begun = time.monotonic_ns()
        states = self._half(self._tokens[used : used + count], used)
        self.first_ns += time.monotonic_ns() - begun
        return self.ask(Message(what, count, used, payload=states.tobytes()))

    def ask(self, message: Message) -> Message:
        split_wire.send(self._link, message)
        answer = split_wire.receive(self._link)
        if answer is None:
            raise EngineError("the second half went away")
        self.messages += 2
        self.bytes += 2 * split_wire.HEAD.size + len(message.payload) + len(answer.payload)
        self.second_ns += answer.took_ns
        return answer


def _verify(first: _First, order: Mapping[str, Any]) -> dict[str, Any]:
    """Half of the positions after one call, the rest token by token, against the reference."""
    import numpy as np

    from edgebench.measure import verify

    expected = np.load(order["reference"], mmap_mode="r")
    positions = len(order["following"])
    start = positions // 2
    answers = [first.step(0, start, LOGITS)]
    answers += [first.step(used, 1, LOGITS) for used in range(start, positions)]
    rows = np.stack([np.frombuffer(answer.payload, dtype=np.float32) for answer in answers])
    found = verify.distances(expected[start - 1 :], rows, order["following"][start - 1 :])
    return {"distances": found._asdict()}


def _measure(first: _First, order: Mapping[str, Any]) -> dict[str, Any]:
    """Pings, a prompt in one call, then tokens one by one."""
    prompt, output = order["prompt_tokens"], order["output_tokens"]
    before = counters.snapshot()
    pings: list[int] = []
    for _ in range(PINGS):
        begun = time.monotonic_ns()
        first.ask(Message(PING))
        pings.append(time.monotonic_ns() - begun)
    first.bytes = 0
    begun = time.monotonic_ns()
    first.step(0, prompt)
    prefill_ns = time.monotonic_ns() - begun
    prefill_parts = first.first_ns, first.second_ns
    prefill_bytes, first.messages, first.bytes = first.bytes, 0, 0
    begun = time.monotonic_ns()
    for used in range(prompt, prompt + output):
        first.step(used, 1)
    decode_ns = time.monotonic_ns() - begun
    ns = tasks.NS
    return {
        "waited_share": tasks.waited_share(before, counters.snapshot()),
        "ping_s": statistics.median(pings) * ns,
        "prefill_s": prefill_ns * ns,
        "prefill_first_s": prefill_parts[0] * ns,
        "prefill_second_s": prefill_parts[1] * ns,
        "decode_s_per_token": decode_ns * ns / output,
        "first_s_per_token": (first.first_ns - prefill_parts[0]) * ns / output,
        "second_s_per_token": (first.second_ns - prefill_parts[1]) * ns / output,
        "messages_per_token": first.messages / output,
        "prefill_bytes": prefill_bytes,
        "bytes_per_token": first.bytes / output,
    }


def _serve(listening: socket.socket, half: Half) -> None:
    """Answer one client until it leaves."""
    import numpy as np

    listening.settimeout(split_wire.WAIT_S)
    client, _ = listening.accept()
    with client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while message := split_wire.receive(client):
            if message.what == PING:
                split_wire.send(client, message)
                continue
            states = np.frombuffer(message.payload, dtype=np.float32).reshape(message.tokens, -1)
            begun = time.monotonic_ns()
            logits = half(states, message.used)[0]
            token = int(logits.argmax())
            took_ns = time.monotonic_ns() - begun
            payload = logits.tobytes() if message.what == LOGITS else token.to_bytes(4, "little")
            split_wire.send(client, message._replace(took_ns=took_ns, payload=payload))


def _half(job: Mapping[str, Any]) -> Half:
    from edgebench.backends.onnx_half import Half
    from edgebench.models.onnx_check import check

    facts = check(Path(job["graph"])).metadata
    return Half(Path(job["half"]), facts, tasks.options_of(job), range(*job["layers"]))


def _connected(address: list[Any]) -> socket.socket:
    link = socket.create_connection((address[0], address[1]), split_wire.WAIT_S)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def _say(answers: IO[str], **fields: object) -> None:
    answers.write(json.dumps(fields) + "\n")


_ORDERS = {"verify": _verify, "measure": _measure}

if __name__ == "__main__":
    main()

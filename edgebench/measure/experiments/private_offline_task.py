"""Launches of the experiment `private-offline`: an engine without a network, traced or not."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from edgebench.backends import EngineError
from edgebench.machine.child import die_with_parent
from edgebench.measure import network, tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Emit = Callable[..., None]

# TEST-NET-1 (RFC 5737): no host has such an address, and nothing here has a route to it.
NOWHERE, DISCARD = "192.0.2.1", 9
TRACED_S = 300.0


def measure(parameters: Mapping[str, Any], clock: Callable[[], int], emit: Emit) -> None:
    """Load, time and verify an engine; with `offline` in an empty network namespace."""
    if parameters["offline"]:
        network.enter_empty_namespace()
    before = network.attempts()
    module, _, name = parameters["backend"].partition(":")
    backend = getattr(import_module(module), name)()
    options = tasks.options_of(parameters)
    with backend.load(Path(parameters["file"]), options) as session:
        tasks.held_to(session, parameters["isa"])
        values = tasks.timed(session, clock, tasks.request_of(parameters), emit)
        verified = tasks.against(session, parameters["verified_tokens"], parameters["reference"])
    after = network.attempts()
    seen = None if before is None or after is None else float(after - before)
    # With the network up the counters are everybody's, and tell nothing of this process.
    values["kernel_attempts"] = seen if parameters["offline"] else None
    values["interfaces"] = float(len(network.interfaces()))
    emit("timed", values=values)
    emit("verified", distances=verified)


def enter(parameters: Mapping[str, Any], clock: Callable[[], int], emit: Emit) -> None:  # noqa: ARG001
    """Whether there are namespaces here at all."""
    network.enter_empty_namespace()


def reach_out(parameters: Mapping[str, Any], clock: Callable[[], int], emit: Emit) -> None:  # noqa: ARG001
    """The positive control: one connection to nowhere, one to a closed port of loopback."""
    network.enter_empty_namespace()
    before = network.attempts()
    for address in (NOWHERE, "127.0.0.1"):
        with socket.socket() as one, contextlib.suppress(OSError):
            one.settimeout(1.0)
            one.connect((address, DISCARD))
    after = network.attempts()
    seen = None if before is None or after is None else float(after - before)
    emit("timed", values={"kernel_attempts": seen})


def traced(parameters: Mapping[str, Any], clock: Callable[[], int], emit: Emit) -> None:  # noqa: ARG001
    """Run the job `job` (JSON) in a worker under strace; its events, and "traced" with counts."""
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace"
        command = ["strace", "-f", "-qq", "-e", "trace=network", "-o", str(trace)]
        command += [sys.executable, "-P", "-m", "edgebench.measure.worker"]
        with tempfile.TemporaryFile() as stderr:
            done = subprocess.run(
                command, input=parameters["job"].encode(), stdout=subprocess.PIPE, stderr=stderr,
                timeout=TRACED_S, check=False, preexec_fn=die_with_parent,
            )  # fmt: skip
            events = [json.loads(line) for line in done.stdout.splitlines()]
            _raise_failure(events, done.returncode, cast("IO[bytes]", stderr))
        for event in events:
            if event["event"] in ("timed", "verified"):
                emit(event.pop("event"), **event)
        lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
        emit("traced", values=network.counted(lines))


def _raise_failure(events: list[dict[str, Any]], status: int, stderr: IO[bytes]) -> None:
    failed = next((event for event in events if event["event"] == "failed"), None)
    if failed is not None:
        raise EngineError(failed["message"])
    if status != 0:
        from edgebench.machine.child import last_words

        raise EngineError(f"the traced worker ended with {status}: {last_words(stderr, 300)}")

"""Starts a worker, listens to it, and turns every way of dying into a Failure."""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from edgebench.machine.child import kill, last_words
from edgebench.schema.launch import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edgebench.measure.job import Job

# Engines free their memory and join their threads on the way out; a deadlock there must end too.
EXIT_S = 30.0
MAX_LINE_BYTES = 64 * 1024 * 1024
_MEMORY_SIGNS = ("bad_alloc", "MemoryError", "failed to allocate", "unable to allocate",
                 "Cannot allocate memory", "out of memory")  # fmt: skip

# The reference is not timed, and BLAS threads that spin make it ten times slower on a busy machine.
_EXTRA_ENVIRONMENT = {"reference": {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}}

# Records are made to be shared: engines name whole paths in what they say.
_FOLDERS = re.compile(r"(?<![\w:/.])(?:~|\.{1,2})?/(?:[^\s/'\":,;()]+/)+")


class Outcome(NamedTuple):
    """Everything a worker said before it ended, and why it ended, where that was not as planned."""

    events: tuple[dict[str, Any], ...]
    failure: Failure | None

    def find(self, event: str) -> dict[str, Any] | None:
        """The last event of that name."""
        return next((e for e in reversed(self.events) if e["event"] == event), None)

    def all(self, event: str) -> list[dict[str, Any]]:
        return [e for e in self.events if e["event"] == event]


def run_job(
    job: Job,
    *,
    silence_s: float,
    exit_s: float = EXIT_S,
    tell: Callable[[dict[str, Any]], None] = lambda _event: None,
) -> Outcome:
    """Run `job` in a fresh process; `tell` hears every event as it comes.

    A worker that says nothing for `silence_s` seconds is killed and counted as hung. An exception
    in this process, Ctrl-C included, kills the worker before it goes on.
    """
    with tempfile.TemporaryFile() as stderr:
        process = _start(job, stderr)
        events: list[dict[str, Any]] = []
        ending: Failure | None = None
        try:
            for event in map(_event, _lines(process, silence_s)):
                events.append(event)
                tell(event)
        except TimeoutError:
            ending = _failure(events, "timeout", f"no sign of life for {silence_s:g} s")
        except ValueError as error:
            ending = _failure(events, "protocol", str(error))
        finally:
            if ending or sys.exc_info()[0]:
                kill(process)
            status = _ended(process, exit_s)
            kill(process)
        if status is None:
            ending = ending or _failure(events, "timeout", "it had finished and did not exit")
        return Outcome(
            tuple(events), ending or _explain(events, status or 0, last_words(stderr, 500))
        )


def _ended(process: subprocess.Popen[bytes], exit_s: float) -> int | None:
    """The exit status; None for a process that had to be killed because it did not end."""
    try:
        return process.wait(exit_s)
    except subprocess.TimeoutExpired:
        kill(process)
        process.wait()
        return None


def _start(job: Job, stderr: IO[bytes]) -> subprocess.Popen[bytes]:
    # -P: a json.py in the working directory must not be imported. A session of its own: Ctrl-C
    # reaches the harness alone, which then decides.
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "edgebench.measure.worker"],
        env=os.environ | _EXTRA_ENVIRONMENT.get(job.kind, {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        start_new_session=True,
    )
    stdin = cast("IO[bytes]", process.stdin)
    with contextlib.suppress(BrokenPipeError), stdin:
        stdin.write(job.to_json().encode())
    return process


def _lines(process: subprocess.Popen[bytes], silence_s: float) -> Iterator[bytes]:
    """Complete lines of the worker's events, until it closes them."""
    stdout = cast("IO[bytes]", process.stdout)
    pending = b""
    with selectors.DefaultSelector() as selector, stdout:
        selector.register(stdout, selectors.EVENT_READ)
        deadline = time.monotonic() + silence_s
        while True:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            chunk = os.read(stdout.fileno(), 1 << 16)
            if not chunk:
                return
            deadline = time.monotonic() + silence_s
            *complete, pending = (pending + chunk).split(b"\n")
            if len(pending) > MAX_LINE_BYTES:
                raise ValueError("the worker sent a line without end")
            yield from complete


def _event(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        raise ValueError(f"the worker said what is not JSON: {line[:80]!r}") from None
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        raise ValueError(f"the worker said what is not an event: {line[:80]!r}")
    return event


def _explain(events: list[dict[str, Any]], status: int, stderr: str) -> Failure | None:
    failed = next((e for e in events if e["event"] == "failed"), None)
    if failed:
        kind = "out_of_memory" if _memory_ran_out(failed["message"]) else failed["kind"]
        return _failure(events, kind, failed["message"])
    if status == 0 and events and events[-1]["event"] == "done":
        return None
    said = f": {stderr}" if stderr else ""
    if status >= 0:
        kind = "out_of_memory" if _memory_ran_out(stderr) else "protocol"
        return _failure(events, kind, f"ended with status {status} and no result{said}")
    name = signal.Signals(-status).name
    if _memory_ran_out(stderr):
        return _failure(events, "out_of_memory", f"{name}{said}")
    kind = "killed" if -status in (signal.SIGKILL, signal.SIGTERM) else "crashed"
    hint = " (the kernel kills with it when memory runs out)" if name == "SIGKILL" else ""
    return _failure(events, kind, f"{name}{hint}{said}")


def _memory_ran_out(text: str) -> bool:
    return any(sign in text for sign in _MEMORY_SIGNS)


def _failure(events: list[dict[str, Any]], kind: str, message: str) -> Failure:
    """`stage` is the last one that the worker announced."""
    stages = [e["stage"] for e in events if e["event"] == "stage"]
    clean = "".join(c if c.isprintable() else " " for c in message)
    clean = _FOLDERS.sub("", clean)
    return Failure.model_validate(
        {"stage": stages[-1] if stages else "start", "kind": kind, "message": clean[:1000]}
    )

"""An engine that plays a script instead of computing: the whole program runs without a model.

The "model file" is JSON, for example:

    {"edgebench_fake": 1, "vocabulary": 32, "prefill_ns_per_token": 100000,
     "step_ns": [2000000, 2100000], "launch_factors": [1.0, 1.02],
     "slows": {"after_ns": 120000000000, "by": 1.25}, "wrong": false,
     "fail": {"at": "decode", "how": "sigkill", "after_loads": 3}}

Its clock is virtual: it advances only by what the script says, so results are exact. Records made
with it carry the backend's name, and every table says that no engine ran.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any

from edgebench.backends import About, Dispatched, EngineError, WrongIsaError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from edgebench.backends import LoadOptions, Logits

ISAS = ("scripted", "other")
REFERENCE_ISA = "reference"
_now_ns = [0]


def now_ns() -> int:
    """The script's clock."""
    return _now_ns[0]


class Fake:
    formats = frozenset({"fake"})
    settings = frozenset({"flash_attention", "kv_type", "load_mode"})

    def why_not(self) -> str | None:
        return None

    def about(self) -> About:
        return About("fake", "1", "scripted times, no engine")

    def known_isas(self) -> tuple[str, ...]:
        return ISAS

    def isas(self) -> tuple[str, ...]:
        return ISAS

    def why_not_device(self, device: str) -> str | None:
        return None if device == "cpu" else "The fake runs on the CPU only."

    @contextlib.contextmanager
    def load(self, file: Path, options: LoadOptions) -> Iterator[FakeSession]:
        if options.isa not in (*ISAS, REFERENCE_ISA):
            raise WrongIsaError(f"the fake engine has no instruction set {options.isa!r}")
        script = json.loads(file.read_text())
        session = FakeSession(script, options, _count_load(file))
        session.act("load")
        session.hold(script.get("allocate_bytes", 0))
        _now_ns[0] += script.get("load_ns", 5_000_000)
        yield session


class FakeSession:
    """Logits depend on the last token only, so a teacher can check every position."""

    def __init__(self, script: dict[str, Any], options: LoadOptions, earlier_loads: int) -> None:
        self._script, self._options, self._loads = script, options, earlier_loads
        factors = script.get("launch_factors", [1.0])
        self._factor = factors[earlier_loads % len(factors)]
        self._steps = self._calls = 0

    @property
    def kv_cache_bytes(self) -> int | None:
        return None

    def dispatched(self) -> Dispatched:
        lies: dict[str, str] = self._script.get("dispatches", {})
        return Dispatched(lies.get(self._options.isa, self._options.isa), "", ())

    def reset(self) -> None:
        self._steps = 0

    def prefill(self, tokens: Sequence[int], *, every: bool = False) -> Logits:
        self.act("prefill")
        self._advance(self._script.get("prefill_ns_per_token", 100_000) * len(tokens))
        rows = self._rows(tokens)
        return rows if every else rows[-1]

    def decode(self, tokens: Sequence[int]) -> Logits:
        self.act("decode")
        steps = self._script.get("step_ns", [1_000_000])
        self._advance(steps[self._steps % len(steps)])
        self._steps += 1
        return self._rows(tokens)

    def tokenize(self, text: str) -> list[int]:
        self._advance(1_000 * len(text))
        return [ord(letter) % int(self._script.get("vocabulary", 32)) for letter in text[::4]]

    def hold(self, size: int) -> None:
        """Allocate for real, so that memory limits can be met."""
        self._held = bytearray(size)

    def act(self, at: str) -> None:
        """Fail in the way that the script asks for, at `at`."""
        fail = self._script.get("fail", {})
        if fail.get("at") != at:
            return
        self._calls += 1
        late = self._calls > fail.get("after_calls", 0)
        if late and self._loads >= fail.get("after_loads", 0):
            _FAILURES[fail["how"]]()

    def _advance(self, nanoseconds: int) -> None:
        slows = self._script.get("slows", {})
        factor = self._factor * (slows["by"] if _now_ns[0] >= slows.get("after_ns", 2**62) else 1)
        _now_ns[0] += round(nanoseconds * factor / self._options.threads)
        time.sleep(self._script.get("really_s", 0))

    def _rows(self, tokens: Sequence[int]) -> Logits:
        import numpy as np

        vocabulary = int(self._script.get("vocabulary", 32))
        wrong = self._script.get("wrong", False) and self._options.isa != REFERENCE_ISA
        rows = np.zeros((len(tokens), vocabulary), dtype=np.float32)
        for row, token in zip(rows, tokens, strict=True):
            row[(token + 1 + wrong) % vocabulary] = 8.0
        return rows


def _count_load(file: Path) -> int:
    """How often this script was loaded before, kept beside it."""
    ledger = file.with_name(f"{file.name}.loads")
    with ledger.open("ab") as stream:
        stream.write(b".")
        return stream.tell() - 1


def _raise(error: BaseException) -> None:
    raise error


_FAILURES: dict[str, Any] = {
    "sigkill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "sigsegv": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "hang": lambda: time.sleep(3600),
    "memory": lambda: _raise(MemoryError("scripted")),
    "error": lambda: _raise(EngineError("scripted engine error")),
    "exit": lambda: os._exit(0),
    "hang_at_exit": lambda: atexit.register(time.sleep, 3600),
    "chatter": lambda: os.write(1, b"native library says hello on stdout\n"),
}

"""What the rungs without an engine of ours do in their worker: the clock is read here, around each
call, and what is computed is held against the reference.
"""

from __future__ import annotations

import ctypes
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgebench.machine import counters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Clock = Callable[[], int]
    Emit = Callable[..., None]

LOOPS = 4


class _Model(ctypes.Structure):
    """`Model` of data/native_rung.c."""

    _fields_ = (
        *((name, ctypes.c_int) for name in ("layers", "hidden", "ffn", "heads", "kv_heads",
          "head_dim", "vocabulary", "context", "pairs", "tied")),
        ("epsilon", ctypes.c_float), ("weights", ctypes.c_void_p),
        ("frequencies", ctypes.c_void_p), ("keys", ctypes.c_void_p), ("values", ctypes.c_void_p),
    )  # fmt: skip


class CRung:
    """The compiled forward pass over mapped weights."""

    def __init__(self, library: str, weights: Path, threads: int, context: int) -> None:
        import numpy as np

        facts = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
        self._forward = ctypes.CDLL(library).native_rung_forward
        self._threads, self._used, self._vocabulary = threads, 0, facts["vocabulary"]
        width = facts["kv_heads"] * facts["head_dim"]
        keys, values = (np.zeros((facts["layers"], context, width), np.float32) for _ in "kv")
        mapped = np.memmap(weights, dtype=np.float32, mode="r")
        frequencies = np.array(facts["frequencies"], dtype=np.float64)
        self._held: tuple[NDArray[Any], ...] = (keys, values, mapped, frequencies)
        names = ("layers", "hidden", "ffn", "heads", "kv_heads", "head_dim", "vocabulary")
        self._model = _Model(
            *(facts[name] for name in names), context, len(frequencies),
            int(facts["tied_embeddings"]), facts["rms_epsilon"],
            mapped.ctypes.data, frequencies.ctypes.data, keys.ctypes.data, values.ctypes.data,
        )  # fmt: skip

    def reset(self) -> None:
        self._used = 0

    def run(self, tokens: Sequence[int], *, every: bool = False) -> NDArray[np.float32]:
        """Append tokens; float32[n or 1, vocabulary]. Raises MemoryError."""
        import numpy as np

        logits = np.empty((len(tokens) if every else 1, self._vocabulary), np.float32)
        ids = (ctypes.c_int * len(tokens))(*tokens)
        failed = self._forward(
            ctypes.byref(self._model), ids, len(tokens), self._used, int(every), self._threads,
            ctypes.c_void_p(logits.ctypes.data),
        )  # fmt: skip
        if failed:
            raise MemoryError("the C rung could not allocate")
        self._used += len(tokens)
        return logits


def c_rung(parameters: dict[str, Any], clock: Clock, emit: Emit) -> None:
    """Task: verify, then time a prompt and steps, `trials` times after a warm-up where asked."""
    tokens, prompt, steps = (parameters[name] for name in ("tokens", "prompt", "steps"))
    rung = CRung(
        parameters["library"], Path(parameters["weights"]), parameters["threads"], len(tokens)
    )
    emit(
        "checked",
        distances=_against(parameters, rung.run(tokens[: parameters["checked"]], every=True)),
    )
    for _ in range(parameters["trials"]):
        rung.reset()
        before = counters.snapshot()
        begun = clock()
        rung.run(tokens[:prompt])
        prefill_ns = clock() - begun
        step_ns = []
        for token in tokens[prompt : prompt + steps]:
            begun = clock()
            rung.run([token])
            step_ns.append(clock() - begun)
        emit("timed", prefill_ns=prefill_ns, step_ns=step_ns, waited_share=_waited(before))


def python_rung(parameters: dict[str, Any], clock: Clock, emit: Emit) -> None:
    """Task: decode a few tokens in CPython alone. What it timed is what it checks."""
    import mmap

    from edgebench.measure.experiments.native_python import PurePython

    path = Path(parameters["weights"])
    facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    with path.open("rb") as stream:
        mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    model = PurePython(memoryview(mapped).cast("f"), facts)
    before = counters.snapshot()
    step_ns, rows = [], []
    for token in parameters["tokens"]:
        begun = clock()
        rows.append(model.decode(token))
        step_ns.append(clock() - begun)
    waited = _waited(before)
    import numpy as np

    emit("checked", distances=_against(parameters, np.array(rows, dtype=np.float32)))
    emit("timed", prefill_ns=None, step_ns=step_ns, waited_share=waited)


def binding_loop(parameters: dict[str, Any], clock: Clock, emit: Emit) -> None:
    """Task: the same decode steps driven from Python and from C, in turns, in one context."""
    from edgebench.backends import LoadOptions
    from edgebench.backends.llama_cpp import LlamaCpp

    tokens, steps = parameters["tokens"], parameters["steps"]
    options = LoadOptions(
        isa=parameters["isa"], threads=parameters["threads"], context_tokens=2 * steps
    )
    with LlamaCpp().load(Path(parameters["file"]), options) as session:
        drive = session.driver(ctypes.CDLL(parameters["library"]).native_rung_loop)
        wanted = tokens[:steps]

        def from_python() -> None:
            for token in wanted:
                session.decode((token,))

        def from_c() -> None:
            drive(wanted)

        for number in range(2 * LOOPS + 2):
            name, loop = (("python", from_python), ("c", from_c))[number % 2]
            session.reset()
            before = counters.snapshot()
            begun = clock()
            loop()
            took_ns = clock() - begun
            if number > 1:  # one of each to warm up
                emit("looped", by=name, elapsed_ns=took_ns, waited_share=_waited(before))


def _against(parameters: dict[str, Any], logits: NDArray[np.float32]) -> dict[str, Any]:
    """Distances to the reference's logits of the same tokens."""
    import numpy as np

    from edgebench.measure import verify

    reference = np.load(parameters["reference"], mmap_mode="r")[: len(logits)]
    following = parameters["tokens"][1 : len(logits) + 1]
    following += [0] * (len(logits) - len(following))
    return verify.distances(reference, logits, following)._asdict()


def _waited(before: counters.Snapshot) -> float | None:
    """Share of the runnable time since then that threads waited for a CPU."""
    spent = counters.difference(before, counters.snapshot())
    waited_ns, user_s, system_s = (
        spent[name] for name in ("run_delay_ns", "cpu_user_s", "cpu_system_s")
    )
    if waited_ns is None or user_s is None or system_s is None:
        return None
    total = waited_ns * 1e-9 + user_s + system_s
    return waited_ns * 1e-9 / total if total else None

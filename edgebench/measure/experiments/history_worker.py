"""The measured process of an old engine: `python -m` with that engine first on the path.

llama.cpp's own functions changed their names over the years; the class on top of them has had
`eval` and `reset` all along, so every release is driven alike. Reads JSON on standard input and
writes it on standard output; what the engine prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

from edgebench.machine import counters
from edgebench.machine.child import die_with_parent
from edgebench.measure.tasks import waited_share

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPARED_LOGITS = 512
NS = 1e-9


def main() -> None:
    """Entry point."""
    die_with_parent()
    with os.fdopen(os.dup(1), "w") as stream:
        os.dup2(2, 1)
        stream.write(json.dumps(measure(json.load(sys.stdin))))


def measure(asked: dict[str, Any]) -> dict[str, Any]:
    """Medians over trials after a warm-up, and the first logits after the last token."""
    import llama_cpp

    tokens, prompt, output = asked["tokens"], asked["prompt_tokens"], asked["output_tokens"]
    engine: Any = llama_cpp.Llama(
        asked["file"], n_ctx=prompt + output, n_batch=512, n_threads=asked["threads"],
        n_threads_batch=asked["threads"], n_gpu_layers=0, logits_all=False, verbose=False,
    )  # fmt: skip
    times: list[tuple[float, float]] = []
    logits: Sequence[float] = []
    before = counters.snapshot()
    for trial in range(asked["trials"] + 1):
        if trial == 1:
            before = counters.snapshot()
        engine.reset()
        begun = time.monotonic_ns()
        engine.eval(tokens[:prompt])
        read = time.monotonic_ns()
        for token in tokens[prompt : prompt + output]:
            engine.eval([token])
        done = time.monotonic_ns()
        # After a batch of one token: releases differ in which row of a larger one they keep.
        logits = _logits(llama_cpp, engine)
        times.append(((read - begun) * NS, (done - read) * NS / output))
    prefill, decode = zip(*times[1:], strict=True)
    return {
        "version": llama_cpp.__version__,
        "path": os.path.realpath(llama_cpp.__file__),
        "prefill_tok_s": prompt / statistics.median(prefill),
        "decode_tok_s": 1 / statistics.median(decode),
        "waited_share": waited_share(before, counters.snapshot()),
        "logits": logits,
    }


def _logits(api: Any, engine: Any) -> Sequence[float]:
    """After the last token. The context was kept as `ctx` in early releases."""
    context = getattr(getattr(engine, "_ctx", None), "ctx", None) or engine.ctx
    pointer = api.llama_get_logits(context)
    return [float(pointer[place]) for place in range(COMPARED_LOGITS)]


if __name__ == "__main__":
    main()

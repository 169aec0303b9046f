"""llama.cpp's own quantizer, in a process of its own.

Reads a task on standard input, `{"source", "target", "file_type", "allow_requantize",
"threads"}`, and writes events, one JSON object a line, on what was standard output: "tensor" with
`done` and `of` as it goes, then "done", or "failed" with a message. Native libraries that print
to fd 1 reach standard error instead.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any

from edgebench.machine.child import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable

    Emit = Callable[..., None]

BUFFER_BYTES = 256 << 20
_KEPT_LINES = 20


def main() -> None:
    """Entry point of `python -m edgebench.backends.llama_cpp_quantize`."""
    die_with_parent()
    with os.fdopen(os.dup(1), "w", buffering=1) as stream:
        os.dup2(2, 1)

        def emit(event: str, **fields: object) -> None:
            stream.write(json.dumps({"event": event, **fields}) + "\n")

        sys.exit(run(json.loads(sys.stdin.read()), emit))


def run(task: dict[str, Any], emit: Emit) -> int:
    """Quantize; 0 when llama.cpp says that it worked."""
    try:
        from llama_cpp import llama_cpp as api
    except ImportError:
        message = "llama_cpp is not installed. Install it: pip install 'edgebench[llama-cpp]'."
        emit("failed", message=message)
        return 1
    log = _Log(api, emit)
    params = api.llama_model_quantize_default_params()
    params.ftype = task["file_type"]
    params.allow_requantize = task["allow_requantize"]
    params.nthread = task["threads"]
    params.max_buf_size = BUFFER_BYTES
    source, target = os.fsencode(task["source"]), os.fsencode(task["target"])
    code = api.llama_model_quantize(source, target, ctypes.byref(params))
    if code != 0:
        emit("failed", message=log.explain(f"llama_model_quantize returned {code}"))
        return 1
    emit("done")
    return 0


class _Log:
    """Turns the quantizer's log into progress, and keeps what may explain a failure."""

    def __init__(self, api: Any, emit: Emit) -> None:
        self._emit = emit
        self._lines: list[str] = []
        self._callback = api.llama_log_callback(self._receive)
        api.llama_log_set(self._callback, ctypes.c_void_p(0))

    def explain(self, what: str) -> str:
        said = [line for line in self._lines if re.search(r"fail|error|disabled", line)]
        return ": ".join([what, *said[-2:]])

    def _receive(self, _level: int, text: bytes, _data: object) -> None:
        line = text.decode(errors="replace").strip()
        if line:
            self._lines = [*self._lines[-_KEPT_LINES:], line]
        if step := re.match(r"\[\s*(\d+)/\s*(\d+)\]", line):
            self._emit("tensor", done=int(step[1]), of=int(step[2]))


if __name__ == "__main__":
    main()

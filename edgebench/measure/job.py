"""What the harness sends to a worker, as one JSON document on its standard input.

Standard library only: the worker reads this before it has an engine.
"""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

from edgebench.backends import LoadOptions

Kind = Literal["empty", "probe", "tokenize", "reference", "verify", "measure", "ceiling", "task"]


class Tokenizer(NamedTuple):
    """The tokenizer of `file`, by a backend that is not the measured one."""

    backend: str
    isa: str
    file: str


class Job(NamedTuple):
    """One worker's task.

    `backend` and `clock` are `module:attribute`, resolved by the parent from entry points, so
    that the worker need not import importlib.metadata. `text` is what the scenario tokenizes, with
    `tokenizer` or, where that is None, with the engine's own; `tokens` are the teacher's tokens
    from position 0 on. No trial after the first counted one is begun when `launch_time_s` have
    passed since the warm-up began, which does the workload divided by `warmup_divisor`; with
    `sustain_s` the workload is looped for as long instead. `result_path` is where logits are
    written (kind "reference") or read (kind "verify"). `buffer_bytes` is memory to read (kind
    "ceiling"). `cpus` are those that the worker is kept on, if any. A "task" calls the function
    that `backend` names with `parameters`, the clock and a way to emit events
    (measure/experiments).
    """

    kind: Kind
    backend: str
    file: str = ""
    options: LoadOptions = LoadOptions(isa="", threads=1, context_tokens=0)
    clock: str = "time:monotonic_ns"
    tokens: tuple[int, ...] = ()
    text: str = ""
    prompt_tokens: int = 0
    output_tokens: int = 0
    depth_tokens: int = 0
    scenario: bool = False
    trials: int = 0
    launch_time_s: float = 3600.0
    warmup_divisor: int = 1
    sustain_s: float = 0.0
    result_path: str = ""
    memory_limit_bytes: int | None = None
    cpus: tuple[int, ...] = ()
    buffer_bytes: int = 0
    tokenizer: Tokenizer | None = None
    parameters: dict[str, Any] | None = None

    def divided(self, by: int) -> Job:
        """The same workload with fewer tokens: at least one of each kind that it has."""
        parts = (self.prompt_tokens, self.output_tokens, self.depth_tokens)
        prompt, output, depth = (-(-tokens // by) for tokens in parts)
        return self._replace(prompt_tokens=prompt, output_tokens=output, depth_tokens=depth)

    def to_json(self) -> str:
        return json.dumps(self._asdict() | {"options": self.options._asdict()})

    @classmethod
    def from_json(cls, text: str) -> Job:
        fields = json.loads(text)
        fields["options"] = LoadOptions(**fields["options"])
        fields["tokens"], fields["cpus"] = tuple(fields["tokens"]), tuple(fields["cpus"])
        fields["tokenizer"] = Tokenizer(*fields["tokenizer"]) if fields["tokenizer"] else None
        return cls(**fields)

"""What the harness sends to a worker, as one JSON document on its standard input.

Standard library only: the worker reads this before it has an engine.
"""

from __future__ import annotations

import json
from typing import Literal, NamedTuple

from edgebench.backends import LoadOptions

Kind = Literal["empty", "probe", "tokenize", "reference", "verify", "measure"]


class Job(NamedTuple):
    """One worker's task.

    `backend` and `clock` are `module:attribute`, resolved by the parent from entry points, so
    that the worker need not import importlib.metadata. `text` is what the scenario tokenizes,
    `tokens` the teacher's tokens from position 0 on. `result_path` is where logits are written
    (kind "reference") or read (kind "verify").
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
    result_path: str = ""
    memory_limit_bytes: int | None = None

    def to_json(self) -> str:
        return json.dumps(self._asdict() | {"options": self.options._asdict()})

    @classmethod
    def from_json(cls, text: str) -> Job:
        fields = json.loads(text)
        fields["options"] = LoadOptions(**fields["options"])
        fields["tokens"] = tuple(fields["tokens"])
        return cls(**fields)

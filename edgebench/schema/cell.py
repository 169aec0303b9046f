"""What is measured: a model file, under settings, as a cell; and what could not be, and why."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import Field

from edgebench.schema import Bytes, Index, Strict
from edgebench.schema.model import Sha256, Shape
from edgebench.schema.workload import Workload

CellId = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]


class MeasuredFile(Strict):
    """The model file that was really opened. Its sha256 is its identity.

    `weights` says whether somebody trained them or edgebench drew them from `seed`; `chain` what
    was made of what, e.g. "Q4_0 from Q4_1". An ONNX graph made by others says neither its whole
    shape nor its tensors' types: `shape` is null and `tensor_types` empty. The hash of a graph
    with external data covers every file (edgebench/models/prepared.py).
    """

    name: str
    model: str | None
    quant: str
    sha256: Sha256
    size_bytes: Bytes
    architecture: str
    shape: Shape | None
    tensor_types: dict[str, int]
    weights: Literal["real", "synthetic"]
    seed: Index | None
    chain: tuple[str, ...]
    source: str


class Options(Strict):
    """Settings that change the work an engine does; every one is explicit and recorded.

    `null` means that the engine of this cell has no such setting. `activations` is the precision
    in which activations are multiplied, `spinning` whether idle threads spin at barriers,
    `prepacked` whether weights were saved in the engine's own layout, `repacking` whether the
    engine may rearrange weights in memory for its kernels. `cpus` are those that the worker is
    kept on, as the kernel writes lists (`4-7`); null: it goes where the kernel puts it.
    """

    batch_tokens: int = 2048
    ubatch_tokens: int = 512
    flash_attention: bool | None = True
    kv_type: Literal["f16", "f32", "q8_0", "q4_0"] = "f16"
    load_mode: Literal["mmap", "read", "mlock"] | None = "mmap"
    activations: Literal["int8", "fp32", "fp16", "mixed"] | None = None
    spinning: bool | None = None
    prepacked: bool | None = None
    repacking: bool | None = None
    cpus: Annotated[str, Field(pattern=r"^\d+(-\d+)?(,\d+(-\d+)?)*$")] | None = None
    memory_limit_bytes: Bytes | None = None


class Export(Strict):
    """A file of another format that was made from a measured one, for an engine that needs it.

    `weights_id` is the SHA-256 of the file whose weights it holds, every one equal; `null` where
    `derived` names tensors that are not.
    """

    file: Sha256
    backend: str
    activations: str | None
    name: str
    weights_id: Sha256 | None
    derived: tuple[str, ...]


class Cell(Strict):
    """One thing to measure. `file` is the model file that the weights come from.

    `id` is the first twelve hex digits of the SHA-256 of everything else here, as JSON with
    sorted keys and no spaces; a field that came after the first release is left out of it at the
    value that stands for how cells were before (`LATER`), so that ids stay what they were.
    """

    id: CellId
    file: Sha256
    backend: str
    isa: str
    device: str
    threads: Annotated[int, Field(ge=1)]
    workload: Workload
    options: Options

    @classmethod
    def of(cls, **fields: object) -> Cell:
        """A cell of these fields, with the id that follows from them."""
        draft = cls.model_validate({**fields, "id": "0" * 12})
        return draft.model_copy(update={"id": draft.identity()})

    def identity(self) -> str:
        """The id that this cell must have."""
        fields = self.model_dump(mode="json", exclude={"id"})
        for part, name, before in LATER:
            if fields[part][name] in before:
                del fields[part][name]
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


# Part of a cell, its field, and the values that say how cells were before there was such a field.
LATER = (
    ("workload", "sequences", (1,)),
    ("options", "repacking", (True, None)),
    ("options", "cpus", (None,)),
)


class Skipped(Strict):
    """A combination that was asked for and cannot be measured here, and why."""

    file: Sha256
    backend: str
    isa: str
    device: str = "cpu"
    threads: int
    workload: str
    reason: str

"""The claims suite: what the source documents say, put to measurement.

A claim is one file here: the quote, the hypothesis, what is to be measured, the decision rule with
its margins, the plot, and what no device can tell. Judging reads records and nothing else; the
margins were fixed before measuring, and changing one makes a new version of the claim.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from edgebench.schema.cell import MeasuredFile
    from edgebench.schema.claim import Endpoint, Margin, Quote
    from edgebench.schema.experiment import Block, Experiment, Point
    from edgebench.schema.result import CellResult, Result

Level = Literal["smoke", "full"]


class Cells(NamedTuple):
    """Cells to measure, in the words of `edgebench run`; lists multiply.

    `launches` by level: rounds of all these cells, so that launches of one round are a block. A
    level that is not named is not measured. What this machine cannot run is skipped, and why.
    """

    quants: tuple[str, ...]
    workloads: tuple[str, ...]
    model: str = "smollm2-135m"
    weights: Literal["real", "synthetic"] = "real"
    backends: tuple[str, ...] = ("llama.cpp",)
    isas: tuple[str, ...] = ("best",)
    threads: tuple[int | Literal["auto"], ...] = ("auto",)
    devices: tuple[str, ...] = ("cpu",)
    flash_attention: tuple[bool, ...] = (True,)
    repacking: tuple[bool, ...] = (True,)
    kv_types: tuple[str, ...] = ("f16",)
    activations: str = "auto"
    sustain_s: float | None = None
    launches: Mapping[str, int] = MappingProxyType({"smoke": 3, "full": 10})
    levels: tuple[Level, ...] = ("smoke", "full")


class Trying(NamedTuple):
    """An experiment to run: its kind (edgebench/measure/experiments), and blocks by level."""

    kind: str
    blocks: Mapping[str, int] = MappingProxyType({"smoke": 3, "full": 10})
    settings: Mapping[str, Any] = MappingProxyType({})


class Row(NamedTuple):
    """One measured cell with what it was measured on."""

    result: Result
    file: MeasuredFile
    entry: CellResult


class Evidence(NamedTuple):
    """Everything that a claim may look at. Records whose output was wrong are in it: a claim
    reads speeds through edgebench.analysis.metrics, which gives none for them.
    """

    results: tuple[Result, ...]
    experiments: tuple[Experiment, ...]

    def rows(self) -> Iterator[Row]:
        for result in self.results:
            files = {file.sha256: file for file in result.files}
            for entry in result.cells:
                yield Row(result, files[entry.cell.file], entry)

    def points(self, kind: str) -> Iterator[tuple[Experiment, Block, Point]]:
        for experiment in self.experiments:
            if experiment.kind == kind:
                for block in experiment.blocks:
                    for point in block.points:
                        yield experiment, block, point


class Claim(NamedTuple):
    """`judge` gives the endpoints of one device's evidence, or of everybody's (`pool`).

    Without `pool`, devices are pooled endpoint by endpoint (claims/pooling.py). `plot` draws on a
    matplotlib Figure (its import is inside), or says in a sentence why there is nothing to draw.
    All three are pure. `combine`: the claim is supported when all its primary endpoints are and
    refuted when one is; with "any" supported when one is and refuted when all are. `ceilings`: this
    machine's bandwidth and arithmetic are measured first, unless they are known.
    """

    id: str
    version: int
    title: str
    quotes: tuple[Quote, ...]
    hypothesis: str
    rule: str
    needs: tuple[Cells | Trying, ...]
    margins: Mapping[str, Margin]
    judge: Callable[[Evidence], tuple[Endpoint, ...]]
    out_of_reach: tuple[str, ...]
    others_would_add: str
    plot: Callable[[Evidence, Any], str | None] | None = None
    pool: Callable[[Evidence], tuple[Endpoint, ...]] | None = None
    combine: Literal["all", "any"] = "all"
    ceilings: bool = False

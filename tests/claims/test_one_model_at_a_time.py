"""What must not be mixed: models, caches, and fits with and without the largest model."""

from __future__ import annotations

import pytest

from edgebench.analysis import ceilings
from edgebench.claims import arm_vs_gpu, decode_bandwidth, figures
from edgebench.schema.cell import Options
from edgebench.schema.model import Shape
from tests.claims import decode_bandwidth as bandwidth
from tests.claims.makers import STEADY, evidence, file, record, speeds
from tests.results_maker import DEVICE as BOARD


def test_a_smaller_model_is_not_the_fastest_stream_of_a_board() -> None:
    asked, tiny = file(quant="Q4_0"), file("llama-68m", "Q4_0", "synthetic")
    cells = [speeds(asked, "tg32", 40.0, isa="armv8.2_1"),
             speeds(tiny, "tg32", 400.0, isa="armv8.2_1")]  # fmt: skip
    (found,) = arm_vs_gpu.machines(evidence(record([asked, tiny], *cells, device=BOARD)), arm=True)
    assert max(found.single.values) < 50


def test_a_quantized_cache_is_no_plain_cell() -> None:
    weights = file(quant="Q4_0")
    cells = [speeds(weights, "tg32", 40.0, options=Options(kv_type=kv)) for kv in ("f16", "q8_0")]
    rows = figures.rows(evidence(record([weights], *cells)), where=figures.plain)
    assert [row.entry.cell.options.kv_type for row in rows] == ["f16"]


def test_blocks_without_the_largest_model_do_not_tell_its_share() -> None:
    shape, made = bandwidth.SHAPE, []
    for name, layers, launches in (("smollm2-360m", 4, 5), ("tinyllama", 8, 5),
                                   ("llama-68m", 2, 5), ("llama-3.2-3b", 22, 3)):  # fmt: skip
        smaller = Shape.model_validate(shape.model_dump() | {"layers": layers})
        of = file(name, "Q8_0", "synthetic", shape=smaller, size_bytes=layers * 50_000_000)
        draft = speeds(of, "tg32", 1.0)
        read = ceilings.decode_read_bytes_per_token(of, smaller, draft.cell)
        made.append((of, speeds(of, "tg32", 1 / (0.01 + read / 10e9), STEADY[:launches])))
    found = decode_bandwidth.judge(
        evidence(record([of for of, _ in made], *(c for _, c in made), device=bandwidth.DEVICE))
    )
    share = next(each for each in found if each.name == "byte_share")
    assert share.blocks == 3
    assert share.estimate == pytest.approx(read / 10e9 / (0.01 + read / 10e9), rel=0.1)

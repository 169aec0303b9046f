"""Which samples may be compared, what is said of them, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.analysis import comparable
from edgebench.analysis.compare import compare
from edgebench.analysis.compare_reading import samples_of
from edgebench.errors import BadInput
from edgebench.schema.cell import Options
from tests.comparing.makers import BACKEND, SLOWER_MS, decode, emulated, record, side, wrong
from tests.results_maker import DEVICE, FILE, cell

if TYPE_CHECKING:
    from edgebench.schema.result import Result

OTHER_QUANT = FILE.model_copy(update={"sha256": "b" * 64, "quant": "Q4_1", "chain": ("Q4_1",)})
OTHER_MODEL = FILE.model_copy(update={"sha256": "c" * 64, "model": "other"})
SYNTHETIC = FILE.model_copy(update={"sha256": "d" * 64, "weights": "synthetic", "seed": 1})


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (record(cells=(BACKEND,)), "differ in backend: llama.cpp against onnxruntime"),
        (record(cells=(cell(threads=2),)), "differ in threads: 4 against 2"),
        (
            record(cells=(cell(options=Options(flash_attention=False)),)),
            "differ in options.flash_attention: True against False",
        ),
        (
            record(cells=(cell(file="b" * 64),), files=(OTHER_QUANT,)),
            "tiny Q4_0 (aaaaaaaaaaaa) against tiny Q4_1 (bbbbbbbbbbbb)",
        ),
        (
            record(*SLOWER_MS, device=DEVICE.model_copy(update={"kernel": "Linux 7.0"})),
            "device.kernel: Linux 6.6 against Linux 7.0",
        ),
    ],
)
def test_what_differs_and_does_not_forbid_is_a_footnote(head: Result, said: str) -> None:
    found = compare([side("old", record()), side("new", head)])

    notes = [found.footnotes[number - 1] for number in decode(found).notes]
    assert any(said in note for note in notes), notes


@pytest.mark.parametrize(
    ("head", "field", "said"),
    [
        (record(cells=(cell("tg8"),)), "cell.workload", "Only new has the workload tg8"),
        (record(cells=(cell(file="c" * 64),), files=(OTHER_MODEL,)), "cell.file", "Other weights"),
        (
            record(cells=(cell(file="d" * 64),), files=(SYNTHETIC,)),
            "files.weights",
            "real against synthetic",
        ),
        (wrong(), "cells.verification", "its output is wrong. KL is 3."),
    ],
)
def test_what_cannot_be_compared_is_refused_and_names_the_field(
    head: Result, field: str, said: str
) -> None:
    with pytest.raises(BadInput) as refusal:
        compare([side("old", record()), side("new", head)])

    assert field in str(refusal.value)
    assert said in str(refusal.value)


def test_an_emulated_cpu_has_no_speed() -> None:
    (sample,) = samples_of(record(), "new")
    machine = sample.machine._replace(emulated="qemu-aarch64")

    found = list(comparable.obstacles(sample, sample._replace(machine=machine)))

    assert [each.field for each in found] == ["device.emulated"]


def test_an_emulated_device_beside_others_is_refused_and_not_forgotten() -> None:
    made = emulated(record())

    for found in (
        compare([side("all", record(), made)]),
        compare([side("real", record()), side("emulated", made)]),
    ):
        assert {row.device for row in found.devices} == {"board-4cpu"}
        (refusal,) = found.refusals
        assert refusal.fields == ("device.emulated",)
        assert "imagined" in refusal.reason


def test_a_wrong_cell_of_another_device_is_refused_and_not_forgotten() -> None:
    there = wrong().model_copy(update={"device": DEVICE.model_copy(update={"id": "other"})})

    (refusal,) = compare([side("all", record(), there)]).refusals

    assert refusal.fields == ("cells.verification",)
    assert refusal.reason == "On other it has no speed: its output is wrong. KL is 3."


def test_older_results_are_counted_of_cells_that_are_shown() -> None:
    real, other = (
        side("all", each)._replace(older={("board-4cpu", cell().id): 2, ("imagined", cell().id): 7})
        for each in (record(), emulated(record()))
    )
    both = real._replace(samples=(*real.samples, *other.samples))

    assert compare([both]).footnotes == ("all holds 2 older results of these cells: left out.",)


def test_a_tie_is_not_paired_by_guessing() -> None:
    heads = record(cells=(cell(threads=1), cell(threads=2)))

    with pytest.raises(BadInput, match="equally near"):
        compare([side("old", record()), side("new", heads)])

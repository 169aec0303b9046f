"""Plots: what is drawn of which rows, what is said of the rest, and the files they become."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from edgebench.analysis.report_rows import cells_of
from edgebench.analysis.report_sustained import Window
from edgebench.report.plots import PLOTS
from edgebench.report.plots.plot import REACH, key, whisker
from edgebench.report.plots.saving import content, to_csv
from edgebench.report.plots.style import COLOURS, DARK, svg
from edgebench.schema.interval import Interval
from tests import report_maker as maker

if TYPE_CHECKING:
    from edgebench.analysis.report_rows import CellRow
    from edgebench.report.plots.plot import Plot
    from edgebench.schema.result import Result


def rows(*records: Result) -> list[CellRow]:
    return [row for record in records for row in cells_of(record, "a.json")]


def full() -> list[CellRow]:
    """Something for every plot, sustained speed among it."""
    first, *others = rows(maker.record(), maker.record("other"))
    long = tuple(
        Window("decode", at_s, 100 - at_s / 10, 40 + at_s / 10) for at_s in range(0, 300, 10)
    )
    return [first._replace(sustained=long), *others]


def column(plot: Plot, name: str) -> list[object]:
    place = plot.columns.index(name)
    return [row[place] for row in plot.numbers]


def texts(picture: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(picture).iter() if each.tag.endswith("}text")]


@pytest.mark.parametrize("name", PLOTS)
def test_every_plot_is_an_svg_of_its_own_the_same_each_time(name: str) -> None:
    plot = PLOTS[name](full())

    picture = svg(plot)

    assert plot.why_not is None
    assert len(plot.numbers) > 1
    assert all(len(row) == len(plot.columns) for row in plot.numbers)
    assert svg(PLOTS[name](full())) == picture
    # Addresses in it only name XML vocabularies; nothing is loaded and nothing runs.
    assert set(re.findall(r'(?:href|src)="([^#"][^"]*)"', picture)) == set()
    assert "<script" not in picture
    assert "tok/s" in picture or "MiB" in picture or "J/token" in picture


@pytest.mark.parametrize("name", PLOTS)
def test_without_figures_nothing_is_drawn_and_the_reason_said(name: str) -> None:
    unmeasured = [
        row._replace(decode=None, prefill=None, memory=None, energy=(), quality=None)
        for row in rows(maker.record(isas=("armv8.0_1",)))
    ]

    plot = PLOTS[name](unmeasured)

    assert plot.draw is None
    assert plot.why_not is not None
    assert plot.why_not.endswith(".")
    assert PLOTS[name]([]).draw is None


def test_the_ladder_has_a_panel_per_device_and_phase() -> None:
    plot = PLOTS["ladder"](rows(maker.record(workloads=("pp8", "tg4"))))

    assert len(plot.numbers) == 2 * 2 * 3  # phases, models, instruction sets
    assert column(plot, "ISA")[:3] == list(maker.ISAS)
    first = [value for value in column(plot, "value")[:3] if isinstance(value, float)]
    assert first == sorted(first)
    assert set(maker.ISAS) <= set(texts(svg(plot)))


def test_the_ladder_of_an_emulated_cpu_counts_instructions() -> None:
    plot = PLOTS["ladder"](rows(maker.emulated()))

    assert set(column(plot, "measured")) == {"M instructions per token"}
    assert column(plot, "value") == [40.0, 30.0]
    assert column(plot, "low") == [None, None]


def test_the_roofline_holds_the_share() -> None:
    plot = PLOTS["roofline"](rows(maker.record(workloads=("tg4",))))

    assert plot.numbers
    for most, rate, share in zip(*(column(plot, c) for c in ("most tok/s", "tok/s", "share")),
                                 strict=True):  # fmt: skip
        assert isinstance(most, float)
        assert isinstance(rate, float)
        assert share == pytest.approx(rate / most)


def test_the_front_is_what_nothing_beats_in_both() -> None:
    """Here a faster instruction set is less exact, so each of one model is on the front."""
    plot = PLOTS["quality"](rows(maker.record(workloads=("tg4",), models=(maker.BIG,))))

    assert set(column(plot, "on the front")) == {"yes"}

    slow, *_ = rows(maker.record(workloads=("tg4",), models=(maker.BIG,)))
    assert slow.quality is not None
    poor = slow.quality._replace(perplexity=99.0, mean_kl=1.0)
    worse = slow._replace(isa="worse", quality=poor)
    beaten = PLOTS["quality"]([slow, worse])
    told = set(zip(column(beaten, "ISA"), column(beaten, "on the front"), strict=True))
    assert told == {(slow.isa, "yes"), ("worse", "no")}


def test_several_streams_at_once_are_not_drawn_against_quality() -> None:
    """They are faster together and no better: they would be the front."""
    plot = PLOTS["quality"](rows(maker.record(workloads=("tg4", "tg4@s4"))))

    assert set(column(plot, "test")) == {"tg4"}


@pytest.mark.parametrize("name", ["quality", "roofline", "context", "sustained"])
def test_what_all_marks_share_stands_above_them(name: str) -> None:
    """A picture that was saved alone says of which device it is."""
    picture = svg(PLOTS[name](full()[: len(full()) // 2]))

    assert any("board-4cpu" in words for words in texts(picture)), texts(picture)


def test_energy_of_different_methods_stands_in_different_panels() -> None:
    first, second = rows(maker.record(workloads=("tg4",), models=(maker.BIG,), isas=maker.ISAS[:2]))
    (joules,) = second.energy
    other = second._replace(energy=(joules._replace(quality="C", method="sampled:hwmon"),))

    written = " ".join(texts(svg(PLOTS["energy"]([first, other]))))

    assert "counter:rapl, package, tier B" in written
    assert "sampled:hwmon, package, tier C" in written


def test_context_joins_what_differs_in_depth_only() -> None:
    plot = PLOTS["context"](rows(maker.record(models=(maker.BIG,), isas=("armv8.0_1",))))

    assert column(plot, "tokens") == [0, 16, 64]
    assert set(column(plot, "phase")) == {"decode"}


def many(count: int) -> list[CellRow]:
    made = rows(maker.record(models=(maker.BIG,)))
    return [row._replace(device=f"board-{number:03}") for number in range(count) for row in made]


@pytest.mark.parametrize("name", sorted(set(PLOTS) - {"sustained"}))
def test_with_many_devices_a_plot_says_what_it_leaves_out(name: str) -> None:
    plot = PLOTS[name](many(60))

    picture = svg(plot)

    assert plot.notes
    assert len(plot.numbers) < 400
    # About 15 screens of a phone would be no plot any more.
    height = float(re.findall(r'viewBox="0 0 [\d.]+ ([\d.]+)"', picture)[0])
    assert height < 1400
    assert len(picture) < 150_000


def test_numbers_beyond_what_axes_take_are_not_drawn() -> None:
    row, *others = rows(maker.record(workloads=("tg4",)))
    assert row.quality is not None
    huge = row._replace(
        decode=Interval(estimate=1e300, low=1.0, high=1e304, launches=2),
        quality=row.quality._replace(perplexity=1e308, mean_kl=1e-300),
    )

    for name, plot in PLOTS.items():
        made = plot([huge, *others])
        if made.draw:
            assert "inf" not in texts(svg(made)), name
    assert 1e300 not in column(PLOTS["ladder"]([huge, *others]), "value")


def test_wide_intervals_are_cut_and_that_is_said() -> None:
    wide = Interval(estimate=100.0, low=1.0, high=10_000.0, launches=2)
    assert list(whisker(wide)) == pytest.approx([100 - 100 / REACH, 100 * REACH - 100])
    made = [row._replace(decode=wide) for row in rows(maker.record(workloads=("tg4",)))]

    plot = PLOTS["ladder"](made)

    assert any("are cut there" in note for note in plot.notes)
    assert set(column(plot, "high")) == {10_000.0}


def test_hostile_names_are_text() -> None:
    made = rows(maker.hostile())

    for name, plot in PLOTS.items():
        drawn = plot(made)
        if drawn.draw is None:
            assert name == "sustained"
            continue
        picture = svg(drawn)
        document = ET.fromstring(picture)  # well-formed, whatever the names hold
        tags = {each.tag.rsplit("}")[-1] for each in document.iter()}
        assert not tags & {"script", "img", "foreignObject", "a"}
        assert "\x1b" not in picture
        assert "\u202e" not in picture
        assert len(picture) < 150_000


@pytest.mark.parametrize("name", PLOTS)
def test_numbers_name_the_settings_in_which_cells_differ(name: str) -> None:
    plot = PLOTS[name]([row._replace(settings="kv_type q8_0") for row in full()])

    models = column(plot, "model")
    assert models
    assert all(str(model).endswith(" kv_type q8_0") for model in models)


def test_numbers_as_csv_run_nothing() -> None:
    plot = PLOTS["memory"](rows(maker.hostile()))

    read = list(csv.DictReader(io.StringIO(to_csv(plot))))

    assert len(read) == len(plot.numbers)
    assert not any(row["model"].startswith(("=", "+", "-", "@")) for row in read)
    assert {row["peak bytes"] for row in read} == {str(200 << 20)}


def test_a_picture_is_a_png() -> None:
    made = content(PLOTS["memory"](rows(maker.record())), ".png")

    assert isinstance(made, bytes)
    assert made.startswith(b"\x89PNG\r\n")


def test_dark_has_a_colour_for_every_colour() -> None:
    assert set(COLOURS) <= set(DARK)
    picture = svg(PLOTS["ladder"](full()))
    drawn = picture.split("</style>")[-1]
    assert set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", drawn)) <= set(DARK)


def test_a_gpu_lends_its_speed_to_no_cpu() -> None:
    """A device is called by its CPU: beside a GPU's figures that name alone would be wrong."""
    decoded = next(row for row in full() if row.decode is not None)
    row = decoded._replace(device="server", on="cuda")
    assert key(row, "device", "model") == ("cuda of server", row.model)
    drawn = PLOTS["quality"]([row, decoded])
    assert "cuda of server" in " ".join(texts(svg(drawn)))
    assert f"{row.backend} on cuda" in column(drawn, "backend")

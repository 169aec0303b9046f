"""Plots of claims in a report: drawn from the records that decided, their numbers beside them."""

from __future__ import annotations

from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from edgebench import files
from edgebench.analysis.report_reading import paths, read
from edgebench.claims import drawing, judging, records, suite
from edgebench.report import claim_plots, folder
from edgebench.report.plots import drawn, style

if TYPE_CHECKING:
    from pathlib import Path

    from edgebench.claims import Evidence
    from tests.conftest import Edgebench

CLAIMS = {claim.id: claim for claim in suite.claims()}


def made(claim: str) -> Evidence:
    maker: Any = import_module(f"tests.claims.{claim.replace('-', '_')}")
    evidence: Evidence = maker.made("supported")
    return evidence


@pytest.mark.parametrize("name", CLAIMS)
def test_whatever_a_claim_draws_has_numbers(name: str) -> None:
    plot = claim_plots.drawn_from(CLAIMS[name], made(name))

    assert bool(plot.numbers) != bool(plot.why_not)
    assert all(len(row) == len(drawn.COLUMNS) for row in plot.numbers)
    if plot.draw:
        picture = style.svg(plot)
        assert "mathdefault" not in picture, "numbers on axes, not formulas"
        assert picture == style.svg(claim_plots.drawn_from(CLAIMS[name], made(name)))


def test_numbers_name_their_panel_and_series() -> None:
    rows = claim_plots.drawn_from(CLAIMS["isa-speedup"], made("isa-speedup")).numbers

    assert {row[0] for row in rows} == {"Q4_0", "Q8_0"}
    assert {row[1] for row in rows} == {"prefill", "decode"}


def test_numbers_are_those_of_the_picture() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.set_title("panel")
    axes.set_xlabel("tok/s")
    axes.barh(["fast", "slow"], [20.0, 5.0], xerr=[[2.0, 1.0], [3.0, 1.5]])
    points = figure.add_subplot()
    points.errorbar([0, 1], [1.0, 2.0], yerr=[[0.1, 0.2], [0.3, 0.4]], label="decode")
    points.set_xticks([0, 1], ["sse42", "avx2"])
    points.set_ylabel("log2")

    assert drawn.numbers(figure) == (
        ("panel", "", "fast", 20.0, 18.0, 23.0, "tok/s"),
        ("panel", "", "slow", 5.0, 4.0, 6.5, "tok/s"),
        ("", "decode", "sse42", 1.0, 0.9, 1.3, "log2"),
        ("", "decode", "avx2", 2.0, 1.8, 2.4, "log2"),
    )


def test_names_of_points_that_lie_together_do_not_overlap() -> None:
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

    axes = Figure().subplots()
    axes.scatter([1, 1, 1, 9], [1.0, 1.001, 1.002, 2.0])
    drawing.names(axes, [("a", 1, 1.0), ("b", 1, 1.001), ("c", 1, 1.002), ("d", 9, 2.0)])

    placed = {each.get_text(): each.xy for each in axes.texts if isinstance(each, Annotation)}
    heights = [placed[name][1] for name in "abc"]
    assert min(b - a for a, b in pairwise(heights)) >= drawing.NAME_HEIGHT - 1e-9
    assert placed["d"] == pytest.approx((1 - placed["a"][0], 1 - placed["a"][1]))


def test_a_claims_plot_from_the_command_line(edgebench: Edgebench, tmp_path: Path) -> None:
    for number, result in enumerate(made("isa-speedup").results):
        (tmp_path / f"r{number}.json").write_text(files.to_json(result))

    done = edgebench("plot", "claim-isa-speedup", ".", "-o", "x.csv")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "x.csv").read_text().startswith("panel,series,x,y,low,high,y is\nQ4_0,")


def test_the_page_draws_from_the_records_that_the_verdict_names(tmp_path: Path) -> None:
    evidence = made("isa-speedup")
    for number, result in enumerate(evidence.results):
        (tmp_path / f"r{number}.json").write_text(files.to_json(result))
    given = records.read([tmp_path])
    verdicts = judging.judge([CLAIMS["isa-speedup"]], given)
    (tmp_path / "verdicts.json").write_text(files.to_json(verdicts))

    found = read([tmp_path])
    text = folder.html(found, "Ours", lambda _: None, paths=paths([tmp_path]))["index.html"]
    assert isinstance(text, str)
    figure = text[text.index('<figure id="claim-isa-speedup"') :]
    assert "Drawn from the" in figure
    assert "<summary>Numbers</summary>" in figure

    (plot,) = claim_plots.plots([], found.claims)
    assert plot.why_not == claim_plots.NO_RECORDS

"""docs/claims.md says what the committed records say, and shows strangers' words as words."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from edgebench.claims import Evidence, drawing, judging, records, suite
from edgebench.report.claims_page import page
from tests.claims.makers import X86, Effect, file, record, speeds

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/claims.md"
REMEDY = "run: edgebench claims report results -o docs/claims.md"
CLAIMS = {claim.id: claim for claim in suite.claims()}
EFFECTS: tuple[Effect, ...] = ("supported", "refuted", "astride")


def test_the_page_is_that_of_the_committed_records() -> None:
    given = records.read([ROOT / "results"])
    made = page(judging.judge(suite.claims(), given), given, PAGE.stem)

    assert PAGE.read_text(encoding="utf-8") == made.text, REMEDY
    plots = {path.name for path in PAGE.with_suffix("").glob("*.svg")}
    assert plots == set(made.plots), REMEDY


def test_the_whole_suite_is_on_the_page_in_order() -> None:
    assert tuple(CLAIMS) == suite.ORDER
    heads = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:3] == "## "]
    named = [line[3:].partition(":")[0] for line in heads]
    assert [name for name in named if name in CLAIMS] == list(suite.ORDER)


@pytest.mark.parametrize("name", CLAIMS)
def test_plots_are_drawn_or_say_why_not_and_are_the_same_again(name: str) -> None:
    maker = import_module(f"tests.claims.{name.replace('-', '_')}")
    for effect in EFFECTS:
        evidence = maker.made(effect)
        drawn, why = drawing.svg(CLAIMS[name], evidence)
        assert bool(drawn) != bool(why)
        assert (drawn, why) == drawing.svg(CLAIMS[name], evidence)
        assert drawn is None or drawn.startswith("<?xml")


def test_a_strangers_device_is_shown_as_text() -> None:
    weights = file()
    device = X86.model_copy(update={"id": "<script>|x"})
    cell = speeds(weights, "tg32", 10.0)
    found = records.Records(
        Evidence((record([weights], cell, device=device),), ()), {"0123abcd": "a.json"}
    )
    text = page(judging.judge(suite.claims(), found), found, "claims").text

    assert "<script>" not in text
    assert r"&lt;script&gt;\|x" in text

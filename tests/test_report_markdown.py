"""The report in Markdown, with its pictures and their numbers beside it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from edgebench.analysis.report_reading import read
from edgebench.errors import BadInput
from edgebench.report import folder
from tests import report_maker as maker

if TYPE_CHECKING:
    from pathlib import Path


def test_hostile_strings_are_text_in_markdown(tmp_path: Path) -> None:
    maker.write(tmp_path, "a.json", maker.hostile())

    text = folder.markdown(read([tmp_path]), "<b>title", lambda _: None)["report.md"]

    assert isinstance(text, str)
    assert "<script" not in text
    assert "<img" not in text
    assert "<b>" not in text
    assert "\x1b" not in text
    table = [line for line in text.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} <= {15, 14, 9, 7}


def test_markdown_shows_pictures_that_lie_beside_it(tmp_path: Path) -> None:
    made = folder.markdown(maker.collection(tmp_path), "Ours", lambda _: None)

    text = made["report.md"]
    assert isinstance(text, str)
    named = set(re.findall(r"!\[[^]]*\]\(([^)]*)\)", text))
    assert named == {name for name in made if name.endswith(".svg")}
    assert named >= {"ladder.svg", "energy.svg"}
    assert "edgebench run --sustain" in text


def test_a_markdown_page_of_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    found = maker.collection(tmp_path / "records")
    (tmp_path / folder.PAGE).write_text("# My own report")
    with pytest.raises(BadInput, match="was not made by"):
        folder.check(tmp_path, folder.PAGE)
    page = folder.markdown(found, "again", lambda _: None)[folder.PAGE]
    (tmp_path / folder.PAGE).write_text(str(page))
    folder.check(tmp_path, folder.PAGE)


def test_markdown_says_all_that_was_left_out(tmp_path: Path) -> None:
    found = maker.collection(tmp_path / "records")._replace(experiments=3, older=2)

    page = str(folder.markdown(found, "mine", lambda _: None)[folder.PAGE])

    assert "3 records of experiments: edgebench claims reads them." in page
    assert "2 older results" in page


def test_every_picture_in_markdown_has_its_numbers_beside_it(tmp_path: Path) -> None:
    made = folder.markdown(maker.collection(tmp_path / "records"), "mine", lambda _: None)

    pictures = {name.removesuffix(".svg") for name in made if name.endswith(".svg")}
    assert pictures == {name.removesuffix(".csv") for name in made if name.endswith(".csv")}
    page = str(made[folder.PAGE])
    assert all(f"[Numbers]({name}.csv)" in page for name in pictures)


def test_an_interval_in_markdown_has_one_pair_of_brackets(tmp_path: Path) -> None:
    found = maker.collection(tmp_path / "records")

    page = str(folder.markdown(found, "mine", lambda _: None)[folder.PAGE])

    assert re.search(r"\| [\d.]+ \([\d.]+ - [\d.]+, n=\d+\) \|", page)
    assert "((" not in page

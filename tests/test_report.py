"""The report's page: all in one file, and what strangers' strings do in it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from edgebench.analysis.report_reading import Collection, Judged, read
from edgebench.errors import BadInput
from edgebench.report import folder
from edgebench.report.site import claims, tables
from tests import report_maker as maker

if TYPE_CHECKING:
    from pathlib import Path


MEBIBYTE = 2**20


class Page(HTMLParser):
    """Tags with their attributes, and the text of each table's fields."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(found: Collection) -> str:
    text = folder.html(found, "A title", lambda _: None)["index.html"]
    assert isinstance(text, str)
    return text


def test_the_page_holds_everything_and_asks_for_nothing(tmp_path: Path) -> None:
    found = maker.collection(tmp_path)

    text = page_of(found)

    page = Page(text)
    (policy,) = [each["content"] or "" for each in page.named("meta") if "http-equiv" in each]
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy
    addresses = [value or "" for _, attributes in page.tags for name, value in attributes.items()
                 if name in ("src", "href", "action", "srcset")]  # fmt: skip
    assert all(each.startswith(("data:", "#")) for each in addresses)
    assert not any(name.startswith("on") or name == "style" for _, a in page.tags for name in a)
    assert len(page.named("tr")) > len(found.cells)
    assert {"A title", "smaller-is-faster", "supported", "board-4cpu"} <= set(page.words)
    assert page_of(found) == text


def judged(claim_id: str, device: str | None) -> Judged:
    (reading,) = maker.verdicts().readings
    (verdict,) = reading.verdicts
    return Judged(device, verdict.model_copy(update={"claim_id": claim_id}))


def test_claims_stand_by_weight_and_what_a_device_showed_before_all_together() -> None:
    given = [
        judged("sensor-light", None),
        judged("isa-speedup", None),
        judged("isa-speedup", "board-4cpu"),
        judged("no-claim-of-ours", "board-4cpu"),
    ]

    table = claims.table(given)

    shown = [(row[0].text, row[3].text) for row in table.rows]
    assert shown == [
        ("isa-speedup", "board-4cpu"),
        ("isa-speedup", "all together"),
        ("sensor-light", "all together"),
        ("no-claim-of-ours", "board-4cpu"),
    ]
    assert [each.name for each in table.filters] == ["claim", "device"]


def test_every_section_is_linked_and_every_plot_has_its_numbers(tmp_path: Path) -> None:
    page = Page(page_of(maker.collection(tmp_path)))

    ids = {attributes.get("id") for _, attributes in page.tags}
    linked = {(each["href"] or "")[1:] for each in page.named("a")}
    assert linked == {"plots", "claims", "cells", "devices", "models"}
    assert linked <= ids
    figures = page.named("figure")
    assert len(figures) == len(page.named("details")) == len(page.named("img")) == 6
    assert "sustained" in ids


def test_hostile_strings_are_text_in_the_page(tmp_path: Path) -> None:
    maker.write(tmp_path, "a.json", maker.hostile())
    found = read([tmp_path])

    text = page_of(found)

    page = Page(text)
    assert len(page.named("script")) == len(page.named("style")) == 1
    pictures = [each["src"] for each in page.named("img") if each["src"]]
    assert pictures
    assert all(source.startswith("data:image/svg+xml,") for source in pictures)
    assert not any("onerror" in attributes for _, attributes in page.tags)
    for character in "\x00\x1b\u202e\u2066":
        assert character not in text
    assert "x" * 1000 not in text
    assert "模型" in text
    assert len(text) < MEBIBYTE


def test_two_thousand_cells_fit_into_three_mebibytes(tmp_path: Path) -> None:
    """Size is no speed: it is the same on every machine."""
    maker.write(tmp_path, "a.json", maker.record())
    found = read([tmp_path])
    assert len(found.cells) == 24
    cells = tuple(
        row._replace(device=f"some-vendor-board-{number}-8cpu", cell_id=f"{number:012x}")
        for number in range(84)
        for row in found.cells
    )
    devices = tuple(
        found.devices[0]._replace(id=f"some-vendor-board-{number}-8cpu") for number in range(84)
    )

    text = page_of(found._replace(cells=cells, devices=devices))

    assert len(cells) >= 2000
    assert len(text.encode()) <= 3 * MEBIBYTE


def test_a_table_too_long_to_read_says_how_much_it_shows(tmp_path: Path) -> None:
    maker.write(tmp_path, "a.json", maker.record(isas=("armv8.0_1",)))
    cells = read([tmp_path]).cells

    whole = tables.cells(cells * (tables.MOST_ROWS // len(cells)))
    cut = tables.cells(cells * (tables.MOST_ROWS // len(cells) + 1))

    assert len(whole.rows) == len(cut.rows) == tables.MOST_ROWS
    assert "of 5000 cells" not in whole.words
    assert "the first 5000 of 5008 cells" in cut.words


def test_a_page_of_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(BadInput, match="was not made by"):
        folder.check(tmp_path)
    (tmp_path / "index.html").write_text(page_of(maker.collection(tmp_path / "records")))
    folder.check(tmp_path)


def test_a_path_that_is_not_there_is_an_error_and_not_left_out(tmp_path: Path) -> None:
    maker.write(tmp_path, "a.json", maker.record())
    with pytest.raises(BadInput, match="gone: there is no such file or folder"):
        read([tmp_path, tmp_path / "gone"])


def test_experiments_without_verdicts_say_how_to_see_the_claims(tmp_path: Path) -> None:
    maker.write(tmp_path, "a.json", maker.record())
    found = read([tmp_path])._replace(experiments=3)

    page = page_of(found)

    assert "edgebench claims judge RESULTS -o verdicts.json" in page
    assert "edgebench report RESULTS verdicts.json" in page

"""The report: pages and files, what strangers' strings do in them, and the two verbs."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from edgebench.analysis.report_reading import Collection, Judged, read
from edgebench.errors import BadInput
from edgebench.report import claims as claims_text
from edgebench.report import folder
from edgebench.report.site import claims, tables
from tests import report_maker as maker

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Edgebench

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


def collection(tmp_path: Path) -> Collection:
    maker.write(tmp_path, "a.json", maker.record())
    maker.write(tmp_path, "b.json", maker.record("other"))
    maker.write(tmp_path, "emulated.json", maker.emulated())
    maker.write(tmp_path, "claims.json", maker.verdicts())
    return read([tmp_path])


def page_of(found: Collection) -> str:
    text = folder.html(found, "A title", lambda _: None)["index.html"]
    assert isinstance(text, str)
    return text


def test_the_page_holds_everything_and_asks_for_nothing(tmp_path: Path) -> None:
    found = collection(tmp_path)

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


def test_endpoints_that_say_the_same_share_a_line_with_their_names() -> None:
    found = maker.verdicts()
    (verdict,) = found.readings[0].verdicts
    (first,) = verdict.endpoints
    endpoints = (first, first.model_copy(update={"name": "other"}))
    twice = verdict.model_copy(update={"endpoints": endpoints})
    reading = found.readings[0].model_copy(update={"verdicts": (twice,)})

    text = claims_text.text(found.model_copy(update={"readings": (reading,)}))

    assert "  smaller-is-faster ratio, other: Every block is beyond the margin.\n" in text


def test_every_section_is_linked_and_every_plot_has_its_numbers(tmp_path: Path) -> None:
    page = Page(page_of(collection(tmp_path)))

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
    assert all(each["src"].startswith("data:image/svg+xml,") for each in page.named("img")
               if each["src"])  # fmt: skip
    assert not any("onerror" in attributes for _, attributes in page.tags)
    for character in "\x00\x1b\u202e\u2066":
        assert character not in text
    assert "x" * 1000 not in text
    assert "模型" in text
    assert len(text) < MEBIBYTE


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
    made = folder.markdown(collection(tmp_path), "Ours", lambda _: None)

    text = made["report.md"]
    assert isinstance(text, str)
    named = set(re.findall(r"!\[[^]]*\]\(([^)]*)\)", text))
    assert named == {name for name in made if name.endswith(".svg")}
    assert named >= {"ladder.svg", "energy.svg"}
    assert "edgebench run --sustain" in text


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


def test_the_verb_writes_a_site_and_names_what_it_refused(
    edgebench: Edgebench, tmp_path: Path
) -> None:
    maker.write(tmp_path, "results/a.json", maker.record())
    (tmp_path / "results/bad.json").write_text("nothing")

    done = edgebench("report", "results", "-o", "site", "--title", "Boards & more")
    again = edgebench(
        "report", "results", "-o", "site", "--device", "board", "--records-url", "../results"
    )

    assert done.returncode == again.returncode == 0, done.stderr
    assert "refused  bad.json: not valid JSON" in done.stderr
    assert "wrote    site/index.html" in done.stderr
    text = (tmp_path / "site/index.html").read_text()
    assert "bad.json: not valid JSON" in text
    assert '<a href="../results/a.json">a.json</a>' in text


def test_the_verb_writes_markdown(edgebench: Edgebench, tmp_path: Path) -> None:
    maker.write(tmp_path, "a.json", maker.record())

    done = edgebench("report", "a.json", "-o", "out", "--format", "md")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/report.md").read_text().startswith("# edgebench report\n")
    assert (tmp_path / "out/ladder.svg").exists()


@pytest.mark.parametrize("suffix", [".svg", ".png", ".csv"])
def test_the_verb_for_one_plot(edgebench: Edgebench, tmp_path: Path, suffix: str) -> None:
    maker.write(tmp_path, "a.json", maker.record())

    done = edgebench("plot", "ladder", "a.json", "-o", f"ladder{suffix}", "--workload", "tg4")

    assert done.returncode == 0, done.stderr
    begin = {".svg": b"<?xml", ".png": b"\x89PNG", ".csv": b"device,model"}
    assert (tmp_path / f"ladder{suffix}").read_bytes().startswith(begin[suffix])


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ("plot ladder a.json -o x.pdf", 2, "ends in .svg, .png, .csv"),
        ("plot sustained a.json -o x.svg", 2, "There is nothing to draw. No record holds"),
        ("plot ladder a.json -o x.svg --device pi", 4, "No device named 'pi'"),
        ("plot ladder none.json -o x.svg", 2, "none.json"),
        ("plot ladr a.json -o x.svg", 4, "Did you mean 'ladder'?"),
        ("plot claim-nosuch a.json -o x.svg", 4, "No claim named 'nosuch'"),
        ("plot claim-isa-speedup a.json -o x.svg --isa x", 2, "A claim chooses its cells"),
        ("plot claim-gpu-generation a.json -o x.svg", 2, "edgebench: Nothing to draw: it takes"),
        ("report a.json -o a.json", 2, "a.json is a file"),
        ("report a.json -o mine", 2, "was not made by edgebench report"),
        ("report empty -o site", 2, "There is no record here"),
        ("report a.json --records-url javascript:alert(1)", 2, "is no address of records"),
    ],
)
def test_a_mistake_is_one_sentence(
    edgebench: Edgebench, tmp_path: Path, arguments: str, code: int, sentence: str
) -> None:
    maker.write(tmp_path, "a.json", maker.record(isas=("armv8.0_1",)))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/index.html").write_text("<html>my own page</html>")
    (tmp_path / "empty").mkdir()

    done = edgebench(*arguments.split())

    assert done.returncode == code, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "mine/index.html").read_text() == "<html>my own page</html>"


def test_a_page_of_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(BadInput, match="was not made by"):
        folder.check(tmp_path)
    (tmp_path / "index.html").write_text(page_of(collection(tmp_path / "records")))
    folder.check(tmp_path)


def test_a_markdown_page_of_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    found = collection(tmp_path / "records")
    (tmp_path / folder.PAGE).write_text("# My own report")
    with pytest.raises(BadInput, match="was not made by"):
        folder.check(tmp_path, folder.PAGE)
    page = folder.markdown(found, "again", lambda _: None)[folder.PAGE]
    (tmp_path / folder.PAGE).write_text(str(page))
    folder.check(tmp_path, folder.PAGE)


def test_markdown_says_all_that_was_left_out(tmp_path: Path) -> None:
    found = collection(tmp_path / "records")._replace(experiments=3, older=2)

    page = str(folder.markdown(found, "mine", lambda _: None)[folder.PAGE])

    assert "3 records of experiments: edgebench claims reads them." in page
    assert "2 older results" in page


def test_a_path_that_is_not_there_is_an_error_and_not_left_out(tmp_path: Path) -> None:
    maker.write(tmp_path, "a.json", maker.record())
    with pytest.raises(BadInput, match="gone: there is no such file or folder"):
        read([tmp_path, tmp_path / "gone"])


def test_every_picture_in_markdown_has_its_numbers_beside_it(tmp_path: Path) -> None:
    made = folder.markdown(collection(tmp_path / "records"), "mine", lambda _: None)

    pictures = {name.removesuffix(".svg") for name in made if name.endswith(".svg")}
    assert pictures == {name.removesuffix(".csv") for name in made if name.endswith(".csv")}
    page = str(made[folder.PAGE])
    assert all(f"[Numbers]({name}.csv)" in page for name in pictures)


def test_an_interval_in_markdown_has_one_pair_of_brackets(tmp_path: Path) -> None:
    found = collection(tmp_path / "records")

    page = str(folder.markdown(found, "mine", lambda _: None)[folder.PAGE])

    assert re.search(r"\| [\d.]+ \([\d.]+ - [\d.]+, n=\d+\) \|", page)
    assert "((" not in page


def test_experiments_without_verdicts_say_how_to_see_the_claims(tmp_path: Path) -> None:
    maker.write(tmp_path, "a.json", maker.record())
    found = read([tmp_path])._replace(experiments=3)

    page = page_of(found)

    assert "edgebench claims judge RESULTS -o verdicts.json" in page
    assert "edgebench report RESULTS verdicts.json" in page


def test_where_the_extra_is_missing_a_sentence_says_how_to_get_it(tmp_path: Path) -> None:
    path = maker.write(tmp_path, "a.json", maker.record())
    program = (
        "import sys\n"
        "sys.modules['matplotlib'] = sys.modules['jinja2'] = None\n"
        f"sys.argv = ['edgebench', *{{}}, {str(path)!r}, '-o', {str(tmp_path / 'x.svg')!r}]\n"
        "from edgebench.__main__ import main\n"
        "main()\n"
    )
    for verb in (["report"], ["plot", "memory"]):
        done = subprocess.run(
            [sys.executable, "-c", program.format(verb)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 8, done.stderr
        assert "pip install 'edgebench[report]'" in done.stderr


def test_help_needs_none_of_it() -> None:
    program = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from edgebench.cli.verbs import app\n"
        "for verb in ('report', 'plot'):\n"
        "    assert 'Example: edgebench' in CliRunner().invoke(app, [verb, '--help']).output\n"
        "print([m for m in ('matplotlib', 'jinja2', 'numpy', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                          check=True)  # fmt: skip
    assert done.stdout.strip() == "[]"

"""What GitHub is given to render."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from edgebench import files
from edgebench.printable import clean
from edgebench.report import details, dispatched, markdown, table
from edgebench.report.escape import markdown as escape
from edgebench.schema.cell import Skipped
from edgebench.schema.result import CellResult
from tests.conftest import golden
from tests.results_maker import FILE, cell, decode_launches, note, result, verification

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Edgebench

HOSTILE = (
    "a|b", "`x`", "<img src=x onerror=alert(1)>", "&lt;", "two\nlines", "\r\n| a | b |", "*x*",
    "_x_", "[x](http://x.example)", "![x](y)", "~~x~~", "$x$", "\\|", "\\", "trailing\\",
    "http://x.example", "www.x.example", "<!--", "@someone", "#1", "GH-1", "\x1b[31m", "\u202ex",
)  # fmt: skip
# GitHub's own parser agrees with this one on tables; linkify is tried by the strings themselves.
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def test_the_same_cells_and_notes_as_the_table() -> None:
    made = result(
        CellResult(cell=cell("tg4"), verification=verification(),
                   launches=decode_launches(10, 10.1)),
        CellResult(cell=cell("tg4", threads=2), launches=decode_launches(10, 10),
                   verification=verification("failed", "Mean KL 0.3 is above 0.02.")),
        skipped=(Skipped(file="a" * 64, backend="llama.cpp", isa="armv8.6_1", threads=4,
                         workload="tg4", reason="This CPU cannot run armv8.6_1: it lacks an "
                         "instruction set."),),
        warnings=(note("busy", "Load average was 3.0 on 4 CPUs at the start."),),
    )  # fmt: skip
    shown = markdown.render(made)

    golden("markdown.md", shown)
    both = markdown.render(made, details=True)
    assert both.startswith(shown)
    more = [details.rows(made), dispatched.rows(made)]
    assert len(both.splitlines()) == len(shown.splitlines()) + sum(1 + 2 + len(r) for r in more)
    assert shown.count("\n- **") == len(list(table.footnotes(made)))


def texts(document: str) -> list[str]:
    """The text of every inline part, as a reader sees it; nothing but text may be in it."""
    parts = [token for token in READER.parse(document) if token.type == "inline"]
    for part in parts:
        assert {child.type for child in part.children or ()} <= {"text"}, part.content
    return ["".join(child.content for child in part.children or ()) for part in parts]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_string_is_text_in_one_cell(hostile: str) -> None:
    document = markdown.grid(["a", "b", "c"], [["x", hostile, "y"], ["x", "y", hostile]])

    assert len(document.splitlines()) == 4
    seen = texts(document)
    assert len(seen) == 9
    assert seen[4].replace("\u200b", "") == clean(hostile).strip(" ")
    assert seen[8] == seen[4]


@given(st.text())
def test_any_string_stays_in_its_cell(text: str) -> None:
    first, middle, last = texts(markdown.grid(["a", "b", "c"], [["x", text, "y"]]))[3:]

    assert (first, last) == ("x", "y")
    assert middle.replace("\u200b", "") == clean(text).strip(" ")


def test_nobody_is_notified_and_nothing_is_linked() -> None:
    for text in ("@someone", "#1", "GH-1", "http://x.example", "www.x.example", "a@x.example"):
        plain = texts(f"- {escape(text)}")[0]
        assert text not in plain
        assert plain.replace("\u200b", "") == text


def test_a_hostile_record_is_one_table() -> None:
    nasty = "".join(HOSTILE)
    file = FILE.model_copy(update={"model": nasty})
    made = result(
        CellResult(cell=cell(), verification=verification(), launches=()),
        files=(file,),
        warnings=(note("busy", nasty),),
    )

    document = markdown.render(made, details=True)

    tokens = [token.type for token in READER.parse(document)]
    assert tokens.count("table_open") == 2
    assert not {"html_block", "fence", "heading_open", "code_block"} & set(tokens)
    assert tokens.count("list_item_open") == len(list(table.footnotes(made)))


def test_show_prints_records_in_the_format_asked_for(edgebench: Edgebench, tmp_path: Path) -> None:
    made = result(CellResult(cell=cell(), verification=verification(), launches=()))
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(files.to_json(made))

    one = edgebench("show", "a.json", "--format", "markdown").stdout
    both = edgebench("show", "a.json", "b.json", "--format", "markdown").stdout

    assert one == markdown.render(made)
    assert both == f"{one}\n{one}"
    assert edgebench("show", "a.json", "--format", "json").stdout == files.to_json(made)
    assert edgebench("show", "a.json", "--format", "odt").returncode == 2

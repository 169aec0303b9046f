"""What docs/interchange.md and docs/query.md show is run, on files that they only imagine."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edgebench.analysis.index import tables
from tests import shell_lines
from tests.interchange.makers import DATA

if TYPE_CHECKING:
    from tests.conftest import Edgebench

ROOT = Path(__file__).parent.parent.parent
PAGES = ("interchange.md", "query.md")


def commands(page: str) -> list[tuple[str, ...]]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [tuple(words) for block in blocks for words in shell_lines.commands_in(block)]


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_work_in_their_order(
    page: str, edgebench: Edgebench, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "results" / "amd-epyc-25-17-2cpu", tmp_path / "results" / "my-board")
    shutil.copy(DATA / "llama-bench.json", tmp_path / "llama-bench.json")
    rows = json.loads((DATA / "llama-bench.json").read_text())
    for number in (1, 2, 3):
        slower = [row | {"samples_ns": [ns + number for ns in row["samples_ns"]]} for row in rows]
        (tmp_path / f"run{number}.json").write_text(json.dumps(slower))

    assert len(commands(page)) >= 2
    for words in commands(page):
        done = edgebench(*words)
        assert done.returncode == 0, (words, done.stderr)


def test_every_column_is_documented() -> None:
    text = (ROOT / "docs" / "query.md").read_text(encoding="utf-8")
    for table in tables.PUBLIC[1:]:
        for column in tables.TABLES[table]:
            assert f"`{column.removesuffix('_low').removesuffix('_high')}`" in text, column

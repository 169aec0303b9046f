"""Keep what the documentation shows of a file equal to the file.

A line ``File: `examples/x.py` `` is followed by a fenced block: that block is the file. Run as
`python -m scripts.shown_files`, this writes the blocks anew; a test holds them.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^(File: `([^`]+)`\n\n```(\w+)\n)(.*?)(^```$)", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """Every page that may show a file."""
    return sorted((ROOT / "docs").rglob("*.md"))


def filled(page: str) -> str:
    """The text of a page with its blocks as the files are now."""
    return BLOCK.sub(lambda found: f"{found[1]}{_content(found[2])}{found[5]}", page)


def named(page: str) -> list[str]:
    """The files that a page shows."""
    return [found[1] for found in BLOCK.findall(page)]


def _content(name: str) -> str:
    return f"{(ROOT / name).read_text(encoding='utf-8').rstrip()}\n"


if __name__ == "__main__":
    for path in pages():
        text = path.read_text(encoding="utf-8")
        if filled(text) != text:
            path.write_text(filled(text), encoding="utf-8")
            print(path)

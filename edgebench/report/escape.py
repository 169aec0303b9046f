"""Text from strangers, made fit for a markdown document that GitHub renders, and for CSV."""

from __future__ import annotations

import re

from edgebench.printable import clean

HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
PUNCTUATION = re.compile(r"[\\`*_\[\]|~$]")
# GitHub links these after markdown was read, so a backslash does not keep them from notifying
# people or sending readers elsewhere; an invisible space within them does.
LINKED = re.compile(r"@|#(?=\d)|\bGH-(?=\d)|\bwww(?=\.)|(?<=[A-Za-z])(?=://)", re.IGNORECASE)
ZERO_WIDTH_SPACE = "&#8203;"
# What a spreadsheet would take for the start of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def markdown(text: str) -> str:
    """`text` as one line that shows as it is written, in a table's cell or behind a list's mark.

    Pipes, markup, HTML, mathematics, links and mentions are plain text in it; control characters
    and line ends are replaced. What only means something at the start of a line is left alone, so
    never put it there.
    """
    plain = PUNCTUATION.sub(r"\\\g<0>", clean(text).translate(HTML))
    return LINKED.sub(rf"\g<0>{ZERO_WIDTH_SPACE}", plain)


def spreadsheet(value: object) -> object:
    """Text that no spreadsheet runs as a formula; numbers as they are."""
    if not isinstance(value, str):
        return value
    plain = clean(value)
    return f"'{plain}" if plain.startswith(FORMULA) else plain

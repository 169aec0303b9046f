"""Text from strangers, made fit for a terminal."""

from __future__ import annotations


def clean(text: str) -> str:
    """Without control characters: terminals obey some, and a record is a stranger's data."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)

"""`edgebench hardware detect` without a parser, for programs that ask it often.

Reading the machine takes 5 ms of CPU time, importing what parses a command line and what checks
a record 100 ms. Words other than exactly these go to the parser, which answers the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from edgebench.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgebench.schema.device import Device

WORDS = ["hardware", "detect"]
JSON = "--json"


def answer(arguments: Sequence[str]) -> str | None:
    """What is to be printed, or None where the words are others."""
    words, options = list(arguments[:2]), list(arguments[2:])
    if words != WORDS or options not in ([], [JSON]):
        return None
    try:
        return document() if options else text()
    except KeyboardInterrupt:
        raise Interrupted("Interrupted.", "Nothing was written.") from None


def document() -> str:
    """What this machine is, as JSON, with its line's end."""
    from edgebench.machine import device, found

    return found.to_json(device.find()) + "\n"


def text() -> str:
    """The same as lines for a terminal."""
    from edgebench.machine import device, threads
    from edgebench.report.device import render

    # Unchecked against the schema, it has the same fields, which a test holds.
    found = cast("Device", device.find())
    return render(found, threads.default_threads(found).why)

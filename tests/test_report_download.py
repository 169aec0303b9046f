from __future__ import annotations

import io
from typing import TYPE_CHECKING

from edgebench.report.download import Bar, Lines, transfer_progress

if TYPE_CHECKING:
    from edgebench.models.progress import Progress


def test_a_log_gets_a_line_every_few_seconds_at_most() -> None:
    log, now = io.StringIO(), 0.0
    lines: Progress = Lines(log, clock=lambda: now)
    lines.start("tiny.gguf", 100_000_000, 0)
    for second in range(12):
        now = float(second)
        lines.advance(1_000_000)
    lines.note("trying again")
    lines.finish()
    assert log.getvalue().splitlines() == [
        "tiny.gguf: 0 bytes of 100.0 MB",
        "tiny.gguf: 6.0 MB of 100.0 MB",
        "tiny.gguf: 11.0 MB of 100.0 MB",
        "trying again",
        "tiny.gguf: 12.0 MB of 100.0 MB",
    ]


def test_an_unknown_size_is_not_guessed() -> None:
    log = io.StringIO()
    lines = Lines(log)
    lines.start("tiny.gguf", None, 500)
    assert log.getvalue() == "tiny.gguf: 500 bytes\n"


def test_a_terminal_gets_a_bar_and_markup_in_names_is_shown_as_it_is() -> None:
    terminal = io.StringIO()
    bar: Progress = Bar(terminal, force_terminal=True)
    bar.start("[red]tiny.gguf", 2_000_000, 1_000_000)
    bar.advance(1_000_000)
    bar.note("[b]trying again")
    bar.finish()
    shown = terminal.getvalue()
    assert "[red]tiny.gguf" in shown
    assert "2.0/2.0 MB" in shown
    assert "[b]trying again" in shown


def test_what_is_shown_suits_the_stream() -> None:
    assert isinstance(transfer_progress(io.StringIO()), Lines)

"""Write docs/reference/: every command, option, error, metric and field, from the code itself.

Descriptions are the code's own: help texts, docstrings, descriptions of fields; what a type's
docstring does not say of a field stands in docs/reference/fields.yaml. Tests hold the pages
current and complete.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from typer.main import get_command

from edgebench import errors
from edgebench.analysis import metrics
from edgebench.cli.verbs import app
from edgebench.report import table
from edgebench.report.comparison_figures import NAMES
from edgebench.schema.comparison import DeviceRow, Metric
from edgebench.schema.summary import CellSummary
from scripts import reference_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
MADE = "<!-- Made by scripts/reference.py. -->\n\n"
VERDICTS = (
    (0, "", "Done. A cell that failed is data, unless `--strict` was given."),
    (1, "", "`gate`: fail."),
    (3, "", "`gate`: inconclusive."),
    (141, "", "The reader of a pipe went away."),
)
TREE = re.compile(r"[├└]── (\w+) +(\d+)  (.+)")


def command_pages() -> str:
    """cli.md: usage, help, arguments and options of every command."""
    root: Any = get_command(app)
    parts = [f"{MADE}# Commands\n\nExit codes: [errors](errors.md). Every command has `--help`.\n"]
    parts += [_command_text(words, command) for words, command in commands(root)]
    return "\n".join(parts)


def commands(command: Any, words: tuple[str, ...] = ("edgebench",)) -> Iterator[tuple[str, Any]]:
    """Every command below this one that does something, with its words."""
    yield " ".join(words), command
    for name, each in getattr(command, "commands", {}).items():
        yield from commands(each, (*words, name))


def _command_text(words: str, command: Any) -> str:
    help_text = inspect.cleandoc(command.help or "")
    told, _, example = help_text.partition("Example: ")
    shown = f"```sh\n{' '.join(example.split())}\n```\n" if example else ""
    rows = [row for each in command.params if (row := _parameter_row(each))]
    listed = grid(("argument or option", "meaning", "default"), rows) if rows else ""
    return f"## {words}\n\n{' '.join(told.split())}\n\n{shown}\n{listed}"


def _parameter_row(each: Any) -> tuple[str, str, str] | None:
    if each.name == "help":
        return None
    if each.param_type_name == "argument":
        return f"`{text(each.metavar or each.name.upper())}`", text(each.help), ""
    names = ", ".join(f"`{name}`" for name in (*each.opts, *each.secondary_opts))
    return names, text(each.help), _default(each)


def _default(each: Any) -> str:
    value = getattr(each.default, "value", each.default)
    if value is None or value in ("", ()) or callable(value):
        return ""
    if isinstance(value, bool):
        return "" if not each.secondary_opts else "on" if value else "off"
    return f"`{value}`"


def error_page() -> str:
    """errors.md: each class of error, its exit code, and what it means."""
    rows = [(str(code), f"`{name}`", meaning) for name, code, meaning in error_classes()]
    rows += [(str(code), name, meaning) for code, name, meaning in VERDICTS]
    listed = grid(("exit code", "class", "meaning"), sorted(rows, key=lambda row: int(row[0])))
    return (
        f"{MADE}# Errors and exit codes\n\nAn error is one sentence that says what is wrong and "
        "one that says what to do, on standard error. From Python, all of them are subclasses of "
        f"`edgebench.errors.EdgebenchError`.\n\n{listed}"
    )


def error_classes() -> list[tuple[str, int, str]]:
    """Name, code and meaning of each, as the module's docstring has them."""
    found = TREE.findall(errors.__doc__ or "")
    return [(name, int(code), f"{capital(meaning.strip())}.") for name, code, meaning in found]


def metric_page() -> str:
    """metrics.md: figures of a cell, columns of tables, what is compared."""
    figures = [(f"`{name}`", meaning) for name, meaning in summary_fields().items()]
    columns = [(name, meaning) for name, meaning in table.MEANING.items()]
    compared = [(f"`{name}`", NAMES[name]) for name in get_args(Metric)]
    per = [
        (f"`{name}`", reference_fields.meaning(DeviceRow, name) or "")
        for name in DeviceRow.model_fields
        if name.startswith("per_")
    ]
    return (
        f"{MADE}# Metrics\n\nWhere the clock is read is in [method](../method.md). A figure that "
        "was not measured is `null`, and `-` in a table.\n\n"
        f"## Figures of a cell\n\nFields of a record's `summary`.\n\n{grid(FIGURE, figures)}\n"
        f"## Columns of the table\n\nWhat `run` and `show` print.\n\n"
        f"{grid(('column', 'meaning'), columns)}\n"
        "## What is compared\n\nMetrics of `compare`, `gate` and `calibrate`, and what tables call "
        f"them.\n\n{grid(('metric', 'shown as'), compared)}\n"
        f"Across devices, speeds stand beside each other:\n\n{grid(FIGURE, per)}"
    )


FIGURE = ("figure", "meaning")


def summary_fields() -> dict[str, str]:
    """Each figure of a cell and its meaning; of the function that computes it, where one does."""
    found = {}
    for name in CellSummary.model_fields:
        function = getattr(metrics, name, None)
        told = inspect.getdoc(function) or "" if callable(function) else ""
        told = re.sub(r"\bNone\b", "null", " ".join(told.split()))
        found[name] = told or reference_fields.meaning(CellSummary, name) or ""
    return found


def text(told: str | None) -> str:
    """One line of markdown that cannot leave its cell of a table."""
    return " ".join((told or "").split()).replace("|", "\\|").replace("<", "&lt;")


def capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def grid(columns: tuple[str, ...], rows: list[Any]) -> str:
    """A table of markdown; fields are text, already escaped where they need it."""
    lines = [columns, ("---",) * len(columns), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in lines)


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": command_pages,
    "errors.md": error_page,
    "metrics.md": metric_page,
    "schema.md": lambda: MADE + reference_fields.page(),
}


if __name__ == "__main__":
    for page, make in PAGES.items():
        (FOLDER / page).write_text(make(), encoding="utf-8")
        print(FOLDER / page)

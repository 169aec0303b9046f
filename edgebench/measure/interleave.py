"""Two sides in turns on one machine: each launch is a whole `edgebench run` of that side.

The command line is the only interface that two versions of edgebench share, so that is what a turn
goes through; docs/decisions/0011-the-gate.md has the reasons. Each turn also verifies its output.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from edgebench import files
from edgebench.errors import BadInput, CellFailed
from edgebench.printable import clean
from edgebench.schema.result import Result

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

MODEL_SUFFIXES = {".gguf", ".onnx"}


class Side(NamedTuple):
    """`python` runs `edgebench run` with `arguments`; `shown` is what people see of it."""

    name: str
    python: str
    arguments: tuple[str, ...]
    shown: str


class Turn(NamedTuple):
    """One launch of every cell of a side."""

    round: int
    side: str
    result: Result


def side_of(name: str, ref: Path | None, extra: str, common: Sequence[str]) -> Side:
    """An environment (its folder or its Python), a model file, or only options of its own.

    Raises BadInput for a `ref` that is none of them.
    """
    own = _split(name, extra)
    shown = " ".join([*([ref.name] if ref else []), *map(_without_folder, own)]) or "this one"
    options = (*common, *own)
    if ref is None:
        return Side(name, sys.executable, options, shown)
    if ref.suffix in MODEL_SUFFIXES:
        if not ref.exists():
            raise BadInput(f"--{name} {ref}: there is no such file.", "Check the path.")
        return Side(name, sys.executable, (*options, "--file", str(ref)), shown)
    return Side(name, str(_python(name, ref)), options, shown)


def before_options(given: Sequence[str]) -> list[str]:
    """What comes first and is no option: paths of records. `edgebench run` takes only options."""
    return list(takewhile(lambda part: not part.startswith("-"), given))


def refuse_records(records: Sequence[str]) -> None:
    """Raises BadInput where there are any: two sides are measured anew."""
    if records:
        raise BadInput(
            f"{records[0]} and sides to measure were given: gate judges records or measures sides.",
            "Leave out the records, or --base, --head, --base-args and --head-args.",
        )


def without_sides(records: Sequence[str], given: Sequence[str]) -> BadInput:
    """Why the gate can do nothing with its arguments when no side is named."""
    if records and len(given) > len(records):
        return BadInput(
            f"{given[len(records)]} is an option of edgebench run, and records are not run again.",
            "Leave it out, or name --base and --head in place of the records.",
        )
    if given and not records:
        return BadInput(
            "gate has options of edgebench run and no sides to run.",
            "Name the sides with --base and --head, or with --base-args and --head-args.",
        )
    return BadInput(
        "gate needs two records, or --base and --head.",
        "edgebench gate BASE.json HEAD.json, or see edgebench gate --help.",
    )


def turns(
    sides: Sequence[Side],
    rounds: range,
    rng: random.Random,
    launch: Callable[[Side, int], Result],
) -> Iterator[Turn]:
    """Per round every side once, in an order drawn anew."""
    for number in rounds:
        for side in rng.sample(list(sides), len(sides)):
            yield Turn(number, side.name, launch(side, number))


def launch(side: Side, path: Path, *, timeout_s: float) -> Result:
    """Run one launch of every cell of that side and read its record back.

    Raises CellFailed with the side's own last words when it makes no record.
    """
    command = [side.python, "-P", "-m", "edgebench", "run", *side.arguments,
               "--launches", "1", "--output", str(path)]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        raise CellFailed(
            f"{side.name} was not done after {timeout_s:g} s.", "Allow more with --timeout."
        ) from None
    except OSError as error:
        raise BadInput(f"{side.python} could not be started: {error.strerror}.") from None
    if done.returncode or not path.exists():
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        last = clean(said[-1])[:500].removeprefix("edgebench: ")
        raise CellFailed(f"{side.name} could not be measured: {last}")
    return files.read_json(path, Result)


def _without_folder(part: str) -> str:
    """Reports are made to be shared: `--file=/home/me/x.gguf` becomes `--file=x.gguf`."""
    option, equals, value = part.rpartition("=") if part.startswith("--") else ("", "", part)
    return f"{option}{equals}{value.rpartition('/')[2]}"


def _python(name: str, ref: Path) -> Path:
    """The interpreter of an environment, not resolved: its folder is what makes it one."""
    found = ref / "bin" / "python" if ref.is_dir() else ref
    if not (found.is_file() and os.access(found, os.X_OK)):
        raise BadInput(
            f"--{name} {ref} is neither an environment nor a model file.",
            "Name a virtual environment, its Python, a .gguf or .onnx file, or leave it out and "
            f"give --{name}-args.",
        )
    return found.absolute()


def _split(name: str, extra: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(extra))
    except ValueError as error:
        raise BadInput(f"--{name}-args cannot be read: {error}.", "Close the quotes.") from None

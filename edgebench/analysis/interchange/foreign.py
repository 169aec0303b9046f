"""A stranger's file as text, JSON and numbers: bounded, and every mistake a sentence.

Nothing in a foreign file is executed, expanded or followed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from edgebench.analysis.records import PACKED
from edgebench.errors import BadInput
from edgebench.schema.imported import ImportedLaunch, ImportedWorkload, Timing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from edgebench.schema.imported import Phase

MAX_FILE_BYTES = 64 << 20
MAX_LINE_BYTES = 8 << 20
MAX_ROWS = 100_000
MAX_SAID = 500
LARGEST = 1e15


class File(NamedTuple):
    """What was read. `name` is the file's own, for messages and the record."""

    name: str
    text: str
    sha256: str
    size_bytes: int


class Found(NamedTuple):
    """One measured configuration of one file: what a record needs of it."""

    cpu: str | None
    accelerator: str | None
    operating_system: str | None
    memory_total_bytes: int | None
    tool_version: str | None
    cell: dict[str, Any]
    launch: ImportedLaunch


def read(path: Path) -> File:
    """Raises BadInput for what is too large, has a line that is, or is not UTF-8 text.

    It may be a pipe, whose size nobody knows beforehand.
    """
    if path.is_dir():
        raise BadInput(f"{path} is a folder.", "Name the files that a tool wrote.")
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise BadInput(f"{path}: larger than {MAX_FILE_BYTES >> 20} MiB, not read.")
        if data.startswith(PACKED):
            raise BadInput(f"{path} is compressed.", "Unpack it first.")
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{path}: not UTF-8 text.") from None
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}.", "Check the path.") from None
    if max(map(len, text.split("\n"))) > MAX_LINE_BYTES:
        raise BadInput(f"{path}: a line is longer than {MAX_LINE_BYTES >> 20} MiB, not read.")
    return File(path.name, text, hashlib.sha256(data).hexdigest(), len(data))


def parse_json(text: str, where: str) -> Any:
    """Raises BadInput for what is not JSON; NaN and Infinity are not."""
    return _json(json.JSONDecoder(parse_constant=_no_such_number).decode, text, where)


def first_json(text: str, where: str) -> Any:
    """The value that `text` begins with, whatever follows it. Raises as parse_json."""
    found, _end = _json(json.JSONDecoder(parse_constant=_no_such_number).raw_decode, text, where)
    return found


def rows_of_csv(text: str, where: str) -> list[dict[str, str]]:
    """Lines under a header. Raises BadInput for a line of another length."""
    found: list[dict[str, str]] = []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        names = next(reader, [])
        for fields in reader:
            if len(found) >= MAX_ROWS:
                raise BadInput(f"{where}: more than {MAX_ROWS} rows, not read.")
            if fields and len(fields) != len(names):
                line = reader.line_num
                raise BadInput(f"{where}:{line}: {len(fields)} fields, {len(names)} were named.")
            if fields:
                found.append(dict(zip(names, fields, strict=True)))
    except csv.Error as error:
        raise BadInput(f"{where}: not valid CSV ({error}).") from None
    return found


class Row:
    """One object of a foreign file; every getter names the field when it is not what it must be.

    A field that is absent, null or an empty string was not said: None.
    """

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, dict):
            raise BadInput(f"{where}: expected an object, not {_kind(data)}.")
        self._data: Mapping[str, Any] = data
        self._where = where

    def __contains__(self, name: str) -> bool:
        return name in self._data

    def text(self, name: str) -> str | None:
        """Text, or a number as text; cut where it is unreasonably long."""
        value = self._said(name)
        if value is None:
            return None
        if isinstance(value, dict | list):
            raise self._wrong(name, "text", value)
        return str(value).strip()[:MAX_SAID] or None

    def number(self, name: str) -> float | None:
        """A number from -1e15 to 1e15: beyond it no measurement lies."""
        value = self._said(name)
        if value is None:
            return None
        try:
            found = math.nan if isinstance(value, bool | dict | list) else float(value)
        except (ValueError, OverflowError):
            found = math.nan
        if not -LARGEST <= found <= LARGEST:
            raise self._wrong(name, "a number that something was measured to be", value)
        return found

    def positive(self, name: str) -> float | None:
        """A number above 0; tools write 0 for what they did not measure, which is None."""
        found = self.number(name)
        return found if found is not None and found > 0 else None

    def count(self, name: str) -> int | None:
        found = self.number(name)
        if found is None:
            return None
        if found < 0 or found != int(found):
            raise self._wrong(name, "a count", found)
        return int(found)

    def numbers(self, name: str) -> tuple[float, ...]:
        """A list of positive numbers; empty where there is none."""
        values = self._said(name)
        if values is None:
            return ()
        if not isinstance(values, list) or len(values) > MAX_ROWS:
            raise self._wrong(name, "a list of numbers", values)
        found = [Row({name: value}, self._where).positive(name) for value in values]
        if None in found:
            raise self._wrong(name, "a list of durations", values)
        return tuple(value for value in found if value is not None)

    def inner(self, name: str) -> Row:
        """The object there; an empty one where there is none."""
        return Row(self._data.get(name) or {}, f"{self._where}: {name}")

    def inners(self, name: str) -> Iterator[Row]:
        values = self._data.get(name)
        if not isinstance(values, list) or len(values) > MAX_ROWS:
            raise self._wrong(name, "a list", values)
        return (Row(value, f"{self._where}: {name}.{n}") for n, value in enumerate(values))

    def plain(self) -> dict[str, Any]:
        """The fields as they are."""
        return dict(self._data)

    def text_list(self, name: str) -> list[str]:
        """Texts of a list, or the one text; what is neither is left out."""
        value = self._said(name)
        values = value if isinstance(value, list) else [value]
        return [each[:MAX_SAID] for each in values[:MAX_ROWS] if isinstance(each, str) and each]

    def settings(self, names: tuple[str, ...]) -> dict[str, object]:
        """Plain values of these fields, as the source wrote them."""
        found: dict[str, object] = {}
        for name in names:
            value = self._said(name)
            if isinstance(value, str):
                found[name] = value[:MAX_SAID]
            elif isinstance(value, int | float) and -LARGEST <= value <= LARGEST:
                found[name] = value
        return found

    def missing(self, name: str) -> BadInput:
        return BadInput(f"{self._where}: {name} is missing.", "Is this the whole file?")

    def _said(self, name: str) -> Any:
        value = self._data.get(name)
        return None if value == "" else value

    def _wrong(self, name: str, expected: str, value: object) -> BadInput:
        shown = _kind(value) if isinstance(value, dict | list) else repr(value)[:60]
        return BadInput(f"{self._where}: {name}: expected {expected}, not {shown}.")


def workload(
    prompt: int | None, output: int | None, depth: int | None = 0, sequences: int | None = 1
) -> ImportedWorkload:
    """Named as llama-bench does; `?` stands for a count that the source does not say."""
    parts = [f"pp{prompt}"] * bool(prompt) + [f"tg{output}"] * bool(output)
    name = "+".join(parts) or "?"
    name += f"@d{depth}" * bool(depth) + f"@s{sequences}" * bool(sequences and sequences > 1)
    return ImportedWorkload(
        name=name,
        prompt_tokens=prompt,
        output_tokens=output,
        depth_tokens=depth,
        sequences=sequences,
    )


def timing(
    phase: Phase,
    tokens: int | None,
    samples_ns: tuple[float, ...] = (),
    *,
    mean_ns: float | None = None,
    repetitions: int | None = None,
    stdev_tok_s: float | None = None,
) -> list[Timing]:
    """The timing as a list; empty where nothing was timed or nobody says over how many tokens."""
    if not tokens or not (samples_ns or mean_ns):
        return []
    return [
        Timing(
            phase=phase,
            tokens=tokens,
            samples_ns=samples_ns,
            mean_ns=None if samples_ns else mean_ns,
            repetitions=len(samples_ns) or repetitions,
            source_stdev_tok_s=None if samples_ns else stdev_tok_s,
        )
    ]


def launch(timings: list[Timing], **fields: Any) -> ImportedLaunch:
    """Of the file at hand; its place among the sources is known later."""
    plain: dict[str, Any] = {
        "source": 0,
        "started_utc": None,
        "timings": tuple(timings),
        "time_to_first_token_ns": (),
        "load_ns": None,
        "peak_rss_bytes": None,
    }
    return ImportedLaunch(**(plain | fields))


def utc(text: str | None) -> str | None:
    """`2025-04-24T11:58:50Z` as it is; anything else, such as a local time, says no instant."""
    return text if text and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text) else None


def scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def has(document: object, *names: str) -> bool:
    """Whether it is an object with all these fields."""
    return isinstance(document, dict) and all(name in document for name in names)


def _json(decode: Callable[[str], Any], text: str, where: str) -> Any:
    try:
        return decode(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: not valid JSON ({' '.join(str(error).split())[:160]}).") from None


def _no_such_number(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", type(None): "null"}
    return names.get(type(value), f"{value!r}"[:60])

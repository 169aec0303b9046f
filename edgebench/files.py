"""Reading strangers' files strictly, writing our own atomically, knowing where data lies."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from edgebench.errors import BadInput, CannotWrite, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from pydantic_core import ErrorDetails

T = TypeVar("T", bound=BaseModel)
MAX_FILE_BYTES = 256 * 1024 * 1024
CHOOSE_OUTPUT = "Free some space, or choose another place with --output."
Path_ = tuple[str | int, ...]


def packaged(name: str) -> Path:
    """Where a data file that ships with edgebench lies.

    A wheel carries models.yaml inside the package; an editable install finds it at the
    repository's root, one folder up.
    """
    package = Path(__file__).parent
    for candidate in (package / "data" / name, package.parent / name):
        if candidate.exists():
            return candidate
    raise BadInput(f"{name} is missing from this installation.", "Reinstall edgebench.")


def cache_dir(environ: Mapping[str, str] = os.environ) -> Path:
    """$EDGEBENCH_CACHE, else $XDG_CACHE_HOME/edgebench, else ~/.cache/edgebench.

    A relative XDG_CACHE_HOME is ignored, as the XDG Base Directory Specification 0.8 asks.
    """
    if chosen := environ.get("EDGEBENCH_CACHE"):
        return Path(chosen).expanduser().absolute()
    xdg = environ.get("XDG_CACHE_HOME", "")
    base = Path(xdg) if xdg.startswith("/") else Path.home() / ".cache"
    return base / "edgebench"


def read_yaml(path: Path, schema: type[T]) -> T:
    """Load a YAML file under `schema`; every error names file, line and key.

    Duplicate keys, anchors, aliases and tags that would build objects are errors: the file may
    come from a stranger.
    """
    try:
        node = yaml.compose(content := _read_text(path), Loader=_StrictLoader)
        data = _StrictLoader("").construct_document(node) if node is not None else None
        text = json.dumps(data, default=str)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadInput(f"{path}:{line}: {error.problem}.", "Correct that line.") from None
    except yaml.reader.ReaderError as error:
        line = content.count("\n", 0, error.position) + 1
        problem = f"the character U+{error.character:04X} has no place in YAML"
        raise BadInput(f"{path}:{line}: {problem}.", "Take it out.") from None
    except (yaml.YAMLError, RecursionError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: not YAML ({_one_line(error)}).") from None
    try:
        return schema.model_validate_json(text)
    except ValidationError as error:
        loc, sentence = _first_problem(error, schema)
        raise BadInput(f"{path}:{_line_of(node, loc)}: {sentence}") from None


def read_json(path: Path, schema: type[T]) -> T:
    """Load a JSON file under `schema`; every error names file and field.

    Duplicate keys and the numbers that JSON does not have (NaN, Infinity) are errors.
    """
    text = _read_text(path)
    try:
        json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_such_number)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not valid JSON ({_one_line(error)}).") from None
    try:
        return schema.model_validate_json(text)
    except ValidationError as error:
        raise BadInput(f"{path}: {_first_problem(error, schema)[1]}") from None


def to_json(document: BaseModel) -> str:
    """The text that edgebench writes: indented by one, floats at full precision."""
    return json.dumps(document.model_dump(mode="json"), indent=1, allow_nan=False) + "\n"


def write_atomic(path: Path, content: str | bytes, remedy: str = CHOOSE_OUTPUT) -> None:
    """Replace `path`: a reader, a crash or a full disk sees the old file or the new.

    Text is written as UTF-8. Raises CannotWrite with that remedy and leaves no temporary file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise _cannot_write(path, error, remedy) from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise _cannot_write(path, error, remedy) from None
    finally:
        temporary.unlink(missing_ok=True)


def check_folder(folder: Path, remedy: str = CHOOSE_OUTPUT) -> None:
    """Make it, and see that files can be written there, before hours go by. Raises CannotWrite."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"edgebench")
    except OSError as error:
        raise _cannot_write(folder, error, remedy) from None


def _cannot_write(path: Path, error: OSError, remedy: str) -> CannotWrite:
    return CannotWrite.of(f"{path} could not be written: {error.strerror}.", error, remedy)


def _read_text(path: Path) -> str:
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            # A device may never end, and a pipe can be read only once.
            raise BadInput(f"{path} is no regular file.", "Save what it holds to a file first.")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadInput(f"{path}: larger than {MAX_FILE_BYTES >> 20} MiB, not read.")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{path}:{line}: not UTF-8 text.", "Save the file as UTF-8.") from None
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}.", "Check the path.") from None


class _StrictLoader(yaml.SafeLoader):
    """PyYAML keeps the last of duplicate keys and expands aliases without limit; this refuses."""

    def compose_node(self, parent: Any, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None) is not None:
            problem = "anchors and aliases are not allowed here"
            raise yaml.composer.ComposerError(None, None, problem, event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key must be plain text", key.start_mark
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"duplicate key {key.value!r}, which stands in line {seen[key.value]}: "
                    "keep one of them",
                    key.start_mark,
                )
            seen[key.value] = key.start_mark.line + 1
        return super().construct_mapping(node, deep)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"duplicate key {next(k for k in keys if keys.count(k) > 1)!r}")
    return found


def _no_such_number(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number; what was not measured is null")


def _first_problem(error: ValidationError, schema: type[BaseModel]) -> tuple[Path_, str]:
    first = _most_telling(error)
    loc = first["loc"]
    where = ".".join(str(part) for part in loc) or "the document"
    if first["type"] == "extra_forbidden":
        known = sorted(_known_keys(schema, loc[:-1]))
        hint = f"; {did_you_mean(str(loc[-1]), known)}" if known else "."
        return loc, f"{where}: unknown key{hint}"
    value = first.get("input")
    written = "null" if value is None else repr(str(value)[:60])
    shown = f", not {written}" if not isinstance(value, dict | list) else ""
    return loc, f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}{shown}."


def _most_telling(error: ValidationError) -> ErrorDetails:
    """An unknown key before the missing one that it may have been meant for.

    A mistake inside a union fails all its alternatives; the one with fewest errors was meant.
    Where an item is wrong, pydantic also says that the list around it is too short: passed over.
    """
    errors = error.errors(include_url=False)
    around = {each["loc"][:i] for each in errors for i in range(len(each["loc"]))}
    places: dict[Path_, list[ErrorDetails]] = {}
    for each in errors:
        if each["loc"] not in around:
            places.setdefault(each["loc"][:-1], []).append(each)
    place = min(places.values(), key=len)
    return next((each for each in place if each["type"] == "extra_forbidden"), place[0])


def _known_keys(schema: type[BaseModel], loc: Path_) -> set[str]:
    """Field names of the model that `loc` leads to, as far as it can be followed by name."""
    definitions = schema.model_json_schema()
    node: dict[str, Any] = definitions
    for part in loc:
        node = _step(definitions, node, part)
    return set(node.get("properties", {}))


def _step(definitions: dict[str, Any], node: dict[str, Any], part: str | int) -> dict[str, Any]:
    following = node.get("properties", {}).get(part) or _alternative(node, str(part))
    following = following or node.get("items") or node.get("additionalProperties")
    following = following or next(iter(node.get("patternProperties", {}).values()), None)
    if not isinstance(following, dict):
        return {}
    following = _alternative(following) or following
    if "$ref" in following:
        following = definitions["$defs"][following["$ref"].rsplit("/", 1)[-1]]
    return dict(following)


def _alternative(node: dict[str, Any], name: str = "") -> dict[str, Any] | None:
    """The alternative of that name in a union, or the only one beside null."""
    options = [o for o in node.get("anyOf", []) if o != {"type": "null"}]
    named = [o for o in options if name and o.get("$ref", "").endswith(f"/{name}")]
    return named[0] if named else options[0] if len(options) == 1 else None


def _line_of(node: yaml.Node | None, loc: Path_) -> int:
    """The line of the deepest node on `loc` that exists in the file."""
    line = 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            pair = next((p for p in node.value if p[0].value == str(part)), None)
            if pair is None:
                continue
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]

"""What every field of every document means, from the types and docs/reference/fields.yaml."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel

import edgebench.schema
from edgebench.schema import Strict
from scripts.schema import PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS = Path(__file__).parent.parent / "docs" / "reference" / "fields.yaml"
SENTENCE = re.compile(r"(?<=[.])(?<!e\.g\.)\s+(?=[A-Z`])")


def page() -> str:
    """schema.md: each document with the types inside it, each type once."""
    told: set[type[BaseModel]] = set()
    parts = [
        "# Fields of every file\n\nThe files that edgebench reads and writes, as JSON (profiles "
        "and `models.yaml`: as YAML). Unknown keys are errors, numbers have their unit in the name "
        "and `null` stands for what was not measured. Editors can use the JSON Schemas.\n"
    ]
    for name, document in PUBLISHED.items():
        parts.append(f"## {name.split('.')[0]}\n\n[JSON Schema](../schema/{name})\n")
        for each in within(document):
            if each not in told:
                told.add(each)
                parts.append(_type_text(each))
    return "\n".join(parts)


def types() -> list[type[BaseModel]]:
    """Every type of every file, published or not."""
    for module in pkgutil.iter_modules(edgebench.schema.__path__):
        importlib.import_module(f"edgebench.schema.{module.name}")
    return sorted(_below(Strict), key=lambda each: each.__name__)


def _below(parent: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for each in parent.__subclasses__():
        if each.__module__.startswith("edgebench.schema"):
            yield each
            yield from _below(each)


def within(document: type[BaseModel]) -> list[type[BaseModel]]:
    """The document's type, and those that it is made of, outermost first."""
    found = [document]
    for each in found:
        for field in each.model_fields.values():
            found += [inner for inner in _models(field.annotation) if inner not in found]
    return found


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def meaning(model: type[BaseModel], name: str) -> str | None:
    """What a field means there; None where nothing says it."""
    own = glossary().get(f"{model.__name__}.{name}")
    described = model.model_fields[name].description
    return own or described or _sentences(model, name) or glossary().get(name)


@cache
def glossary() -> dict[str, str]:
    entries: dict[str, str] = yaml.safe_load(FIELDS.read_text(encoding="utf-8"))
    return entries


def used(model: type[BaseModel], name: str) -> str | None:
    """The key of fields.yaml that a field's meaning comes from, if any."""
    own = f"{model.__name__}.{name}"
    if own in glossary():
        return own
    elsewhere = model.model_fields[name].description or _sentences(model, name)
    return None if elsewhere else name


def _sentences(model: type[BaseModel], name: str) -> str:
    """What the docstring of the type, or of one that it extends, says of the field."""
    for each in model.__mro__:
        doc = each.__dict__.get("__doc__") or ""
        said = [s for s in SENTENCE.split(" ".join(doc.split())) if f"`{name}`" in s]
        if said:
            return " ".join(said)
    return ""


def _type_text(model: type[BaseModel]) -> str:
    doc = "" if not model.__doc__ else f"{_escaped(' '.join(model.__doc__.split()))}\n\n"
    head = "| field | type | meaning |\n| --- | --- | --- |\n"
    rows = "".join(
        f"| `{name}` | {_type(field.annotation)} | {_escaped(meaning(model, name) or '')} |\n"
        for name, field in model.model_fields.items()
    )
    return f"### {model.__name__}\n\n{doc}{head}{rows}"


WORDS = {int: "whole number", float: "number", str: "text", bool: "true or false",
         type(None): "null", Any: "anything"}  # fmt: skip


def _type(annotation: Any) -> str:
    """`number or null`, `list of Cell`: JSON's words."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    if annotation in WORDS:
        return WORDS[annotation]
    parts = get_args(annotation)
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{part}`" for part in parts)
    inner = [_type(part) for part in parts if part is not ...] or ["anything"]
    kinds = {tuple: f"list of {inner[0]}", dict: f"object of {inner[-1]}", Annotated: inner[0]}
    return kinds.get(get_origin(annotation)) or " or ".join(dict.fromkeys(inner))


def _escaped(told: str) -> str:
    return told.replace("|", "\\|").replace("<", "&lt;")

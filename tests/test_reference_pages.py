"""Every command, option, error, metric and field is documented, and the pages are current."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
from typer.main import get_command

from edgebench.cli.verbs import app
from edgebench.errors import EdgebenchError
from edgebench.schema.result import Result
from scripts import reference, reference_fields

REMEDY = "run: python -m scripts.reference"
FIELDS = [
    pytest.param(model, name, id=f"{model.__name__}.{name}")
    for model in reference_fields.types()
    for name in model.model_fields
]


def test_output_has_the_same_short_form_in_every_command() -> None:
    options = [
        (name, each.opts)
        for name, command in reference.commands(get_command(app))
        for each in command.params
        if "--output" in each.opts
    ]

    assert len(options) > 5
    assert [name for name, opts in options if "-o" not in opts] == []


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_page_is_what_the_code_says_now(name: str) -> None:
    written = (reference.FOLDER / name).read_text(encoding="utf-8")
    assert written == reference.PAGES[name](), REMEDY


@pytest.mark.parametrize(("words", "command"), reference.commands(get_command(app)))
def test_every_command_and_option_has_help(words: str, command: Any) -> None:
    assert inspect.cleandoc(command.help or ""), words
    assert [each.name for each in command.params if not each.help and each.name != "help"] == []


def test_every_command_that_measures_or_reads_shows_an_example() -> None:
    without = [
        words
        for words, command in reference.commands(get_command(app))
        if not hasattr(command, "commands") and "Example: " not in (command.help or "")
    ]
    assert without == []


def test_every_error_stands_in_the_tree_with_its_code() -> None:
    told = {name: code for name, code, _ in reference.error_classes()}
    assert told == {each.__name__: each.exit_code for each in EdgebenchError.__subclasses__()}
    assert len(set(told.values())) == len(told), "one exit code per class"


@pytest.mark.parametrize(("model", "name"), FIELDS)
def test_every_field_has_a_meaning(model: Any, name: str) -> None:
    assert reference_fields.meaning(model, name), (
        f"name `{name}` in the docstring of {model.__name__}, or in docs/reference/fields.yaml"
    )


def test_fields_yaml_holds_no_word_that_nothing_needs() -> None:
    needed = {
        reference_fields.used(model, name)
        for model in reference_fields.types()
        for name in model.model_fields
    }
    assert set(reference_fields.glossary()) - needed == set()


def test_a_sentence_of_a_docstring_is_found_by_the_field_that_it_names() -> None:
    assert reference_fields.meaning(Result, "device") == "The machine."

    class Made(Result):
        """Ends when `run_id` is read, e.g. By a person. Nothing else: `cells` are cells."""

    assert (
        reference_fields.meaning(Made, "run_id") == "Ends when `run_id` is read, e.g. By a person."
    )
    assert reference_fields.meaning(Made, "cells") == "Nothing else: `cells` are cells."


def test_nothing_on_a_page_can_break_a_table() -> None:
    for name in reference.PAGES:
        page = (reference.FOLDER / name).read_text(encoding="utf-8")
        tables = re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE)
        assert tables
        for block in tables:
            widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(widths) == 1, block

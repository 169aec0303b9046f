"""`hardware detect` is answered without a parser and a schema: what it says stays the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgebench.cli import detecting
from edgebench.cli.verbs import VERBS, app
from edgebench.errors import Interrupted
from edgebench.machine import device, found
from edgebench.schema import Strict
from edgebench.schema import device as schema

MACHINES = sorted(path for path in Path(__file__).parent.glob("machines/*") if path.is_dir())


@pytest.mark.parametrize(
    ("plain", "checked"),
    [
        (found.Found, schema.Device),
        (found.Cluster, schema.Cluster),
        (found.Microarchitecture, schema.Microarchitecture),
        (found.Cache, schema.Cache),
        (found.NumaNode, schema.NumaNode),
        (found.Firmware, schema.Firmware),
    ],
)
def test_both_have_the_same_fields_and_defaults(plain: type, checked: type[Strict]) -> None:
    named = checked.model_fields
    assert plain._fields == tuple(named)  # type: ignore[attr-defined]
    assert plain._field_defaults == {  # type: ignore[attr-defined]
        name: field.default for name, field in named.items() if not field.is_required()
    }


@pytest.mark.parametrize("root", MACHINES, ids=lambda path: path.name)
def test_the_document_is_that_of_the_checked_device(root: Path) -> None:
    told = found.to_json(device.find(root, environ={"OMP_NUM_THREADS": "2"}))
    assert told == device.detect(root, environ={"OMP_NUM_THREADS": "2"}).model_dump_json(indent=1)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_the_parser_answers_the_same(options: list[str]) -> None:
    parsed = CliRunner().invoke(app, ["hardware", "detect", *options])
    assert parsed.stdout == detecting.answer(["hardware", "detect", *options])


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["hardware"],
        ["hardware", "detect", "--help"],
        ["hardware", "detect", "--json", "--json"],
        ["hardware", "detect", "board"],
        ["hardware", "list", "--json"],
    ],
)
def test_other_words_go_to_the_parser(words: list[str]) -> None:
    assert detecting.answer(words) is None


def test_an_interrupt_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(detecting, "text", interrupted)
    with pytest.raises(Interrupted):
        detecting.answer(["hardware", "detect"])


def test_what_does_not_parse_says_so_with_code_2() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "edgebench", "hardware", "detect", "--jsn"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such option: --jsn (Possible options: --json)" in done.stderr


def test_help_lists_every_verb_in_its_order_and_a_typo_finds_its_verb() -> None:
    shown = CliRunner().invoke(app, ["--help"]).stdout.partition("Commands:\n")[2]
    lines = [line.split()[0] for line in shown.splitlines() if line.startswith("  ")]
    assert tuple(lines) == VERBS
    mistyped = CliRunner().invoke(app, ["doctr"])
    assert mistyped.exit_code == 2
    assert "Did you mean 'doctor'?" in mistyped.output

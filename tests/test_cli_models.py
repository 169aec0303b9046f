from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from edgebench.cli.verbs import app
from edgebench.errors import EdgebenchError
from edgebench.models import catalog, shelf
from edgebench.models.progress import Silent
from edgebench.models.synthesize import synthetic_file
from edgebench.report.models import render_card, render_list
from edgebench.schema.model import Catalog, MadeFile
from tests.conftest import Edgebench, golden
from tests.synthetic import model, shaped

if TYPE_CHECKING:
    from pathlib import Path

# Small enough to be made in a moment: two layers of 768, 68 million weights.
SMALL = "llama-68m"
VERBS = ("list", "show", "fetch", "verify", "quantize", "synthesize", "remove")


def made(cache: Path) -> list[Path]:
    return sorted((cache / "models" / "synthetic").glob("*.gguf"))


def test_list_shows_what_is_cached_how_large_and_under_which_licence(tmp_path: Path) -> None:
    odd = model(shaped(hidden=96, heads=3, kv_heads=1), "Q8_0")
    known = Catalog(version=1, default="tiny", models={"tiny": model(), "odd": odd})
    synthetic_file("tiny", known.models["tiny"], None, 7, cache=tmp_path, progress=Silent())
    synthetic_file("odd", odd, "Q4_K_M", 1, cache=tmp_path, progress=Silent())
    golden("models_list.txt", render_list(shelf.shelf(known, tmp_path)))


def test_show_says_what_one_token_costs(tmp_path: Path) -> None:
    card = shelf.card("tinyllama", None, tmp_path, context_tokens=512)
    golden("models_show.txt", render_card(card))


def test_a_name_with_control_characters_does_not_reach_the_terminal(tmp_path: Path) -> None:
    card = shelf.card(SMALL, None, tmp_path, context_tokens=512)
    assert "\x1b" not in render_card(card.model_copy(update={"title": "\x1b[31mred"}))


def test_the_figures_shown_are_those_of_a_cached_file(tmp_path: Path) -> None:
    known = catalog.load_catalog().models[SMALL]
    synthetic_file(SMALL, known, "Q4_0", 1, cache=tmp_path, progress=Silent())
    card = shelf.card(SMALL, "q4_0", tmp_path, context_tokens=512)
    assert (card.file, card.weights) == (f"{SMALL}-Q4_0-seed1-v1.gguf", "synthetic")
    assert card.tensor_types == {"F32": 5, "Q4_0": 15, "Q6_K": 1}


def test_list_and_show_as_json(edgebench: Edgebench) -> None:
    listed: list[dict[str, Any]] = json.loads(edgebench("models", "list", "--json").stdout)
    assert [entry["name"] for entry in listed] == list(catalog.load_catalog().models)
    assert not any(file["cached"] for entry in listed for file in entry["files"])
    shown = json.loads(edgebench("models", "show", "tinyllama", "--json").stdout)
    assert shown["kv_bytes_per_token"] == 22528
    assert shown["shape"]["layers"] == 22


def test_synthesize_verify_and_remove(edgebench: Edgebench, tmp_path: Path) -> None:
    done = edgebench("models", "synthesize", SMALL, "--quant", "q4_0", "--seed", "7", "--json")
    assert done.returncode == 0, done.stderr
    (entry,) = json.loads(done.stdout)
    assert (entry["weights"], entry["seed"], entry["quant"]) == ("synthetic", 7, "Q4_0")
    (path,) = made(tmp_path / "cache")
    assert edgebench("models", "verify", SMALL).returncode == 0

    with path.open("r+b") as stream:
        stream.seek(-1, 2)
        stream.write(b"\x77")
    broken = edgebench("models", "verify", SMALL)
    assert broken.returncode == 10
    assert "is not the file that was made" in broken.stderr
    assert "unverified" in edgebench("models", "list").stdout

    unanswered = edgebench("models", "remove", SMALL)
    assert (unanswered.returncode, made(tmp_path / "cache")) == (2, [path])
    assert "Give --yes" in unanswered.stderr
    assert edgebench("models", "remove", SMALL, "--yes").returncode == 0
    assert made(tmp_path / "cache") == []
    assert not [p for p in path.parent.iterdir() if p.suffix != ".lock"]


def test_a_format_that_is_not_real_is_warned_about(edgebench: Edgebench) -> None:
    done = edgebench("models", "synthesize", "smollm2-135m", "--quant", "Q4_K_M")
    assert done.returncode == 0
    assert "smollm2-135m-Q4_K_M-as-Q5_0-seed1-v1.gguf" in done.stdout
    assert "warning  smollm2-135m-Q4_K_M-as-Q5_0-seed1-v1.gguf: Q4_K_M was asked" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("show", "tinylama"), 4, "No model named 'tinylama'. Did you mean 'tinyllama'?"),
        (("show", SMALL, "--quant", "q9"), 4, "No weight format named 'q9'"),
        (("synthesize", SMALL, "--seed", "lucky"), 2, "--seed 'lucky' is not a seed. Give a"),
        (("synthesize", SMALL, "--quant", "Q4_0,q9"), 4, "No weight format named 'q9'"),
        (("fetch", SMALL, "--quant", "Q4_0"), 4, f"No quantization of {SMALL} named 'Q4_0'"),
        (("verify", SMALL), 6, f"No file of {SMALL} is cached. edgebench models fetch"),
        (("remove", SMALL, "--quant", "Q8_0"), 6, f"No Q8_0 of {SMALL} is cached."),
        (("quantize", SMALL, "--to", ","), 2, "--to names no weight format. For example"),
        (("quantize", SMALL, "--to", "q3"), 4, "No weight format named 'q3'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_sentence_with_its_remedy_and_makes_nothing(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = CliRunner().invoke(app, ["models", *arguments], env={"EDGEBENCH_CACHE": str(tmp_path)})
    assert isinstance(done.exception, EdgebenchError)
    assert done.exception.exit_code == code
    assert str(done.exception).startswith(said)
    assert done.exception.remedy
    assert made(tmp_path) == []


def test_the_command_line_turns_an_error_into_its_sentence_and_exit_code(
    edgebench: Edgebench,
) -> None:
    done = edgebench("models", "synthesize", SMALL, "--seed", "lucky")
    assert done.returncode == 2
    assert done.stderr == (
        "edgebench: --seed 'lucky' is not a seed. "
        "Give a whole number from 0 to 9223372036854775807.\n"
    )


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_an_example_and_speaks_json(verb: str) -> None:
    text = CliRunner().invoke(app, ["models", verb, "--help"]).output
    assert f"Example: edgebench models {verb}" in text
    assert "--json" in text


def test_the_record_of_a_made_file_is_strict() -> None:
    fields = {
        "sha256": "0" * 64,
        "made": "synthetic",
        "quant": "Q4_0",
        "from_sha256": None,
        "chain": ("Q4_0",),
        "seed": 1,
        "tool": "edgebench",
    }
    assert MadeFile.model_validate(fields).seed == 1
    with pytest.raises(ValueError, match="extra"):
        MadeFile.model_validate(fields | {"colour": "blue"})

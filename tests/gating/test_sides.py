"""What a side may be: an environment, a model file, options."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench.errors import BadInput
from edgebench.measure import interleave

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("ref", ["nowhere", "nothing.gguf"])
def test_a_side_that_is_nothing_is_a_sentence(ref: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=ref):
        interleave.side_of("head", tmp_path / ref, "", ())


def test_a_side_is_an_environment_a_model_file_or_options(tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch(0o755)
    model = tmp_path / "a.gguf"
    model.touch()

    by_folder = interleave.side_of("base", tmp_path / "venv", "", ("--trials", "2"))
    by_python = interleave.side_of("base", python, "", ())
    by_file = interleave.side_of("head", model, "--threads '2'", ("--trials", "2"))

    assert (by_folder.python, by_python.python) == (str(python), str(python))
    assert by_file.arguments == ("--trials", "2", "--threads", "2", "--file", str(model))
    assert by_file.shown == "a.gguf --threads 2"


def test_an_environment_without_edgebench_says_so(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'No module named edgebench' >&2\nexit 1\n")
    python.chmod(0o755)
    side = interleave.side_of("base", python, "", ())

    with pytest.raises(Exception, match="base could not be measured: No module named edgebench"):
        interleave.launch(side, tmp_path / "out.json", timeout_s=30)

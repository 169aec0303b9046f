"""The verbs report and plot: what they write, and the sentence for each mistake."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests import report_maker as maker

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Edgebench


def test_the_verb_writes_a_site_and_names_what_it_refused(
    edgebench: Edgebench, tmp_path: Path
) -> None:
    maker.write(tmp_path, "results/a.json", maker.record())
    (tmp_path / "results/bad.json").write_text("nothing")

    done = edgebench("report", "results", "-o", "site", "--title", "Boards & more")
    again = edgebench(
        "report", "results", "-o", "site", "--device", "board", "--records-url", "../results"
    )

    assert done.returncode == again.returncode == 0, done.stderr
    assert "refused  bad.json: not valid JSON" in done.stderr
    assert "wrote    site/index.html" in done.stderr
    text = (tmp_path / "site/index.html").read_text()
    assert "bad.json: not valid JSON" in text
    assert '<a href="../results/a.json">a.json</a>' in text


def test_the_verb_writes_markdown(edgebench: Edgebench, tmp_path: Path) -> None:
    maker.write(tmp_path, "a.json", maker.record())

    done = edgebench("report", "a.json", "-o", "out", "--format", "md")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/report.md").read_text().startswith("# edgebench report\n")
    assert (tmp_path / "out/ladder.svg").exists()


@pytest.mark.parametrize("suffix", [".svg", ".png", ".csv"])
def test_the_verb_for_one_plot(edgebench: Edgebench, tmp_path: Path, suffix: str) -> None:
    maker.write(tmp_path, "a.json", maker.record())

    done = edgebench("plot", "ladder", "a.json", "-o", f"ladder{suffix}", "--workload", "tg4")

    assert done.returncode == 0, done.stderr
    begin = {".svg": b"<?xml", ".png": b"\x89PNG", ".csv": b"device,model"}
    assert (tmp_path / f"ladder{suffix}").read_bytes().startswith(begin[suffix])


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ("plot ladder a.json -o x.pdf", 2, "ends in .svg, .png, .csv"),
        ("plot sustained a.json -o x.svg", 2, "There is nothing to draw. No record holds"),
        ("plot ladder a.json -o x.svg --device pi", 4, "No device named 'pi'"),
        ("plot ladder none.json -o x.svg", 2, "none.json"),
        ("plot ladr a.json -o x.svg", 4, "Did you mean 'ladder'?"),
        ("plot claim-nosuch a.json -o x.svg", 4, "No claim named 'nosuch'"),
        ("plot claim-isa-speedup a.json -o x.svg --isa x", 2, "A claim chooses its cells"),
        ("plot claim-gpu-generation a.json -o x.svg", 2, "edgebench: Nothing to draw: it takes"),
        ("report a.json -o a.json", 2, "a.json is a file"),
        ("report a.json -o mine", 2, "was not made by edgebench report"),
        ("report empty -o site", 2, "There is no record here"),
        ("report a.json --records-url javascript:alert(1)", 2, "is no address of records"),
    ],
)
def test_a_mistake_is_one_sentence(
    edgebench: Edgebench, tmp_path: Path, arguments: str, code: int, sentence: str
) -> None:
    maker.write(tmp_path, "a.json", maker.record(isas=("armv8.0_1",)))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/index.html").write_text("<html>my own page</html>")
    (tmp_path / "empty").mkdir()

    done = edgebench(*arguments.split())

    assert done.returncode == code, done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "mine/index.html").read_text() == "<html>my own page</html>"


def test_where_the_extra_is_missing_a_sentence_says_how_to_get_it(tmp_path: Path) -> None:
    path = maker.write(tmp_path, "a.json", maker.record())
    program = (
        "import sys\n"
        "sys.modules['matplotlib'] = sys.modules['jinja2'] = None\n"
        f"sys.argv = ['edgebench', *{{}}, {str(path)!r}, '-o', {str(tmp_path / 'x.svg')!r}]\n"
        "from edgebench.__main__ import main\n"
        "main()\n"
    )
    for verb in (["report"], ["plot", "memory"]):
        done = subprocess.run(
            [sys.executable, "-c", program.format(verb)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 8, done.stderr
        assert "pip install 'edgebench[report]'" in done.stderr


def test_help_needs_none_of_it() -> None:
    program = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from edgebench.cli.verbs import app\n"
        "for verb in ('report', 'plot'):\n"
        "    assert 'Example: edgebench' in CliRunner().invoke(app, [verb, '--help']).output\n"
        "print([m for m in ('matplotlib', 'jinja2', 'numpy', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True,
                          check=True)  # fmt: skip
    assert done.stdout.strip() == "[]"

"""Commands that the documentation shows are run: what reads as it stands, `run` as a dry run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import shell_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real
ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
READING = {
    "check", "claims list", "claims show", "compare", "hardware detect", "hardware list",
    "hardware match", "hardware show", "hardware validate", "models list", "models show",
    "models verify", "show",
}  # fmt: skip
# Files and packages that an example only imagines, and what takes long or another machine.
IMAGINED = (
    "my", "--file", "high-level", "shelly", "old", "base", "--wall-meter", "hardware/acme", "$",
    "…", "measured/*", "before", "--sustain", "a.json",
)  # fmt: skip
PLANNED = "--dry-run"
# 8: nothing of what was asked for can be measured on this machine, which is said.
FINE = {0, 8}


def commands() -> Iterator[tuple[str, ...]]:
    """Every `edgebench …` in a block of shell."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
            yield from map(tuple, shell_lines.commands_in(block))


def chosen() -> list[tuple[str, ...]]:
    """Those that mean something on any machine, each once."""
    found = []
    for words in dict.fromkeys(commands()):
        verb = " ".join(words[:2]) if words[0] in {"hardware", "models", "claims"} else words[0]
        real = not any(part.startswith(IMAGINED) for word in words for part in word.split(","))
        exists = all(Path(ROOT, word).exists() for word in words if word.startswith("results/"))
        if real and exists and (verb in READING or verb == "run"):
            found.append(words)
    return found


def test_there_are_commands_of_both_kinds() -> None:
    verbs = {words[0] for words in chosen()}
    assert {"run", "hardware", "models", "show", "check"} <= verbs


@pytest.mark.usefixtures("smollm2")
@pytest.mark.parametrize("words", chosen(), ids=" ".join)
def test_a_documented_command_works(words: tuple[str, ...]) -> None:
    planned = [PLANNED] if words[0] == "run" and PLANNED not in words else []
    done = subprocess.run(
        [sys.executable, "-m", "edgebench", *words, *planned],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert done.returncode in FINE, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout or done.returncode

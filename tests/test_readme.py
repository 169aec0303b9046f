"""The README says what is so: its table is that of a committed record, its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

from edgebench import files
from edgebench.report import table
from edgebench.schema.result import Result

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_in_the_readme_is_that_of_the_committed_record() -> None:
    (name,) = re.findall(r"edgebench show (results/\S+\.json)", README)
    shown = table.render(files.read_json(ROOT / name, Result))
    (block,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)

    assert block == shown


def test_the_two_commands_run_scripts_that_exist() -> None:
    scripts = set(re.findall(r"sh (scripts/\w+\.sh)", README))
    assert scripts == {"scripts/install.sh", "scripts/test.sh"}
    assert all((ROOT / script).exists() for script in scripts)


def test_every_link_into_the_repository_leads_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), ROOT / "CONTRIBUTING.md"]
    for page in pages:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"

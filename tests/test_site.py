"""The documentation: it builds, stands on its own, shows files as they are, names what exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from typer.main import get_command

from edgebench.cli.verbs import app
from scripts import reference, shown_files, site_hooks

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Options of other programs that pages speak of.
FOREIGN = {
    "--advisories", "--config-settings", "--edgebench-inconclusive", "--edgebench-store",
    "--folder", "--generate-hashes", "--max-age-days", "--no-cache-dir", "--platform", "--quick",
    "--require-hashes", "--universal", "--upgrade",
}  # fmt: skip


# Commands that are described on a page of another name.
PAGE_OF = {
    "claims": "claims-run", "export": "interchange", "import": "interchange",
    "models": "adding/model", "plot": "report",
}  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_a_page_fetches_nothing_from_elsewhere(site: Path) -> None:
    fetched = re.compile(r"""<(?:script|img|link|iframe)\b[^>]*\b(?:src|href)=["'](https?:)?//""")
    pages = list(site.rglob("*.html"))
    assert pages
    assert [page.name for page in pages if fetched.search(page.read_text(encoding="utf-8"))] == []
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", sheet.read_text(encoding="utf-8"))


def test_the_site_is_not_built_where_a_report_goes() -> None:
    """Either would take the other's index.html for a stranger's, or wipe it."""
    where = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["site_dir"]
    option = get_command(app).commands["report"].params  # type: ignore[attr-defined]
    (default,) = (each.default for each in option if each.name == "output")

    assert Path(where).parts[0] != Path(default).parts[0]


@pytest.mark.parametrize("page", sorted((ROOT / "docs/quickstart").glob("*.md")), ids=str)
def test_a_quick_start_says_where_its_commands_are_typed(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    before = text[: text.index("sh scripts/install.sh")]

    assert re.search(r"[Cc]lone\s+(of\s+)?this\s+repository", before)


def test_every_page_is_in_the_navigation(site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
        assert f'href="{name}"' in start or name == "index.html", name


def test_a_page_that_nav_does_not_name_is_found(tmp_path: Path) -> None:
    for name in ("named.md", "more.md", "decisions/0001-x.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("# X\n")

    found = site_hooks.unnamed([{"A": [{"B": "named.md"}]}], tmp_path)

    assert found == {"Decisions": ["decisions/0001-x.md"], "More": ["more.md"]}


def test_links_out_of_the_documentation_become_words() -> None:
    text = "[records](../results/x/) and [schema](../schema/a.json) and [here](run.md)"

    assert site_hooks.within_docs(text, "arm.md") == "records and schema and [here](run.md)"
    assert site_hooks.within_docs(text, "reference/a.md") == text


def test_what_is_shown_of_a_file_is_the_file() -> None:
    shown = []
    for page in shown_files.pages():
        text = page.read_text(encoding="utf-8")
        assert shown_files.filled(text) == text, "run: python -m scripts.shown_files"
        shown += shown_files.named(text)
    examples = {p.relative_to(ROOT).as_posix() for p in (ROOT / "examples").rglob("*.*")}
    assert {name for name in examples if "__pycache__" not in name} - set(shown) == set()


def test_a_block_that_differs_from_its_file_is_seen() -> None:
    page = "File: `examples/model/models.yaml`\n\n```yaml\nversion: 2\n```\n"
    assert shown_files.filled(page) != page
    assert shown_files.named(page) == ["examples/model/models.yaml"]


def options() -> set[str]:
    known = {"--help"}
    for _, command in reference.commands(get_command(app)):
        for each in command.params:
            known |= {*each.opts, *each.secondary_opts}
    return known


def named_options(text: str) -> Iterator[str]:
    """Options in `code`, alone or in a command."""
    for code in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text):
        yield from re.findall(r"(?<![\w-])--[a-z][a-z-]+", code)


# Decisions speak of what was, and of other programs.
@pytest.mark.parametrize(
    "page", [each for each in PAGES if each.parent.name != "decisions"], ids=lambda page: page.name
)
def test_a_page_names_no_option_that_does_not_exist(page: Path) -> None:
    named = set(named_options(page.read_text(encoding="utf-8")))
    assert named - options() - FOREIGN == set()


def test_an_option_that_does_not_exist_is_seen() -> None:
    named = set(named_options("`edgebench run --no-such` and --not-code and `--isa`"))
    assert named - options() == {"--no-such"}


def test_every_command_has_a_page() -> None:
    verbs: Any = get_command(app)
    for verb in verbs.commands:
        page = ROOT / "docs" / f"{PAGE_OF.get(verb, verb)}.md"
        assert f"edgebench {verb}" in page.read_text(encoding="utf-8"), page.name


def test_the_theme_is_one_that_needs_no_network() -> None:
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert settings["theme"]["highlightjs"] is False
    assert settings["strict"] is True

"""Hooks of mkdocs: every page has a place, and links that leave the documentation become words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

LINK = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)]*)\)")
SECTIONS = {"decisions": "Decisions", "claims": "Claims", "adding": "Adding"}
REST = "More"


def on_config(config: Any) -> Any:
    """Adds the pages that `nav` does not name, by folder, under their own headings."""
    for section, entries in unnamed(config.nav, Path(config.docs_dir)).items():
        place = next((each for each in config.nav if section in each), None)
        if place is None:
            config.nav.append({section: entries})
        else:
            place[section] += entries
    return config


def unnamed(nav: Any, folder: Path) -> dict[str, list[str]]:
    """Pages below `folder` that stand nowhere in `nav`, by the section that they belong to."""
    known = set(_pages(nav))
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*.md")):
        page = path.relative_to(folder)
        if page.as_posix() not in known:
            found.setdefault(SECTIONS.get(page.parts[0], REST), []).append(page.as_posix())
    return found


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """`[records](../results/x)` becomes `records`."""
    return within_docs(markdown, page.file.src_uri)


def within_docs(markdown: str, source: str) -> str:
    """The page's text without links that lead out of docs/."""
    depth = source.count("/")

    def words(link: re.Match[str]) -> str:
        return link[1] if link[2].count("../") > depth else link[0]

    return LINK.sub(words, markdown)


def _pages(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    inner = nav.values() if isinstance(nav, dict) else nav
    return [page for each in inner for page in _pages(each)]

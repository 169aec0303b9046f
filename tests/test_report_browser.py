"""The page in a real browser: it opens, sorts, filters, shows and saves, and asks for nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edgebench.analysis.report_reading import read
from edgebench.report import folder
from tests import report_maker as maker

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE = {"width": 375, "height": 700}


def chromium() -> str | None:
    wanted = (os.environ.get("EDGEBENCH_CHROMIUM", ""), *NAMES)
    return next((found for name in wanted if name and (found := shutil.which(name))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    path = chromium()
    if path is None:
        pytest.skip("No Chromium: sh scripts/browser.sh installs it, or says why it cannot.")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("site")
    maker.write(base, "in/a.json", maker.record())
    maker.write(base, "in/b.json", maker.record("other-board"))
    maker.write(base, "in/e.json", maker.emulated())
    maker.write(base, "in/v.json", maker.verdicts())
    return written(base)


def written(base: Path) -> Path:
    for name, content in folder.html(read([base / "in"]), "Boards", lambda _: None).items():
        assert isinstance(content, str)
        (base / name).write_text(content, encoding="utf-8")
    return base / "index.html"


class Opened:
    """A page, what its console said, and what it asked for beside itself."""

    def __init__(self, browser: Any, path: Path, **context: Any) -> None:
        self.context = browser.new_context(accept_downloads=True, **context)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())
        self.own = path.as_uri()

    def beside(self) -> list[str]:
        inside = ("data:", "blob:")
        return [url for url in self.asked if url != self.own and not url.startswith(inside)]

    def column(self, name: str) -> list[str]:
        """The first line of each shown field of the table of cells."""
        return list(
            self.page.evaluate(
                """name => {
                    const table = document.querySelector('#cells table');
                    const heads = [...table.tHead.rows[0].cells].map(each => each.textContent);
                    return [...table.tBodies[0].rows].filter(row => !row.hidden)
                        .map(row => row.cells[heads.indexOf(name)].firstChild.textContent.trim());
                }""",
                name,
            )
        )


@pytest.fixture
def opened(browser: Any, site: Path) -> Iterator[Opened]:
    found = Opened(browser, site)
    yield found
    assert found.said == []
    assert found.beside() == []
    found.context.close()


def test_it_opens_with_its_pictures(opened: Opened) -> None:
    assert opened.page.title() == "Boards"
    assert opened.page.locator("#cells output").text_content() == "50 of 50"
    loaded = opened.page.evaluate(
        "[...document.images].map(image => image.complete && image.naturalWidth > 100)"
    )
    assert loaded == [True] * 6


def test_it_sorts_numbers_as_numbers_and_what_is_missing_last(opened: Opened) -> None:
    heading = opened.page.get_by_role("button", name="decode tok/s")

    heading.click()
    up = opened.column("decode tok/s")
    heading.click()
    down = opened.column("decode tok/s")

    known = [float(each) for each in up if each != "-"]
    assert known == sorted(known)
    assert len(known) == 36
    assert [float(each) for each in down if each != "-"] == known[::-1]
    assert set(up[36:]) == set(down[36:]) == {"-"}
    assert opened.page.locator("th[aria-sort]").get_attribute("aria-sort") == "descending"


def test_it_filters_by_words_and_by_choice(opened: Opened) -> None:
    opened.page.get_by_placeholder("words").fill("Q8_0 OTHER")
    assert set(opened.column("device")) == {"other-board"}
    assert set(opened.column("model")) == {"tiny Q8_0"}
    assert opened.page.locator("#cells output").text_content() == "12 of 50"

    opened.page.get_by_label("ISA").select_option("armv8.2_3")
    assert set(opened.column("ISA")) == {"armv8.2_3"}

    opened.page.get_by_placeholder("words").fill("")
    opened.page.get_by_label("ISA").select_option("")
    assert len(opened.column("device")) == 50


def test_a_plots_numbers_are_one_click_away(opened: Opened) -> None:
    numbers = opened.page.locator("#ladder details table")
    assert not numbers.is_visible()

    opened.page.locator("#ladder summary").click()

    assert numbers.is_visible()
    assert "armv8.2_3" in (numbers.text_content() or "")


@pytest.mark.parametrize(("kind", "begin"), [("SVG", b"<?xml"), ("PNG", b"\x89PNG"),
                                             ("CSV", b"device,model")])  # fmt: skip
def test_a_plot_can_be_saved(opened: Opened, kind: str, begin: bytes) -> None:
    with opened.page.expect_download() as download:
        opened.page.locator("#ladder").get_by_role("button", name=f"Save {kind}").click()

    assert download.value.suggested_filename == f"ladder.{kind.lower()}"
    content = Path(download.value.path()).read_bytes()
    assert content.startswith(begin)
    assert len(content) > 500


def test_the_table_is_saved_as_it_is_filtered(opened: Opened) -> None:
    opened.page.locator("#cells select").first.select_option("qemu-board")

    with opened.page.expect_download() as download:
        opened.page.locator("#cells").get_by_role("button", name="Save CSV").click()

    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0].startswith("device,model,backend,ISA,threads,test,prefill tok/s,decode tok/s,")
    assert "verified,verified: note,record,record: note" in lines[0]
    assert len(lines) == 3
    assert all(line.startswith("qemu-board,") for line in lines[1:])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{"width": 1280, "height": 800}, PHONE])
def test_light_and_dark_wide_and_narrow(
    browser: Any, site: Path, scheme: str, size: dict[str, int]
) -> None:
    found = Opened(browser, site, color_scheme=scheme, viewport=size)

    width = found.page.evaluate("document.documentElement.scrollWidth")
    paper = found.page.evaluate("getComputedStyle(document.body).backgroundColor")
    corner = found.page.evaluate(
        """() => {
            const image = document.querySelector('#memory img');
            const canvas = document.createElement('canvas');
            canvas.width = canvas.height = 50;
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0);
            return context.getImageData(2, 2, 1, 1).data[0];
        }"""
    )
    found.context.close()

    assert width <= size["width"]
    assert (paper == "rgb(13, 17, 23)") == (scheme == "dark")
    # The picture follows the page: its paper is light by day and dark by night.
    assert (corner < 60) == (scheme == "dark")
    assert found.said == found.beside() == []


def test_on_a_phone_a_third_column_shows_that_the_table_goes_on(browser: Any, site: Path) -> None:
    found = Opened(browser, site, viewport=PHONE)

    left = found.page.locator("#cells thead th").nth(2).bounding_box()
    widths = found.page.locator("#cells select").evaluate_all(
        "each => each.map(one => one.getBoundingClientRect().right)"
    )
    found.context.close()

    assert left is not None
    assert left["x"] < PHONE["width"] - 40
    assert max(widths) <= PHONE["width"]
    assert len({round(each) for each in widths}) == 1


def test_the_model_stays_in_sight_as_its_row_is_scrolled(browser: Any, site: Path) -> None:
    opened = Opened(browser, site, viewport=PHONE)
    page = opened.page
    places = """[...document.querySelectorAll("#cells tr:first-child > :nth-child(2)")]
                .map(cell => cell.getBoundingClientRect().left)"""
    page.evaluate("document.querySelector('#cells .scroll').scrollLeft = 400")
    page.wait_for_timeout(50)
    head, first = page.evaluate(places)
    assert 0 <= first == head < PHONE["width"] / 2
    opened.context.close()


def test_hostile_records_do_nothing(browser: Any, tmp_path: Path) -> None:
    maker.write(tmp_path, "in/a.json", maker.hostile())

    found = Opened(browser, written(tmp_path), viewport=PHONE)
    found.page.get_by_role("button", name="decode tok/s").click()
    found.page.locator("#cells select").first.select_option(index=1)
    title = found.page.title()
    width = found.page.evaluate("document.documentElement.scrollWidth")
    scripts = found.page.evaluate("document.scripts.length")
    found.context.close()

    assert title == "Boards"
    assert width <= PHONE["width"]
    assert scripts == 1
    assert found.said == found.beside() == []


def test_without_scripts_everything_is_there_to_read(browser: Any, site: Path) -> None:
    found = Opened(browser, site, java_script_enabled=False)

    assert found.page.locator("#cells tbody tr").count() == 50
    assert found.page.locator("#ladder summary").is_visible()
    assert not found.page.locator("#ladder .tools").is_visible()
    found.context.close()

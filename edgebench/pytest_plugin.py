"""A pytest plugin: a project's own tests measure a model and hold it against a stored baseline.

    def test_decode_speed(edgebench):
        measured = edgebench.measure("smollm2-135m", workload="tg32")
        edgebench.assert_not_slower(measured, "tests/baselines/{device}.json", threshold=0.10)

It is loaded in every project that shares an environment with edgebench, so it imports nothing
before the fixture is used, and adds no marker, hook on tests, or output where it is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from edgebench.cli.testing import Bench

INCONCLUSIVE = ("skip", "warn", "fail")
_LINES = pytest.StashKey[list[str]]()


class EdgebenchWarning(pytest.PytestWarning):
    """Something was measured that a test does not fail for."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the command line and of the ini file; see docs/pytest.md."""
    group = parser.getgroup("edgebench", "measuring language models")
    group.addoption(
        "--edgebench-store",
        action="store_true",
        help="Write what is measured as the new baselines, instead of judging it.",
    )
    group.addoption(
        "--edgebench-inconclusive",
        choices=INCONCLUSIVE,
        default=None,
        help="What a test does when its interval reaches across the threshold: skip, warn, fail.",
    )
    parser.addini(
        "edgebench_inconclusive",
        "The same as --edgebench-inconclusive, for the project. Default: skip.",
        default="skip",
    )


@pytest.fixture(scope="session")
def edgebench(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Measures models in fresh processes, verified, and judges them against baselines."""
    from edgebench.cli.testing import Bench, Report

    return Bench(
        folder=tmp_path_factory.mktemp("edgebench"),
        root=pytestconfig.rootpath,
        store=bool(pytestconfig.getoption("edgebench_store")),
        report=Report(
            say=pytestconfig.stash.setdefault(_LINES, []).append,
            warn=_warn,
            fail=_fail,
            inconclusive={"skip": _skip, "warn": _warn, "fail": _fail}[_policy(pytestconfig)],
        ),
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was measured, stored or not shown; nothing where nothing was measured."""
    lines = terminalreporter.config.stash.get(_LINES, [])
    if lines:
        terminalreporter.section("edgebench")
        for line in lines:
            terminalreporter.write_line(line)


def _policy(config: pytest.Config) -> str:
    chosen = config.getoption("edgebench_inconclusive") or config.getini("edgebench_inconclusive")
    if chosen not in INCONCLUSIVE:
        raise pytest.UsageError(
            f"edgebench_inconclusive = {chosen}: it is one of {', '.join(INCONCLUSIVE)}."
        )
    return str(chosen)


def _warn(text: str) -> None:
    import warnings

    warnings.warn(EdgebenchWarning(text), stacklevel=4)


def _skip(text: str) -> None:
    pytest.skip(text)


def _fail(text: str) -> None:
    pytest.fail(text, pytrace=False)

"""The fixture `edgebench` of a sample project, on real weights and a real engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edgebench import files
from edgebench.schema.result import Result

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real
pytest_plugins = ["pytester"]


@pytest.mark.usefixtures("smollm2")
def test_a_project_measures_a_model_and_keeps_a_baseline(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makepyfile(
        """
        def test_decode_speed(edgebench):
            measured = edgebench.measure(
                "smollm2-135m", workload="pp16+tg8", threads=1, launches=4,
                options=["--trials", "1", "--meters", "none"],
            )
            edgebench.assert_not_slower(measured, "{device}.json", threshold=0.9)
        """
    )

    pytester.runpytest_subprocess("--edgebench-store").assert_outcomes(passed=1)
    (baseline,) = stored(pytester.path)
    found = pytester.runpytest_subprocess("-W", "ignore::pytest.PytestWarning")

    assert baseline.device.id
    assert baseline.cells[0].verification is not None
    assert baseline.cells[0].verification.status == "passed"
    # Whatever a busy machine makes of it, it was judged by its own interval.
    found.stdout.re_match_lines([r"(pass|WARN|inconclusive|FAIL): head .* threshold 90\.0%"])


def stored(folder: Path) -> list[Result]:
    return [files.read_json(path, Result) for path in folder.glob("*.json")]

"""The fixture `edgebench` as another project meets it, in sample projects that pytester runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from edgebench import files
from edgebench.schema.result import CellResult, Result
from tests.results_maker import DEVICE, cell, decode_launches, result, verification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytest_plugins = ["pytester"]

STEADY_MS = (10.0, 10.01, 9.99, 10.02, 9.98, 10.0, 10.01, 9.99)
WILD_MS = (10.0, 30.0, 5.0, 20.0, 10.0, 30.0, 5.0, 20.0)
MEASURES = """
    def test_decode(edgebench):
        measured = edgebench.measure(file="model.json", workload="tg4", launches=4)
        edgebench.assert_not_slower(measured, "base.json", threshold=0.10, metric="wall")
"""
READS = """
    def test_decode(edgebench):
        edgebench.assert_not_slower(edgebench.read("head.json"), "base.json", threshold=0.10)
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project without settings, with a fake model in it, and a cache of its own."""
    monkeypatch.setenv("EDGEBENCH_CACHE", str(pytester.path / "cache"))
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    (pytester.path / "model.json").write_text('{"edgebench_fake": 1}')
    return pytester


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    return project.runpytest_subprocess("-p", "no:cacheprovider", *options)


def write(path: Path, *step_ms: float, **fields: Any) -> None:
    """A record whose launches decode at that many milliseconds per token."""
    entry = CellResult(cell=cell(), verification=verification(), launches=decode_launches(*step_ms))
    path.write_text(files.to_json(result(entry, **fields)))


def records(project: pytest.Pytester, head_ms: Sequence[float], **fields: Any) -> None:
    """A baseline as usual, a record to judge, and the test that judges it."""
    write(project.path / "base.json", *STEADY_MS, run_id="00000001")
    write(project.path / "head.json", *(ms + 1e-6 for ms in head_ms), run_id="00000002", **fields)
    project.makepyfile(READS)


def test_a_baseline_is_stored_by_measuring_and_the_same_speed_passes(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(MEASURES)

    run(project, "--edgebench-store").assert_outcomes(passed=1)
    stored = files.read_json(project.path / "base.json", Result)
    assert len(stored.cells[0].launches) == 4
    found = run(project)

    found.assert_outcomes(passed=1)
    found.stdout.fnmatch_lines(["*= edgebench =*", "*fake*tg4*", "pass: head *threshold 10.0%*"])


def test_a_slower_model_fails_with_the_interval_of_the_ratio(project: pytest.Pytester) -> None:
    records(project, [1.5 * ms for ms in STEADY_MS])

    found = run(project)

    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["FAIL: head *", "*FAIL*decode tok/s*+50.0%*"])
    found.stdout.no_fnmatch_line("*Traceback*")


def test_a_little_slower_is_a_warning(project: pytest.Pytester) -> None:
    records(project, [1.05 * ms for ms in STEADY_MS])

    found = run(project)

    found.assert_outcomes(passed=1, warnings=1)
    found.stdout.fnmatch_lines(["*EdgebenchWarning: WARN*", "*lower, but by less than 10.0%*"])


@pytest.mark.parametrize(
    ("options", "outcome"),
    [
        ([], {"skipped": 1}),
        (["--edgebench-inconclusive=warn"], {"passed": 1, "warnings": 1}),
        (["-o", "edgebench_inconclusive=fail"], {"failed": 1}),
    ],
)
def test_what_is_not_shown_is_skipped_or_what_was_chosen(
    project: pytest.Pytester, options: list[str], outcome: dict[str, int]
) -> None:
    records(project, WILD_MS)

    found = run(project, "-rs", *options)

    found.assert_outcomes(**outcome)
    found.stdout.fnmatch_lines(["*he interval reaches from*"])


def test_an_unknown_policy_is_a_sentence(project: pytest.Pytester) -> None:
    records(project, STEADY_MS)

    found = run(project, "-o", "edgebench_inconclusive=perhaps")

    found.assert_outcomes(errors=1)
    found.stdout.fnmatch_lines(
        ["*edgebench_inconclusive = perhaps: it is one of skip, warn, fail*"]
    )


def test_a_baseline_of_another_device_is_refused_by_its_fields(project: pytest.Pytester) -> None:
    other = DEVICE.model_copy(update={"id": "board-8cpu", "logical_cpus": 8})
    records(project, STEADY_MS, device=other)

    found = run(project)

    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(
        ["*BadInput: *device.id: board-4cpu against board-8cpu; device.logical_cpus: 4 against 8.*"]
    )
    found.stdout.no_fnmatch_line("*device.board:*")


def test_a_baseline_per_device(project: pytest.Pytester) -> None:
    records(project, STEADY_MS)
    (project.path / "base.json").rename(project.path / f"{DEVICE.id}.json")
    project.makepyfile(READS.replace("base.json", "{device}.json"))

    run(project).assert_outcomes(passed=1)


def test_a_wrong_output_fails_before_any_speed(project: pytest.Pytester) -> None:
    (project.path / "model.json").write_text('{"edgebench_fake": 1, "wrong": true}')
    project.makepyfile(MEASURES)

    found = run(project, "--edgebench-store")

    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["*CellFailed: *its output is wrong*"])
    assert not (project.path / "base.json").exists()


def test_a_missing_baseline_says_how_to_make_one(project: pytest.Pytester) -> None:
    records(project, STEADY_MS)
    (project.path / "base.json").unlink()

    found = run(project)

    found.assert_outcomes(failed=1)
    found.stdout.fnmatch_lines(["*BadInput: *base.json does not exist. Write it with*"])


def test_errors_of_the_measurement_are_raised_as_they_are(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        from edgebench.errors import BadInput, UnknownName

        def test_unknown(edgebench):
            with pytest.raises(UnknownName, match="no-such-model"):
                edgebench.measure("no-such-model")

        def test_bad_threshold(edgebench):
            with pytest.raises(BadInput, match="no share"):
                edgebench.assert_not_slower(None, "x.json", threshold=10)
        """
    )
    run(project).assert_outcomes(passed=2)


def test_beside_pytest_benchmark(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_both(edgebench, benchmark):
            measured = edgebench.measure(file="model.json", workload="pp8+tg4", launches=2)
            benchmark(sum, [1, 2])
            benchmark.extra_info.update(measured.extra_info())
            assert measured.decode_tok_s.low <= measured.decode_tok_s.estimate
            assert measured.prefill_tok_s.launches == 2
        """
    )
    run(project, "--benchmark-json=b.json").assert_outcomes(passed=1)

    (entry,) = json.loads((project.path / "b.json").read_text())["benchmarks"]
    assert entry["extra_info"]["decode_tok_s"]["launches"] == 2


def test_a_project_that_does_not_use_it_does_not_notice(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import sys

        import pytest

        @pytest.fixture
        def edgebench():
            return "their own"

        def test_theirs(edgebench):
            assert edgebench == "their own"

        def test_nothing_heavy_is_imported():
            assert "edgebench.pytest_plugin" in sys.modules
            assert not {"pydantic", "typer", "numpy", "scipy", "yaml"} & set(sys.modules)
        """
    )
    # Other plugins of this environment import what they like.
    found = run(project, "-p", "no:benchmark", "-p", "no:hypothesispytest")

    found.assert_outcomes(passed=2)
    found.stdout.no_fnmatch_line("*= edgebench =*")

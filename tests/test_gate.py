"""The gate's rule, its evidence, its formats, and the verb as a pull request meets it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from edgebench import files
from edgebench.analysis import checking, gate, gate_evidence
from edgebench.analysis.compare_reading import samples_of
from edgebench.analysis.gate import Evidence
from edgebench.analysis.gate_launches import Launches
from edgebench.analysis.gate_merging import merge
from edgebench.analysis.stats import LogRatio
from edgebench.cli import contest, gating
from edgebench.cli.verbs import app
from edgebench.errors import BadInput, Interrupted
from edgebench.measure import interleave
from edgebench.report import gate as gate_table
from edgebench.report import junit, pull_request
from edgebench.schema.comparison import GateReport
from edgebench.schema.result import CellResult, Result
from tests.conftest import Edgebench, Script, golden
from tests.results_maker import DEVICE, cell, decode_launches, result, verification

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edgebench.analysis.compare_samples import Sample

THRESHOLD = 0.05
errors = st.floats(1e-4, 0.2)
logs = st.floats(-0.5, 0.5)


def slowdown(percent: float, error: float = 0.01, degrees: int = 19) -> LogRatio:
    return LogRatio(math.log(1 + percent / 100), error, degrees)


def evidence(first: LogRatio, second: LogRatio | None = None, **fields: Any) -> Evidence:
    plain = Evidence("a cell", "0" * 12, "cpu_s_per_token", 20, first, first, second, None)
    return plain._replace(**fields)


def verdict(first: LogRatio, second: LogRatio | None = None) -> str:
    (found,) = gate.judge([evidence(first, second)], THRESHOLD)
    return found.verdict


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (slowdown(0), None, "pass"),
        (slowdown(-20), None, "pass"),
        (slowdown(3, error=0.001), None, "warn"),
        (slowdown(8), None, "warn"),
        (slowdown(15), slowdown(15), "fail"),
        (slowdown(15), slowdown(0), "warn"),
        (slowdown(15), None, "warn"),
        (slowdown(0, error=0.1), None, "inconclusive"),
        (slowdown(6, error=0.1), slowdown(50), "inconclusive"),
    ],
)
def test_the_rule(first: LogRatio, second: LogRatio | None, expected: str) -> None:
    assert verdict(first, second) == expected


@given(logs, errors, logs, errors)
def test_fail_needs_both_intervals_above_the_threshold(
    one: float, one_error: float, two: float, two_error: float
) -> None:
    first, second = LogRatio(one, one_error, 19), LogRatio(two, two_error, 19)
    fails = verdict(first, second) == "fail"
    above = [each.bounds()[0] > 1 + THRESHOLD for each in (first, second)]
    assert fails == all(above)


@given(logs, errors)
def test_one_set_of_launches_never_fails(one: float, error: float) -> None:
    assert verdict(LogRatio(one, error, 19)) != "fail"


@given(logs, errors, st.floats(0.01, 0.3))
def test_a_slower_head_is_never_judged_more_kindly(one: float, error: float, more: float) -> None:
    before = verdict(LogRatio(one, error, 19), LogRatio(one, error, 19))
    after = verdict(LogRatio(one + more, error, 19), LogRatio(one + more, error, 19))
    assert not (before == "fail" and after != "fail")
    assert not (before != "pass" and after == "pass")


def test_many_cells_count_as_one_question() -> None:
    nearly = slowdown(8)
    assert verdict(nearly, nearly) == "fail"

    found = gate.judge([evidence(nearly, nearly)] + [evidence(slowdown(0))] * 30, THRESHOLD)

    assert found[0].verdict == "warn"


def test_the_worst_judgement_is_the_gates() -> None:
    assert gate.worst(["pass", "fail", "inconclusive"]) == "fail"
    assert gate.worst(["pass", "inconclusive", "warn"]) == "inconclusive"
    assert gate.worst(["pass", "warn"]) == "warn"
    assert gate.worst([]) == "inconclusive", "nothing was shown"


STEPS_MS = (10.0, 10.1, 9.9, 10.05, 9.95, 10.02, 10.1, 9.93)


def record(*step_ms: float, status: str = "passed", **fields: Any) -> Result:
    verified = verification(status, "KL is 3" if status == "failed" else None)
    launches = decode_launches(*(step_ms or STEPS_MS))
    return result(CellResult(cell=cell(), verification=verified, launches=launches), **fields)


def gathered(base: Result, head: Result, **fields: Any) -> gate_evidence.Material:
    one, two = samples_of(base, "base.json"), samples_of(head, "head.json")
    return gate_evidence.gather(one, two, **({"detectable": {}} | fields))


def slower(factor: float) -> tuple[float, ...]:
    return tuple(factor * ms for ms in STEPS_MS)


def test_records_are_confirmed_by_their_other_half() -> None:
    once = gathered(record(), record(*slower(1.2)[:4], *STEPS_MS[4:]))
    twice = gathered(record(), record(*slower(1.2)))

    assert [j.verdict for j in gate.judge(once.evidence, THRESHOLD)] != ["fail"]
    assert [j.verdict for j in gate.judge(twice.evidence, THRESHOLD)] == ["fail"]


def test_fresh_pairs_confirm_and_are_not_mixed_with_the_first() -> None:
    material = gathered(record(), record(*slower(1.2)[:4], *STEPS_MS[4:]), first_rounds=4)

    (found,) = gate.judge(material.evidence, THRESHOLD)

    assert found.pairs == 4
    assert found.verdict == "warn"
    assert found.reason.endswith("which a second set did not confirm.")
    assert found.confirmation is not None
    assert found.confirmation.estimate == pytest.approx(1.0)


def test_a_wrong_head_fails_in_its_own_words() -> None:
    material = gathered(record(), record(status="failed"))

    (found,) = material.decided
    assert found.verdict == "fail"
    assert found.reason == "Head has no speed: its output is wrong. KL is 3."
    assert found.slowdown is None


def test_a_wrong_base_decides_nothing() -> None:
    (found,) = gathered(record(status="failed"), record()).decided
    assert found.verdict == "inconclusive"
    assert "base has no speed" in found.reason


def unverified() -> Result:
    return result(CellResult(cell=cell(), verification=None, launches=decode_launches(*STEPS_MS)))


def test_an_output_that_nobody_verified_is_not_called_wrong() -> None:
    (found,) = gathered(record(), unverified()).decided
    assert found.verdict == "inconclusive"
    assert found.reason == "cells.verification: head has no speed: its output was not verified."


def test_a_launch_that_was_wrong_outweighs_one_that_was_not_verified() -> None:
    merged = merge([unverified(), record(10, status="failed")], "0123abcd")
    (found,) = gathered(record(), merged).decided
    assert found.verdict == "fail"


def test_the_name_of_a_field_keeps_its_case() -> None:
    device = DEVICE.model_copy(update={"emulated": "qemu-aarch64"})
    (found,) = gathered(record(device=device), record(device=device)).decided
    assert found.reason.startswith("device.emulated: base ran on an emulated CPU")


def contended(sample: Sample, share: float) -> Sample:
    return sample._replace(contention=share)


@pytest.mark.parametrize(
    ("wish", "share", "expected"),
    [
        ("auto", 0.0, ("decode_tok_s",)),
        ("auto", 0.3, ("cpu_s_per_token",)),
        ("wall", 0.3, ("decode_tok_s",)),
        ("cpu", 0.0, ("cpu_s_per_token",)),
    ],
)
def test_cpu_time_is_judged_where_other_programs_ran(
    wish: gate_evidence.Wish, share: float, expected: Sequence[str]
) -> None:
    (sample,) = samples_of(record(), "a")
    found = gate_evidence.gated_metrics(sample, contended(sample, share), wish)
    assert found == expected


def test_a_threshold_below_what_was_calibrated_is_refused() -> None:
    known = {("0" * 12, "decode_tok_s"): 0.08, ("0" * 12, "cpu_s_per_token"): 0.03}

    said = gate_evidence.too_fine(0.05, known, ["decode_tok_s"])  # type: ignore[arg-type]

    assert said is not None
    assert "5.0%" in said
    assert "8.0%" in said
    assert gate_evidence.too_fine(0.05, known, ["cpu_s_per_token"]) is None  # type: ignore[arg-type]


@given(st.dictionaries(st.integers(0, 30), st.floats(0.5, 2), min_size=4), st.booleans())
def test_halves_share_no_launch_and_lose_none(base: dict[int, float], in_turns: bool) -> None:
    first, second = Launches(base, base, in_turns).halves()
    assert {*first.base} | {*second.base} == {*base}
    assert not {*first.base} & {*second.base}
    assert abs(len(first.base) - len(second.base)) <= 1


def test_merged_launches_are_a_sound_record_and_pairs() -> None:
    rounds = [record(ms) for ms in STEPS_MS]

    base, head = (merge(rounds, "0123abcd") for _ in range(2))

    assert list(checking.problems(base)) == []
    assert [launch.round for launch in base.cells[0].launches] == list(range(8))
    assert gathered(base, head).evidence[0].pairs == 8


def test_one_launch_that_was_wrong_makes_the_side_wrong() -> None:
    merged = merge([record(10), record(10, status="failed"), record(10)], "0123abcd")
    (found,) = gathered(record(), merged).decided
    assert found.verdict == "fail"


def report(*judged: Evidence, label: str = "a cell", notes: tuple[str, ...] = ()) -> GateReport:
    judgements = tuple(gate.judge([each._replace(label=label) for each in judged], THRESHOLD))
    return GateReport(
        schema_version=1,
        created_utc="2026-01-01T00:00:00Z",
        base="old",
        head="new",
        threshold=THRESHOLD,
        interleaved=True,
        verdict=gate.worst([each.verdict for each in judgements]),
        judgements=judgements,
        notes=notes,
    )


def unverifiable(*step_ms: float) -> Result:
    made = record(*step_ms, status="not_possible")
    (entry,) = made.cells
    why = verification("not_possible", "A graph of others.")
    return made.model_copy(update={"cells": (entry.model_copy(update={"verification": why}),)})


def test_speeds_that_nobody_could_verify_are_judged_and_say_so() -> None:
    material = gathered(unverifiable(), unverifiable(*STEPS_MS[::-1]))

    whole = report(*material.evidence, notes=tuple(material.notes))

    (found,) = whole.judgements
    assert (found.verdict, found.unverified) == ("pass", True)
    assert found.reason.endswith("Unverified: whether the output is right is not known.")
    assert "Unverified: the output of base was not judged. A graph of others." in whole.notes
    assert "Unverified: the output of head was not judged. A graph of others." in whole.notes
    assert gate_table.headline(whole).startswith("pass (unverified): head")
    assert "\n pass (unverified) " in gate_table.render(whole)
    assert "| pass (unverified) |" in pull_request.render(whole).replace("\\", "")
    assert 'decode_tok_s (unverified)"' in junit.render(whole)


@pytest.mark.parametrize(("name", "place"), [("Base", 0), ("Head", 1)])
def test_one_side_that_could_not_be_verified_never_passes(name: str, place: int) -> None:
    records = [record(), record(*STEPS_MS[::-1])]
    records[place] = unverifiable(*STEPS_MS[2:], *STEPS_MS[:2])

    (decided,) = gathered(*records).decided

    assert decided.verdict == "inconclusive"
    assert decided.reason == f"{name} alone could not be verified: A graph of others."


ALL = (
    evidence(slowdown(0)),
    evidence(slowdown(8)),
    evidence(slowdown(15), slowdown(14)),
    evidence(slowdown(0, error=0.1)),
)


def test_the_decision_as_a_table() -> None:
    golden("gate.txt", gate_table.render(report(*ALL, notes=("A note.",))))


def test_the_decision_as_a_comment() -> None:
    golden("gate.md", pull_request.render(report(*ALL, notes=("A note.",))))


def test_the_decision_as_junit() -> None:
    text = junit.render(report(*ALL, notes=("A note.",)))
    golden("gate.xml", text)
    suite = ET.fromstring(text)
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "1")


HOSTILE = "</testsuite><script>|`x`\x00\x1b[31m\ud800 @everyone ]]> &"


def test_strangers_strings_stay_text_everywhere() -> None:
    made = report(ALL[2], label=HOSTILE, notes=(HOSTILE.replace("\ud800", ""),))

    ET.fromstring(junit.render(made))
    assert "\x1b" not in gate_table.render(made)
    comment = pull_request.render(made)
    assert "<script>" not in comment
    assert "@everyone" not in comment


RULES = gating.Rules(THRESHOLD, "wall")
SIDES = (interleave.side_of("base", None, "--threads 1", ()),
         interleave.side_of("head", None, "--file=/home/somebody/new.gguf", ()))  # fmt: skip


class Played:
    """Plays launches from given milliseconds per step; a second passes with each.

    Somebody presses Ctrl-C in place of launch `interrupted_at`.
    """

    def __init__(
        self, cache: Path, interrupted_at: int | None = None, **step_ms: tuple[float, ...]
    ) -> None:
        self.launched: list[str] = []
        self._interrupted_at = interrupted_at
        self._step_ms, self._cache = step_ms, cache

    def world(self) -> contest.World:
        return contest.World(
            launch=self._launch,
            cache=self._cache,
            say=lambda _: None,
            monotonic_s=lambda: float(len(self.launched)),
            utc=lambda: "2026-01-01T00:00:00Z",
        )

    def _launch(self, side: interleave.Side, _path: Path) -> Result:
        if len(self.launched) == self._interrupted_at:
            raise KeyboardInterrupt
        number = self.launched.count(side.name)
        self.launched.append(side.name)
        return record(self._step_ms[side.name][number % 8])


def limits(**fields: Any) -> contest.Limits:
    return contest.Limits(pairs=8, max_time_s=1000, seed=1)._replace(**fields)


def test_a_slowdown_is_measured_again_and_fails(tmp_path: Path) -> None:
    played = Played(tmp_path, base=STEPS_MS, head=slower(1.2))

    found = gating.judge_in_turns(SIDES, RULES, limits(), tmp_path / "gate", played.world())

    assert found.verdict == "fail"
    assert len(played.launched) == 2 * 8 * 2
    assert found.head == "--file=new.gguf", "reports are made to be shared"
    assert {each.problem for each in checking.check([tmp_path / "gate"])} == {None}


def test_no_slowdown_is_not_measured_again(tmp_path: Path) -> None:
    played = Played(tmp_path, base=STEPS_MS, head=STEPS_MS[::-1])

    found = gating.judge_in_turns(SIDES, RULES, limits(), tmp_path / "gate", played.world())

    assert found.verdict == "pass"
    assert len(played.launched) == 8 * 2


def test_every_pair_has_an_order_of_its_own(tmp_path: Path) -> None:
    played = Played(tmp_path, base=STEPS_MS, head=STEPS_MS)

    gating.judge_in_turns(SIDES, RULES, limits(), tmp_path / "gate", played.world())

    pairs = [tuple(played.launched[i : i + 2]) for i in range(0, 16, 2)]
    assert {frozenset(pair) for pair in pairs} == {frozenset({"base", "head"})}
    assert len(set(pairs)) == 2, "sometimes head is first"


def test_time_that_runs_out_leaves_fewer_pairs_and_says_so(tmp_path: Path) -> None:
    played = Played(tmp_path, base=STEPS_MS, head=slower(1.2))

    found = gating.judge_in_turns(
        SIDES, RULES, limits(max_time_s=6), tmp_path / "gate", played.world()
    )

    assert len(played.launched) == 6
    assert found.verdict == "warn", "nothing confirmed it"
    assert "--max-time was spent after 3 pairs." in found.notes


def test_an_interrupted_gate_keeps_its_finished_pairs_and_says_where(tmp_path: Path) -> None:
    played = Played(tmp_path, interrupted_at=7, base=STEPS_MS, head=STEPS_MS)

    with pytest.raises(Interrupted, match="after 3 pairs") as said:
        gating.judge_in_turns(SIDES, RULES, limits(), tmp_path / "gate", played.world())

    paths = sorted((tmp_path / "gate").iterdir())
    assert [path.name.partition("-")[2] for path in paths] == ["base.json", "head.json"]
    assert all(str(path) in str(said.value) for path in paths)
    kept = [files.read_json(path, Result) for path in paths]
    assert [len(each.cells[0].launches) for each in kept] == [3, 3]
    assert {each.schedule.stopped_because for each in kept} == {"interrupted"}
    assert {each.problem for each in checking.check([tmp_path / "gate"])} == {None}


def test_an_interruption_in_the_first_pair_keeps_nothing_and_says_so(tmp_path: Path) -> None:
    played = Played(tmp_path, interrupted_at=1, base=STEPS_MS, head=STEPS_MS)

    with pytest.raises(Interrupted, match="Nothing is kept"):
        gating.judge_in_turns(SIDES, RULES, limits(), tmp_path / "gate", played.world())

    assert not (tmp_path / "gate").exists()


def test_an_interrupted_calibration_keeps_nothing_and_says_so(tmp_path: Path) -> None:
    played = Played(tmp_path, interrupted_at=9, a=STEPS_MS, b=STEPS_MS[::-1])

    with pytest.raises(Interrupted, match=r"after 4 pairs of 8\..*nothing is kept"):
        gating.calibrate(SIDES[0], limits(), played.world())

    assert not (tmp_path / "calibration").exists()


def test_a_calibration_without_scatter_is_not_kept(tmp_path: Path) -> None:
    said: list[str] = []
    world = Played(tmp_path, a=STEPS_MS, b=STEPS_MS).world()._replace(say=said.append)

    assert gating.calibrate(SIDES[0], limits(), world) == []

    assert any("decode_tok_s: no scatter was seen" in line for line in said)
    assert not (tmp_path / "calibration").exists()


def test_what_was_calibrated_refuses_a_finer_gate_at_once(tmp_path: Path) -> None:
    noisy = tuple(
        ms * f for ms, f in zip(STEPS_MS, (1, 1.3, 0.8, 1.2, 0.9, 1, 1.3, 0.7), strict=True)
    )
    played = Played(tmp_path, a=STEPS_MS, b=noisy, base=STEPS_MS, head=STEPS_MS)

    (found,) = gating.calibrate(SIDES[0], limits(), played.world())
    assert found.pairs == 8
    assert found.metrics["decode_tok_s"].smallest > THRESHOLD
    played.launched.clear()
    with pytest.raises(BadInput, match="finer than what this machine can show"):
        gating.judge_in_turns(SIDES, RULES, limits(), tmp_path / "gate", played.world())

    assert len(played.launched) == 2
    coarse = RULES._replace(threshold=0.9)
    assert (
        gating.judge_in_turns(SIDES, coarse, limits(), tmp_path, played.world()).verdict == "pass"
    )


def test_a_quiet_machine_shows_smaller_slowdowns(tmp_path: Path) -> None:
    def smallest(spread: float) -> float:
        b = tuple(ms * (1 + spread * (-1) ** i) for i, ms in enumerate(STEPS_MS))
        (found,) = gating.calibrate(SIDES[0], limits(), Played(tmp_path, a=STEPS_MS, b=b).world())
        return found.metrics["decode_tok_s"].smallest

    assert smallest(0.01) < smallest(0.05) < smallest(0.2)


def test_two_option_sets_through_real_workers(
    edgebench: Edgebench, script: Script, tmp_path: Path
) -> None:
    path = script(step_ns=[2_000_000], launch_factors=[1.0, 1.01, 0.99])

    done = edgebench("gate", "--base-args", f"--file {path}", "--head-args", f"--file {path}",
                     "--pairs", "2", "--metric", "wall", "--json", "--junit", "gate.xml",
                     "--markdown", "gate.md", "--", "--workload", "tg4",
                     "--threads", "1")  # fmt: skip

    found = GateReport.model_validate_json(done.stdout)
    assert (found.interleaved, found.judgements[0].pairs) == (True, 2)
    assert ET.parse(tmp_path / "gate.xml").getroot().get("tests") == "1"
    assert "edgebench gate" in (tmp_path / "gate.md").read_text()
    assert edgebench("check", "gate").returncode == 0


def test_records_through_the_verb_and_its_exit_codes(tmp_path: Path) -> None:
    wide = record(*(ms * (0.7 if i % 2 else 1.4) for i, ms in enumerate(STEPS_MS)))
    again = record(*slower(1.0001))
    records = {"a": record(), "again": again, "slow": record(*slower(1.2)), "wide": wide}
    for name, made in records.items():
        (tmp_path / f"{name}.json").write_text(files.to_json(made))

    def code(head: str, *options: str) -> int:
        paths = [str(tmp_path / "a.json"), str(tmp_path / head)]
        environ = {"EDGEBENCH_CACHE": str(tmp_path)}
        return CliRunner().invoke(app, ["gate", *paths, *options], env=environ).exit_code

    assert code("again.json", "--metric", "wall") == 0
    assert code("slow.json", "--metric", "wall") == 1
    assert code("wide.json", "--metric", "wall") == 3
    assert code("wide.json", "--metric", "wall", "--inconclusive", "pass") == 0
    assert code("wide.json", "--metric", "wall", "--inconclusive", "fail") == 1


def gate_of(tmp_path: Path, *names: str) -> GateReport:
    world = Played(tmp_path).world()
    base, head = (tmp_path / name for name in names)
    return gating.judge_records(base, head, RULES, world)


def test_a_record_is_not_gated_against_its_copy(tmp_path: Path) -> None:
    for name in ("a.json", "copy.json"):
        (tmp_path / name).write_text(files.to_json(record()))

    for head in ("a.json", "copy.json"):
        with pytest.raises(BadInput, match="are the same launches"):
            gate_of(tmp_path, "a.json", head)


def test_the_records_of_a_gate_can_be_gated_again(tmp_path: Path) -> None:
    played = Played(tmp_path, base=STEPS_MS, head=slower(1.001))
    gating.judge_in_turns(SIDES, RULES, limits(), tmp_path / "gate", played.world())

    base, head = sorted((tmp_path / "gate").iterdir())

    assert gate_of(tmp_path, str(base), str(head)).interleaved


def test_a_gated_record_is_read_as_strictly_as_check_reads_it(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(files.to_json(record()))
    twice = files.to_json(record(*slower(2))).replace("{", '{"run_id": "0123abcd",', 1)
    (tmp_path / "twice.json").write_text(twice)

    with pytest.raises(BadInput, match="duplicate key 'run_id'"):
        gate_of(tmp_path, "a.json", "twice.json")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--", "--model", "smollm2-135m"), "--base-args and --head-args"),
        (("a.json", "b.json", "--", "--threads", "2"), "records are not run again"),
        (("a.json", "b.json", "--base-args", "--threads 1"), "judges records or measures sides"),
    ],
)
def test_what_cannot_be_gated_is_a_sentence(arguments: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(app, ["gate", *arguments])
    assert isinstance(done.exception, BadInput)
    assert said in str(done.exception)


def test_the_verb_without_two_sides_is_a_sentence(edgebench: Edgebench) -> None:
    done = edgebench("gate", "a.json")

    assert done.returncode == 2
    assert done.stderr.startswith("edgebench: gate needs two records, or --base and --head.")


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

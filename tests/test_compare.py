"""Which records may be compared, what is said of them, and what is refused."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from edgebench import files
from edgebench.analysis import comparable
from edgebench.analysis.compare import SAME, compare
from edgebench.analysis.compare_reading import read_side, samples_of
from edgebench.analysis.compare_samples import Sample, SideSamples, key
from edgebench.analysis.energy import Figure
from edgebench.errors import BadInput
from edgebench.report import comparison
from edgebench.schema.cell import Options
from edgebench.schema.comparison import Comparison, Difference
from edgebench.schema.interval import Interval
from edgebench.schema.result import CellResult, Result
from tests.conftest import Edgebench, golden
from tests.results_maker import DEVICE, FILE, cell, decode_launches, result, verification

if TYPE_CHECKING:
    from pathlib import Path

STEPS_MS = (10.0, 10.1, 9.9, 10.05, 9.95)
SLOWER_MS = tuple(1.2 * ms for ms in STEPS_MS)


def record(*step_ms: float, cells: tuple[Any, ...] = (), **fields: Any) -> Result:
    entries = cells or (cell(),)
    launches = decode_launches(*(step_ms or STEPS_MS))
    return result(
        *(CellResult(cell=c, verification=verification(), launches=launches) for c in entries),
        **fields,
    )


def side(name: str, *records: Result) -> SideSamples:
    samples = [sample for each in records for sample in samples_of(each, name)]
    return SideSamples(name, len(records), tuple(samples), {})


def decode(found: Comparison) -> Difference:
    (one,) = (each for each in found.differences if each.metric == "decode_tok_s")
    return one


def test_a_slower_head_is_worse_in_what_got_slower_and_in_nothing_else() -> None:
    found = compare([side("old", record()), side("new", record(*SLOWER_MS))])

    findings = {each.metric: each.finding for each in found.differences}
    assert findings == {
        "decode_tok_s": "worse",
        "load_s": "not_shown",
        "peak_rss_bytes": "not_shown",
        "cpu_s_per_token": "not_shown",
    }
    assert decode(found).ratio.estimate == pytest.approx(1 / 1.2)


def test_launches_of_one_schedule_are_pairs_and_those_of_two_sessions_are_not() -> None:
    base = side("old", record(*STEPS_MS))
    in_turns = decode(compare([base, side("new", record(*SLOWER_MS))]))
    apart = compare([base, side("new", record(*SLOWER_MS, run_id="ffffffff"))])

    assert in_turns.interleaved
    assert in_turns.notes == ()
    assert not decode(apart).interleaved
    assert apart.footnotes[decode(apart).notes[0] - 1] == comparable.SEPARATE
    low, low_apart = in_turns.ratio.low, decode(apart).ratio.low
    assert low is not None
    assert low_apart is not None
    assert low > low_apart, "drift that both share cancels in pairs"


def test_only_rounds_that_both_sides_finished_are_pairs() -> None:
    full, twice = record(10, 20, 40), record(22, 44, 88)
    (entry,) = twice.cells
    gap = twice.model_copy(
        update={"cells": (entry.model_copy(update={"launches": entry.launches[1:]}),)}
    )

    found = decode(compare([side("old", full), side("new", gap)]))

    assert found.ratio.estimate == pytest.approx(1 / 2.2), (
        "the missing first round pairs with nothing"
    )


def test_a_single_launch_has_a_ratio_and_no_verdict() -> None:
    found = decode(compare([side("old", record(10)), side("new", record(20))]))

    assert found.finding == "too_few_launches"
    assert (found.ratio.low, found.ratio.high, found.ratio.p_adjusted) == (None, None, None)


def test_more_comparisons_need_stronger_evidence() -> None:
    nearly = tuple(ms * f for ms, f in zip(STEPS_MS, (1.02, 1.03, 1.012, 1.03, 1.02), strict=True))
    alone = decode(compare([side("old", record()), side("new", record(*nearly))]))
    cells = tuple(cell(threads=n) for n in range(1, 13))
    many = compare([side("old", record(cells=cells)), side("new", record(*nearly, cells=cells))])

    assert alone.finding == "worse"
    assert {d.finding for d in many.differences} == {"not_shown"}


BACKEND = cell(backend="onnxruntime")
OTHER_QUANT = FILE.model_copy(update={"sha256": "b" * 64, "quant": "Q4_1", "chain": ("Q4_1",)})
OTHER_MODEL = FILE.model_copy(update={"sha256": "c" * 64, "model": "other"})
SYNTHETIC = FILE.model_copy(update={"sha256": "d" * 64, "weights": "synthetic", "seed": 1})


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (record(cells=(BACKEND,)), "differ in backend: llama.cpp against onnxruntime"),
        (record(cells=(cell(threads=2),)), "differ in threads: 4 against 2"),
        (
            record(cells=(cell(options=Options(flash_attention=False)),)),
            "differ in options.flash_attention: True against False",
        ),
        (
            record(cells=(cell(file="b" * 64),), files=(OTHER_QUANT,)),
            "tiny Q4_0 (aaaaaaaaaaaa) against tiny Q4_1 (bbbbbbbbbbbb)",
        ),
        (
            record(*SLOWER_MS, device=DEVICE.model_copy(update={"kernel": "Linux 7.0"})),
            "device.kernel: Linux 6.6 against Linux 7.0",
        ),
    ],
)
def test_what_differs_and_does_not_forbid_is_a_footnote(head: Result, said: str) -> None:
    found = compare([side("old", record()), side("new", head)])

    notes = [found.footnotes[number - 1] for number in decode(found).notes]
    assert any(said in note for note in notes), notes


def wrong() -> Result:
    entry = CellResult(
        cell=cell(), verification=verification("failed", "KL is 3."), launches=decode_launches(1)
    )
    return result(entry)


@pytest.mark.parametrize(
    ("head", "field", "said"),
    [
        (record(cells=(cell("tg8"),)), "cell.workload", "Only new has the workload tg8"),
        (record(cells=(cell(file="c" * 64),), files=(OTHER_MODEL,)), "cell.file", "Other weights"),
        (
            record(cells=(cell(file="d" * 64),), files=(SYNTHETIC,)),
            "files.weights",
            "real against synthetic",
        ),
        (wrong(), "cells.verification", "its output is wrong. KL is 3."),
    ],
)
def test_what_cannot_be_compared_is_refused_and_names_the_field(
    head: Result, field: str, said: str
) -> None:
    with pytest.raises(BadInput) as refusal:
        compare([side("old", record()), side("new", head)])

    assert field in str(refusal.value)
    assert said in str(refusal.value)


def test_an_emulated_cpu_has_no_speed() -> None:
    (sample,) = samples_of(record(), "new")
    machine = sample.machine._replace(emulated="qemu-aarch64")

    found = list(comparable.obstacles(sample, sample._replace(machine=machine)))

    assert [each.field for each in found] == ["device.emulated"]


def emulated(made: Result, device: str = "imagined") -> Result:
    """As `run` under qemu-user writes it."""
    marked = DEVICE.model_copy(update={"id": device, "emulated": "qemu-aarch64"})
    entries = tuple(each.model_copy(update={"emulated": "qemu-aarch64"}) for each in made.cells)
    return made.model_copy(update={"device": marked, "cells": entries, "summary": {}})


def test_an_emulated_device_beside_others_is_refused_and_not_forgotten() -> None:
    made = emulated(record())

    for found in (
        compare([side("all", record(), made)]),
        compare([side("real", record()), side("emulated", made)]),
    ):
        assert {row.device for row in found.devices} == {"board-4cpu"}
        (refusal,) = found.refusals
        assert refusal.fields == ("device.emulated",)
        assert "imagined" in refusal.reason


def test_a_wrong_cell_of_another_device_is_refused_and_not_forgotten() -> None:
    there = wrong().model_copy(update={"device": DEVICE.model_copy(update={"id": "other"})})

    (refusal,) = compare([side("all", record(), there)]).refusals

    assert refusal.fields == ("cells.verification",)
    assert refusal.reason == "On other it has no speed: its output is wrong. KL is 3."


def test_older_results_are_counted_of_cells_that_are_shown() -> None:
    real, other = (
        side("all", each)._replace(older={("board-4cpu", cell().id): 2, ("imagined", cell().id): 7})
        for each in (record(), emulated(record()))
    )
    both = real._replace(samples=(*real.samples, *other.samples))

    assert compare([both]).footnotes == ("all holds 2 older results of these cells: left out.",)


def test_launches_against_themselves_say_nothing() -> None:
    found = compare([side("old", record()), side("copy", record())])

    assert {each.finding for each in found.differences} == {"not_shown"}
    assert {each.ratio.low for each in found.differences} == {None}
    assert found.footnotes == (SAME,)


def test_a_tie_is_not_paired_by_guessing() -> None:
    heads = record(cells=(cell(threads=1), cell(threads=2)))

    with pytest.raises(BadInput, match="equally near"):
        compare([side("old", record()), side("new", heads)])


def test_devices_stand_beside_each_other_and_are_never_tested() -> None:
    other = record(*SLOWER_MS, device=DEVICE.model_copy(update={"id": "other"}))

    found = compare([side("all", record(), other)])

    assert found.differences == ()
    rates = {row.device: row.rate.estimate for row in found.devices}
    assert rates["board-4cpu"] == pytest.approx(1.2 * rates["other"])
    assert [row.per_core for row in found.devices] == pytest.approx(
        [row.rate.estimate / 4 for row in found.devices]
    )
    assert {row.per_gb_s for row in found.devices} == {None}, "no bandwidth was measured"


def test_per_bandwidth_is_for_the_threads_that_were_measured() -> None:
    (sample,) = samples_of(record(), "a")
    machine = sample.machine._replace(bandwidth_gb_s={4: 10.0, 2: 7.0})

    found = compare([SideSamples("a", 1, (sample._replace(machine=machine),), {})])

    (row,) = found.devices
    assert row.per_gb_s == pytest.approx(row.rate.estimate / 10)


def test_per_watt_names_the_meter_and_per_dollar_the_profile() -> None:
    device = DEVICE.model_copy(update={"profile": "raspberry-pi/5"})
    (sample,) = samples_of(record(device=device), "a")
    told = Figure(
        phase="decode", method="wall_meter", scope="system", quality="A", meters=("plug",),
        joules_per_token=None, tokens_per_joule=Interval(estimate=2.5, low=2, high=3, launches=5),
        watts=None, idle_watts=None, above_idle_joules_per_token=None, window_s=9.0, samples=90,
        reason=None,
    )  # fmt: skip

    found = compare([SideSamples("a", 1, (sample._replace(energy=(told,)),), {})])

    (row,) = found.devices
    assert (row.per_watt, row.watts_by) == (2.5, "wall_meter, system, A")
    assert sample.machine.price_usd is not None
    assert row.per_usd == pytest.approx(row.rate.estimate / sample.machine.price_usd)
    table = comparison.text(found)
    assert "per W" in table
    assert "wall_meter, system, A" in table


@pytest.mark.parametrize("profile", [None, "../../etc/passwd", "no/such-board", "a/b/../../c"])
def test_a_profile_that_does_not_ship_has_no_price(profile: str | None) -> None:
    device = DEVICE.model_copy(update={"profile": profile})
    (sample,) = samples_of(record(device=device), "a")
    assert sample.machine.price_usd is None


def write(folder: Path, name: str, made: Result) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(files.to_json(made))
    return path


def test_extreme_figures_are_shown_and_crash_nothing() -> None:
    found = compare([side("old", record(1e-6, 1e12)), side("new", record(1e12, 1e-6))])

    assert all(len(line) < 300 for line in comparison.text(found).splitlines())


def test_the_newest_session_stands_for_a_cell_and_older_ones_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "all", "a.json", record(started_utc="2026-01-02T00:00:00Z"))
    write(tmp_path / "all", "b.json", record(*SLOWER_MS, started_utc="2026-01-01T00:00:00Z"))

    found = read_side(tmp_path / "all")

    (kept,) = found.samples
    assert (kept.source, found.records) == ("a.json", 2)
    assert found.older == {key(kept): 1}


def test_a_sample_holds_one_number_per_launch_however_many_trials_there_are() -> None:
    (sample,) = samples_of(record(), "a")

    assert {len(values) for values in sample.values.values()} == {len(STEPS_MS)}


def _damage(text: str, how: str) -> bytes:
    document = json.loads(text)
    if how == "not text":
        return b"\xff\xfe\x00"
    if how == "truncated":
        return text[: len(text) // 2].encode()
    if how == "deep":
        return b"[" * 100_000
    if how == "unknown key":
        document["surprise"] = 1
    if how == "wrong type":
        document["cells"] = "none"
    if how == "wrong id":
        document["cells"][0]["cell"]["id"] = "0" * 12
    if how == "no such file":
        document["files"] = []
    if how == "huge number":
        document["cells"][0]["launches"][0]["trials"][1]["step_ns"][0] = 2**70
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "how",
    ["not text", "truncated", "deep", "unknown key", "wrong type", "wrong id", "no such file",
     "huge number"],
)  # fmt: skip
def test_hostile_input_is_one_sentence_with_the_files_name(tmp_path: Path, how: str) -> None:
    good = write(tmp_path, "good.json", record())
    bad = tmp_path / "bad.json"
    bad.write_bytes(_damage(good.read_text(), how))

    with pytest.raises(BadInput) as refusal:
        read_side(bad)

    assert "bad.json" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def hostile() -> SideSamples:
    made = side("=cmd|' /C calc'!A1", record(*SLOWER_MS, run_id="ffffffff"))
    (sample,) = made.samples
    label = "<script>|`x`\n\x1b[31m@everyone"
    return made._replace(samples=(sample._replace(label=label),))


def test_strangers_strings_command_neither_terminal_nor_markdown_nor_spreadsheet() -> None:
    found = compare([side("old", record()), hostile()])

    assert "\x1b" not in comparison.text(found)
    marked = comparison.to_markdown(found)
    assert "<script>" not in marked
    assert all(line.count(" | ") == 7 for line in marked.splitlines() if line.startswith("|"))
    rows = list(csv.DictReader(io.StringIO(comparison.to_csv(found))))
    assert {row["side"] for row in rows} == {"'=cmd|' /C calc'!A1"}


def three() -> Comparison:
    other = record(*SLOWER_MS, device=DEVICE.model_copy(update={"id": "other"}))
    refused = record(cells=(cell("tg8"), BACKEND), run_id="ffffffff")
    return compare([side("old", record()), side("new", refused), side("there", other)])


def test_a_comparison_as_a_table() -> None:
    golden("compare.txt", comparison.text(three()))


def test_a_comparison_as_markdown() -> None:
    golden("compare.md", comparison.to_markdown(three()))


def test_a_comparison_as_csv_has_a_line_per_figure() -> None:
    found = three()
    rows = list(csv.DictReader(io.StringIO(comparison.to_csv(found))))

    assert len(rows) == len(found.differences) + len(found.devices)
    ratios = [float(row["ratio"]) for row in rows if row["ratio"]]
    assert ratios == [each.ratio.estimate for each in found.differences]


def test_the_verb_in_every_format(edgebench: Edgebench, tmp_path: Path) -> None:
    write(tmp_path, "a.json", record())
    write(tmp_path, "b.json", record(*SLOWER_MS))

    table = edgebench("compare", "a.json", "b.json")
    as_json = edgebench("compare", "a.json", "b.json", "--format", "json")

    assert "worse" in table.stdout, table.stderr
    assert decode(Comparison.model_validate_json(as_json.stdout)).finding == "worse"
    for name in ("markdown", "csv"):
        assert "decode" in edgebench("compare", "a.json", "b.json", "--format", name).stdout


def test_the_verb_refuses_with_a_sentence(edgebench: Edgebench, tmp_path: Path) -> None:
    write(tmp_path, "a.json", record())
    write(tmp_path, "b.json", wrong())

    done = edgebench("compare", "a.json", "b.json")

    assert done.returncode == 2
    assert "cells.verification" in done.stderr
    assert "Traceback" not in done.stderr


def test_samples_of_a_wrong_answer_hold_no_figures() -> None:
    (sample,) = samples_of(wrong(), "a")
    assert isinstance(sample, Sample)
    assert sample.values == {}


def test_watts_of_other_tiers_are_shown_side_by_side_and_never_ranked() -> None:
    wall = Figure(
        phase="decode", method="wall_meter", scope="system", quality="A", meters=("plug",),
        joules_per_token=None, tokens_per_joule=Interval(estimate=2.5, low=2, high=3, launches=5),
        watts=None, idle_watts=None, above_idle_joules_per_token=None, window_s=9.0, samples=90,
        reason=None,
    )  # fmt: skip
    counter = wall._replace(method="counter:rapl", scope="package", quality="B")
    (one,), (two,) = (
        samples_of(record(device=DEVICE.model_copy(update={"id": name})), "a") for name in "ab"
    )

    def footnotes(other: Figure) -> tuple[str, ...]:
        samples = (one._replace(energy=(wall,)), two._replace(energy=(other,)))
        return compare([SideSamples("a", 2, samples, {})]).footnotes

    assert any("say nothing about which device takes less" in each for each in footnotes(counter))
    assert not any("which device takes less" in each for each in footnotes(wall))

"""llama-bench's formats out of our records: its fields, its table, every nanosecond."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path

import pytest

from edgebench.analysis import imported
from edgebench.analysis.interchange import exported, reading, to_llama_bench
from edgebench.report.escape import markdown
from edgebench.schema.cell import Options
from tests.interchange.makers import DATA, NOW, entry, save
from tests.results_maker import cell, launch, trial

RESULTS = Path(__file__).parent.parent.parent / "results" / "amd-epyc-25-17-2cpu"
RECORDS_OF_RUNS = (
    "20261121T211133Z-smollm2-135m-fcf87bbf.json",
    "20261121T234308Z-smollm2-135m-bd1235c6.json",
    "20261125T202926Z-smollm2-135m-2afc55f7.json",
)


@pytest.mark.parametrize("name", RECORDS_OF_RUNS)
def test_llama_bench_and_back_keeps_every_nanosecond(name: str, tmp_path: Path) -> None:
    """A record at a time: rows of the same test in one file are read as one cell's trials."""
    export = exported.read([RESULTS / name])
    path = tmp_path / "out.json"
    path.write_text(to_llama_bench.to_json(export))

    (record,) = reading.records([reading.read(path)], None, NOW)

    back = [t.samples_ns for each in record.cells for t in each.launches[0].timings]
    sent = [tuple(phase.samples_ns) for each in export.cells for phase in each.phases]
    assert sent
    assert sorted(back) == sorted(sent)
    rates = sorted(v[0] for each in record.cells for v in imported.values(each).values())
    ours = [
        phase.tokens * 1e9 / statistics.median(phase.samples_ns)
        for each in export.cells
        for phase in each.phases
    ]
    assert rates == pytest.approx(sorted(ours), rel=1e-6)


def test_llama_bench_rows_have_the_fields_of_a_real_one(sound: Path) -> None:
    real = json.loads((DATA / "llama-bench.json").read_text())[0]
    (row,) = json.loads(to_llama_bench.to_json(exported.read([sound])))

    assert set(row) - set(real) == {"use_mmap"}, "which older releases have"
    assert set(real) - set(row) <= {"load_mode", "lazy_mode", "fit_target", "fit_min_ctx"}
    assert row["avg_ts"] == pytest.approx(statistics.fmean([4e9 / ns for ns in row["samples_ns"]]))


def test_a_prompt_and_its_answer_are_two_rows(tmp_path: Path) -> None:
    trials = tuple(trial(i, prefill_ns=10**8, step_ns=(10**7,) * 4) for i in range(2))
    both = entry("pp512+tg4@d16", launches=(launch(0, trials),))
    rows = json.loads(to_llama_bench.to_json(exported.read([save(tmp_path / "a.json", both)])))

    sizes = [(row["n_prompt"], row["n_gen"], row["n_depth"]) for row in rows]
    assert sizes == [(512, 0, 16), (0, 4, 528)]


def test_the_markdown_table_is_llama_benchs(sound: Path) -> None:
    table = to_llama_bench.to_markdown(exported.read([sound]), markdown)

    head = (DATA / "llama-bench.md").read_text().splitlines()[0]
    names = [name.strip() for name in head.strip("|").split("|")]
    assert [name.strip() for name in table.splitlines()[0].strip("|").split("|")] == names
    assert re.search(r"\| CPU \(armv8\.2\\_1\) \| 4 \| tg4 \| 98\.0\d ± 1\.7\d \|", table)


def test_llama_benchs_table_has_columns_for_what_rows_differ_in(tmp_path: Path) -> None:
    cells = [cell(options=Options(flash_attention=value)) for value in (True, False)]
    path = save(tmp_path / "a.json", *(entry(cell=each) for each in cells))

    lines = to_llama_bench.to_markdown(exported.read([path]), markdown).splitlines()

    head, _, *rows = ([part.strip() for part in line.strip("|").split("|")] for line in lines)
    assert head[4:] == ["threads", "fa", "test", "t/s"]
    assert [row[head.index("fa")] for row in rows] == ["1", "0"]

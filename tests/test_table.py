"""What people see, as text files that a reviewer can read."""

from __future__ import annotations

from pathlib import Path

from edgebench import files
from edgebench.analysis import labels
from edgebench.report import details, dispatched, table
from edgebench.schema.cell import Export, Options, Skipped
from edgebench.schema.launch import Failure
from edgebench.schema.result import CellResult, Result
from tests.conftest import golden
from tests.results_maker import (
    FILE,
    cell,
    counters,
    decode_launches,
    launch,
    note,
    result,
    trial,
    verification,
)

ROOT = Path(__file__).parent.parent


def test_a_result_as_a_table() -> None:
    both = tuple(
        launch(n, tuple(trial(i, prefill_ns=40_000_000 + n * 400_000, step_ns=(5_000_000,) * 4)
                        for i in range(2)))
        for n in range(3)
    )  # fmt: skip
    made = result(
        CellResult(cell=cell("tg4"), verification=verification(),
                   launches=decode_launches(10, 10.1)),
        CellResult(cell=cell("pp8+tg4"), verification=verification(), launches=both),
        skipped=(Skipped(file="a" * 64, backend="llama.cpp", isa="armv8.6_1", threads=4,
                         workload="tg4", reason="This CPU cannot run armv8.6_1: it lacks an "
                         "instruction set."),),
        warnings=(note("busy", "Load average was 3.0 on 4 CPUs at the start."),),
    )  # fmt: skip
    golden("table.txt", table.render(made))
    golden("details.txt", details.render(made))


def test_engines_that_share_weights_are_marked_and_others_too() -> None:
    exact = Export(file=FILE.sha256, backend="onnxruntime", activations="int8", name="model.onnx",
                   weights_id=FILE.sha256, derived=())  # fmt: skip
    derived = exact.model_copy(update={"weights_id": None, "derived": ("output.weight",)})

    assert "ran the very same weights as tiny Q4_0" in table.render(result(exports=(exact,)))
    assert "ran NOT the same weights as tiny Q4_0" in table.render(result(exports=(derived,)))


def test_what_failed_is_in_the_table_without_a_speed() -> None:
    failure = Failure(stage="load", kind="out_of_memory", message="failed to allocate 4 GiB")
    contended = tuple(
        entry.model_copy(update={"trials": tuple(
            t.model_copy(update={"counters": counters(run_delay_ns=40_000_000)})
            for t in entry.trials)})
        for entry in decode_launches(10, 30)
    )  # fmt: skip
    made = result(
        CellResult(cell=cell("tg4"), launches=decode_launches(10, 10),
                   verification=verification("failed", "Mean KL 0.3 is above 0.02.")),
        CellResult(cell=cell("tg4", threads=2), launches=(launch(0, (), failure=failure),),
                   verification=verification()),
        CellResult(cell=cell("tg4", threads=1), verification=None, launches=()),
        CellResult(cell=cell("tg4", threads=3), verification=verification(), launches=contended),
    )  # fmt: skip
    golden("table_failures.txt", table.render(made))


def test_many_contended_cells_are_one_warning() -> None:
    delays = {1: 10_000_000, 2: 40_000_000, 3: 20_000_000}
    made = result(*(
        CellResult(cell=cell("tg4", threads=threads), verification=verification(), launches=tuple(
            entry.model_copy(update={"trials": tuple(
                t.model_copy(update={"counters": counters(run_delay_ns=delay)})
                for t in entry.trials)})
            for entry in decode_launches(10, 30)))
        for threads, delay in delays.items()
    ))  # fmt: skip

    (line,) = [each for each in table.render(made).splitlines() if "contended" in each]
    assert "3 of 3 cells: threads waited for a CPU 20% to 50% (llama.cpp armv8.2_1 2t" in line


def test_kernels_that_were_switched_off_stand_beside_the_engine() -> None:
    """Both change the ranking of instruction sets: three rows that look alike would mislead."""
    plain = cell("tg4").options
    made = result(*(
        CellResult(cell=cell("tg4", options=plain.model_copy(update=off)), launches=(),
                   verification=verification())
        for off in ({}, {"flash_attention": False}, {"repacking": False})
    ))  # fmt: skip

    engines = [row[1] for row in table.rows(made)]
    assert engines == ["llama.cpp", "llama.cpp flash_attention=no", "llama.cpp repacking=no"]


def test_a_kv_cache_of_a_chosen_type_stands_beside_the_engine() -> None:
    """An engine that cannot be told its type has none to name: `reference` keeps float32."""
    chosen = [labels.engine_label(cell(options=Options(kv_type=kv))) for kv in ("f16", "f32")]
    own = cell(backend="reference", options=Options(kv_type="f32", flash_attention=None))

    assert chosen == ["llama.cpp", "llama.cpp kv=f32"]
    assert labels.engine_label(own) == "reference"


def test_what_an_engine_read_back_is_shown_once_for_all_of_its_cells() -> None:
    unpacked = cell("tg4", options=cell().options.model_copy(update={"repacking": False}))
    made = result(
        *(CellResult(cell=each, verification=verification(), launches=decode_launches(10, 10))
          for each in (cell("tg4"), cell("tg8"), unpacked))
    )  # fmt: skip

    golden("dispatched.txt", dispatched.render(made))
    assert dispatched.render(result()) == ""


def test_strings_from_a_record_cannot_command_the_terminal() -> None:
    hostile = FILE.model_copy(update={"model": "[red]x[/red]\x1b]0;title\x07\u202e"})
    made = result(
        CellResult(cell=cell(), verification=verification(), launches=()), files=(hostile,)
    )

    shown = table.render(made)

    assert "[red]x[/red]" in shown, "markup is text"
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)


def test_a_gpu_is_named_where_it_ran_and_wrong_output_shows_no_speed_there_either() -> None:
    """The first run on one: torch was right, ONNX Runtime was fed zeros, llama.cpp was too far."""
    (record,) = (ROOT / "results/intel-r-xeon-r-processor-6-207-16cpu").glob("*-fd4d9222.json")
    shown = table.render(files.read_json(record, Result)).splitlines()
    assert ", NVIDIA H200, " in shown[0]
    cells = [line.split() for line in shown if " on cuda " in line]
    speeds = {(cell[2], cell[7]): (cell[8], cell[-1]) for cell in cells}
    assert speeds["torch", "pp512"] == ("16106", "yes")
    assert speeds["onnxruntime", "pp512"] == ("-", "FAILED")
    assert speeds["llama.cpp", "tg128"] == ("-", "FAILED")
    assert f"memory  {table.GPU_MEMORY}" in shown
    assert table.GPU_MEMORY not in table.render(
        result(CellResult(cell=cell(), verification=verification(), launches=decode_launches(10)))
    )

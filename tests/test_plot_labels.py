"""Labels that tell marks apart, and numbers on axes."""

from __future__ import annotations

from edgebench.report.plots.plot import label, told_apart
from edgebench.report.plots.style import plain_numbers, short


def test_labels_tell_apart_by_what_differs() -> None:
    labels, shared = told_apart([("board", "a", "4t"), ("board", "b", "4t")])

    assert labels == {("board", "a", "4t"): "a", ("board", "b", "4t"): "b"}
    assert shared == "board, 4t"
    assert label("_x") == " _x"
    assert len(label("y" * 10**6)) <= 63


def test_a_logarithmic_axis_with_one_power_of_ten_has_numbers_between() -> None:
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    axes.set_xscale("log")
    axes.set_xlim(15, 600)
    plain_numbers(axes, "x")

    low, high = axes.get_xlim()
    assert [each for each in axes.get_xticks() if low <= each <= high] == [20, 50, 100, 200, 500]


def test_numbers_on_axes_are_short() -> None:
    assert [short(value) for value in (0.25, 40, 2000, 1.5e6, 1e9)] == [
        "0.25", "40", "2k", "1.5M", "1G",
    ]  # fmt: skip


def test_a_long_label_keeps_a_part_of_every_name() -> None:
    device = "some-vendor-board-with-a-very-long-name-indeed-64cpu"
    keys = [(device, f"smollm2-135m {quant} from Q4_1", "llama.cpp") for quant in ("Q4_0", "Q8_0")]
    keys.append(("other", "smollm2-135m Q4_0 from Q4_1", "onnxruntime"))

    labels, _ = told_apart(keys, 60)

    first = labels[keys[0]]
    assert len(first) <= 60
    assert "smollm2-135m Q4_0 from Q4_1, llama.cpp" in first
    assert first.startswith("some-ve")
    assert len(set(labels.values())) == len(keys)

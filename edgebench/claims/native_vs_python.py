"""C++ replaces costly Python: a ladder from CPython to tuned kernels, and what each step gives."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from edgebench.claims import Claim, Trying, decide, figures, means
from edgebench.schema.claim import Margin, Quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edgebench.claims import Evidence
    from edgebench.claims.figures import Figures
    from edgebench.schema.claim import Endpoint

KIND = "native-rungs"
PYTHON, NATIVE, SCALAR = "numpy", "c_O3_native", "c_O3_scalar"
SAME_PRECISION, TUNED = "ggml_F16", "ggml_Q4_0"
PHASES = ("decode", "prefill")
LADDER = ("cpython", "c_O0", "c_O3_scalar", "numpy", "onnxruntime_fp32", "c_O3_native", "ggml_F16",
          "ggml_Q8_0", "ggml_Q4_0")  # fmt: skip
MARGINS = {
    "total": Margin(support=4.0, refute=2.0),
    "language_share": Margin(support=0.5, refute=0.25),
    "binding_overhead": Margin(support=1.05, refute=1.05, upward=False),
    "same_precision": Margin(support=2.0, refute=2.0, upward=False),
    "step": Margin(support=1.10, refute=1.05),
}


def judge(evidence: Evidence) -> tuple[Endpoint, ...]:
    """Total and language share at all threads; the other factors beside them."""
    most = _most_threads(evidence)
    found: list[Endpoint] = []
    for phase in PHASES:
        rung = {name: _rung(evidence, name, most, phase) for name in LADDER}
        found.append(
            decide.of_compared(
                f"total_{phase}",
                f"{phase}: quantised C++ over Python with NumPy, same threads.",
                figures.compare(rung[PYTHON], rung[TUNED]),
                MARGINS["total"],
                primary=phase == "decode",
            )
        )
        found.append(_language_share(rung, phase))
        found += _factors(evidence, rung, phase, most)
    return (*found, _binding(evidence))


def shares(rung: Mapping[str, Figures], of: tuple[str, str]) -> list[float]:
    """ln(step) / ln(total) per block, for the step between two rungs."""
    needed = (PYTHON, TUNED, *of)
    blocks = set.intersection(*(set(rung[name].by_block) for name in needed))
    found = []
    for block in sorted(blocks):
        at = {name: math.log(rung[name].by_block[block]) for name in needed}
        total = at[TUNED] - at[PYTHON]
        if abs(total) > 1e-9:
            found.append((at[of[1]] - at[of[0]]) / total)
    return found


def _language_share(rung: Mapping[str, Figures], phase: str) -> Endpoint:
    """Leaving Python at the same precision and threads, as a share of the whole log-speed-up."""
    values = shares(rung, (PYTHON, NATIVE))
    lost = sum(rung[name].contended for name in (PYTHON, NATIVE, TUNED))
    return means.of_values(
        f"language_share_{phase}",
        f"{phase}: what share of the log-speed-up comes from the language alone (NumPy to our C, "
        "float32 both)?",
        values,
        MARGINS["language_share"],
        primary=phase == "decode",
        unit="share",
        reasons=() if len(values) > 1 else figures.why_few(len(values), lost),
    )


def _factors(
    evidence: Evidence, rung: Mapping[str, Figures], phase: str, most: int
) -> Iterator[Endpoint]:
    single = {name: _rung(evidence, name, 1, phase) for name in (TUNED, NATIVE, SCALAR, "cpython")}
    pairs = {
        "vectorisation": (single[SCALAR], single[NATIVE]),
        "kernels": (rung[NATIVE], rung[SAME_PRECISION]),
        "precision": (rung[SAME_PRECISION], rung[TUNED]),
        "onnxruntime": (rung[PYTHON], rung["onnxruntime_fp32"]),
    }
    if most > 1:
        pairs["threads"] = (single[TUNED], rung[TUNED])
    for name, (base, head) in pairs.items():
        yield decide.of_compared(
            f"{name}_{phase}",
            f"{phase}: {name}.",
            figures.compare(base, head),
            MARGINS["step"],
            primary=False,
        )
    yield decide.of_compared(
        f"same_precision_{phase}",
        f"{phase}: is Python with NumPy within 2 times of llama.cpp at 16 bits?",
        figures.compare(rung[PYTHON], rung[SAME_PRECISION]),
        MARGINS["same_precision"],
        primary=False,
    )
    if phase == "decode":
        yield decide.of_compared(
            "arrays_decode",
            "decode: NumPy over CPython alone, one thread.",
            figures.compare(single["cpython"], _rung(evidence, PYTHON, 1, phase)),
            MARGINS["step"],
            primary=False,
        )


def _binding(evidence: Evidence) -> Endpoint:
    """The same engine and steps, driven from C and from Python."""
    python, compiled = (_rung(evidence, name, 1, "decode") for name in ("loop_python", "loop_c"))
    return decide.of_compared(
        "binding_overhead",
        "How much longer does a decode step take when Python drives it?",
        figures.compare(python, compiled),
        MARGINS["binding_overhead"],
        primary=False,
    )


def _rung(evidence: Evidence, name: str, threads: int, phase: str) -> Figures:
    """Tokens per second; wrong output gives none."""
    return figures.of_points(
        evidence,
        KIND,
        "tok_s",
        where=lambda c: (c.get("rung"), c.get("threads"), c.get("phase")) == (name, threads, phase),
    )


def _most_threads(evidence: Evidence) -> int:
    counts = (point.condition.get("threads") for _, _, point in evidence.points(KIND))
    return max((count for count in counts if isinstance(count, int)), default=1)


def plot(evidence: Evidence, figure: Any) -> str | None:
    """Tokens per second, rung by rung, on a logarithmic axis."""
    from edgebench.claims.drawing import bars

    most = _most_threads(evidence)
    series: dict[str, list[tuple[str, Figures]]] = {}
    for phase in PHASES:
        rungs = [(name, _rung(evidence, name, most, phase)) for name in LADDER]
        rungs = [(n, f if f.by_block else _rung(evidence, n, 1, phase)) for n, f in rungs]
        series[phase] = [(name, found) for name, found in rungs if found.by_block]
    if not any(series.values()):
        return "Nothing to draw: no rung was measured."
    bars(figure, series, "tokens/s")
    return None


CLAIM = Claim(
    id="native-vs-python",
    version=1,
    title="C++ replaces costly Python",
    quotes=(
        Quote(
            document="002_8784da2637a6b130.txt",
            original="原来 Python+GPU 高成本，它通过 C++",  # noqa: RUF001 - verbatim
            english="what cost a lot as Python+GPU, he did in C++",
        ),
    ),
    hypothesis="Most of the CPU gain over a Python stack comes from quantised vector kernels, not "
    "from leaving Python: at equal precision and threads, Python with NumPy decodes within 2 times "
    "of C++; against quantised C++ it is at least 4 times slower.",
    rule="On the same machine, weights and threads, in decode. 'C++ beats Python in total': "
    "llama.cpp Q4_0 over NumPy float32, supported when the whole 95 % interval is at least 4, "
    "refuted when it is below 2. 'The language is the cause': the share of the log-speed-up "
    "between NumPy and our own C, both float32, supported when the whole interval is at least "
    "0.5, refuted when it is below 0.25. The claim is supported when both are and refuted when "
    "one is. Beside them: binding overhead of at most 5 % supports.",
    needs=(Trying(KIND, blocks={"smoke": 3, "full": 4}),),
    margins=MARGINS,
    judge=judge,
    plot=plot,
    out_of_reach=(
        "That one programmer did it alone, and what the Python and GPU stack of the story cost.",
        "Python on a GPU: where a graphics card does the work, the language on the CPU matters "
        "less still (docs/torch.md measures that baseline where torch is installed).",
    ),
    others_would_add="An ARM board, whose NumPy often comes with a weak BLAS; a machine where "
    "PyTorch is installed, for its eager mode.",
)

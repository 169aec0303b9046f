"""A second thread pays in decoding: the same cell with two threads and with one."""

from edgebench.analysis import metrics
from edgebench.claims import Cells, Claim, decide, figures
from edgebench.schema.claim import Margin, Quote

MARGINS = {"decode": Margin(support=1.5, refute=1.2)}


def judge(evidence):
    """Decode speed with two threads over that with one, block by block."""
    one, two = (
        figures.figures(
            figures.rows(evidence, workload="tg64", threads=count), metrics.decode_tok_s
        )
        for count in (1, 2)
    )
    question = "Is decoding with two threads faster than with one?"
    return (decide.of_compared("decode", question, figures.compare(one, two), MARGINS["decode"]),)


CLAIM = Claim(
    id="second-thread",
    version=1,
    title="A second thread pays in decoding",
    quotes=(Quote(document="board-1.pdf", original="decoding scales with the number of cores"),),
    hypothesis="With two threads, decoding is at least 1.5 times as fast as with one.",
    rule="Supported when the whole 95 % interval of the ratio is at least 1.5, refuted below 1.2.",
    needs=(Cells(quants=("Q4_0",), workloads=("tg64",), threads=(1, 2)),),
    margins=MARGINS,
    judge=judge,
    out_of_reach=("Machines with other memory: decoding is bound by its bandwidth.",),
    others_would_add="Boards with one memory channel, where a second thread should bring little.",
)

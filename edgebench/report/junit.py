"""The gate's decision as JUnit XML, which CI systems show as tests.

One test case per judgement: `fail` is a failure, `inconclusive` is skipped, `warn` passes with its
words in `system-out`. The elements are those of the JUnit schema that Jenkins' xUnit plug-in reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from edgebench.printable import clean

if TYPE_CHECKING:
    from edgebench.schema.comparison import GateReport, Judgement


def render(report: GateReport) -> str:
    """The whole document; names and messages from records are escaped, control characters gone."""
    verdicts = [each.verdict for each in report.judgements]
    suite = ET.Element(
        "testsuite",
        name="edgebench gate",
        tests=str(len(verdicts)),
        failures=str(verdicts.count("fail")),
        errors="0",
        skipped=str(verdicts.count("inconclusive")),
        timestamp=report.created_utc.removesuffix("Z"),
    )
    for each in report.judgements:
        _case(suite, each)
    ET.SubElement(suite, "system-out").text = clean(" ".join(report.notes))
    ET.indent(suite, " ")
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ET.tostring(suite, encoding='unicode')}\n"


def _case(suite: ET.Element, each: Judgement) -> None:
    name = f"{each.label} {each.metric or 'result'}{' (unverified)' * each.unverified}"
    case = ET.SubElement(suite, "testcase", classname="edgebench.gate", name=clean(name))
    reason = clean(each.reason)
    if each.verdict == "fail":
        ET.SubElement(case, "failure", message=reason, type="slower").text = _figures(each)
    elif each.verdict == "inconclusive":
        ET.SubElement(case, "skipped", message=reason)
    else:
        ET.SubElement(case, "system-out").text = f"{each.verdict}: {reason} {_figures(each)}"


def _figures(each: Judgement) -> str:
    found = each.slowdown
    if found is None or found.low is None or found.high is None:
        return "no figures"
    return (
        f"slowdown {found.estimate:.4f}, 95 % interval {found.low:.4f} to {found.high:.4f}, "
        f"{each.pairs} pairs"
    )

"""A decision as a table, a comment and JUnit."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from edgebench.report import gate as gate_table
from edgebench.report import junit, pull_request
from tests.conftest import golden
from tests.gating.makers import STEPS_MS, evidence, gathered, report, slowdown, unverifiable


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

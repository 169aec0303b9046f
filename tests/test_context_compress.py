"""Passages of our own making, and the ways to shorten them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebench.measure.experiments import context_compress, shortening
from edgebench.measure.experiments.passages import PASSAGES, QUESTIONS, passage
from edgebench.measure.experiments.shortening import bm25, chunks, extract, retrieve, words


def test_sixty_questions_about_passages_of_two_to_six_thousand_tokens() -> None:
    made = [passage(number) for number in range(PASSAGES)]
    assert sum(len(each.questions) for each in made) == PASSAGES * QUESTIONS == 60
    lengths = [len(each.text.split()) for each in made]
    assert lengths == sorted(lengths)
    assert 1500 <= lengths[0] < 1700
    assert 4400 <= lengths[-1] < 4600
    assert passage(3) == made[3]


@pytest.mark.parametrize("number", range(PASSAGES))
def test_the_passage_answers_each_question_in_one_sentence_and_no_other(number: int) -> None:
    made = passage(number)
    for question in made.questions:
        assert len(set(question.options)) == 4
        assert made.text.count(question.evidence) == 1
        right = question.options[question.answer]
        assert right.lower() in question.evidence.lower()
        name = question.evidence.split(" station")[0].split()[-1]
        assert f"{name} station" in question.text


@pytest.mark.parametrize("number", range(0, PASSAGES, 4))
def test_retrieval_finds_the_sentence_that_answers(number: int) -> None:
    made = passage(number)
    kept = [
        each.evidence in retrieve(made.text, each.text, len(made.text) // 4)
        for each in made.questions
    ]
    assert all(kept)


def test_a_rare_word_counts_for_more_than_a_common_one() -> None:
    documents = [["the", "red", "door"], ["the", "blue", "door"], ["the", "door", "door"]]
    scores = bm25(documents, ["blue", "door"])
    assert scores.index(max(scores)) == 1
    assert scores[2] > scores[0] > 0


def test_bm25_by_hand() -> None:
    # One of two documents has the word once; both are as long as the average: norm = k1.
    (have, have_not) = bm25([["a", "b"], ["c", "d"]], ["a"])
    assert have == pytest.approx(0.6931471805599453 * 2.2 / 2.2)
    assert have_not == 0


@given(st.floats(1 / 16, 1))
def test_what_is_left_fits_unless_it_is_a_single_chunk(ratio: float) -> None:
    made = passage(0, words=300)
    room = int(len(made.text) * ratio)
    for text in (retrieve(made.text, made.questions[0].text, room), extract(made.text, room)):
        assert text
        assert len(text) <= room or text in (*chunks(made.text), *shortening.sentences(made.text))


def test_an_extract_begins_as_the_passage_does_and_keeps_the_order() -> None:
    made = passage(1, words=400)
    short = extract(made.text, len(made.text) // 2)
    assert made.text.startswith(short[:30])
    left = iter(shortening.sentences(made.text))
    assert all(each in left for each in shortening.sentences(short)), "in the passage's order"


def test_segments_hold_the_whole_passage_and_none_is_long() -> None:
    made = passage(5)
    parts = context_compress.segments(made.text)
    assert "\n\n".join(parts) == made.text
    longest = max(len(each) for each in made.text.split("\n\n"))
    assert max(map(len, parts)) <= max(context_compress.SEGMENT_CHARACTERS, longest)


def test_words_leave_out_those_without_meaning() -> None:
    assert words("The door of Alderford station") == ["door", "alderford", "station"]

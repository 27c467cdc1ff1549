"""Words that no label covers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ingest.mining.frequent_words import LEAST_PATIENTS, FrequentWord, WordCounter

WORDS = st.sampled_from(["quokka", "zebra", "mustermann", "the", "of", "ab"])
REPORTS = st.lists(st.tuples(st.sampled_from("abcdefg"), st.lists(WORDS, max_size=5)), max_size=40)


@given(REPORTS)
def test_a_word_is_shown_when_enough_patients_have_it(reports: list[tuple[str, list[str]]]) -> None:
    counter = WordCounter()
    for patient, words in reports:
        counter.add(patient, words)
    expected = {}
    for word in ("quokka", "zebra", "mustermann"):
        having = [patient for patient, words in reports for found in words if found == word]
        if len(set(having)) >= LEAST_PATIENTS:
            expected[word] = len(having)
    assert {found.word: found.count for found in counter.frequent()} == expected


def test_reports_without_a_patient_count_as_one_patients() -> None:
    counter = WordCounter()
    for _ in range(50):
        counter.add("", ["quokka"])
    assert counter.frequent() == ()


def test_a_word_with_a_capital_may_be_a_name_and_is_not_shown() -> None:
    counter = WordCounter()
    for patient in range(6):
        counter.add(str(patient), ["Mustermann", "MUSTERMANN", "quokka"])
    assert counter.frequent() == (FrequentWord("quokka", 6),)


def test_the_most_frequent_words_come_first() -> None:
    counter = WordCounter()
    for patient in range(6):
        counter.add(str(patient), ["quokka", "zebra", "zebra", "emu"])
    assert counter.frequent(2) == (FrequentWord("zebra", 12), FrequentWord("emu", 6))


def test_memory_is_bounded_and_frequent_words_survive() -> None:
    counter = WordCounter(most=100)
    for number in range(5000):
        counter.add(str(number), ["quokka", f"rare{chr(97 + number % 26)}{number}"])
        assert len(counter) <= 102
    assert counter.frequent() == (FrequentWord("quokka", 5000),)

"""Cue phrases."""

from __future__ import annotations

import pickle

import pytest

from ingest.mining.cues import Cue, CueFinder, shipped_cues, word_list
from ingest.mining.rule_file import CueKind, CueRule, Direction
from ingest.mining.tokens import words


def finder(*rules: tuple[str, CueKind, str, Direction]) -> CueFinder:
    return CueFinder([CueRule(rule, kind, (phrase,), direction) for rule, kind, phrase, direction in rules])


def found(of: CueFinder, text: str) -> list[tuple[str, CueKind]]:
    texts = words(text)
    return [(" ".join(texts[cue.start : cue.end]), cue.kind) for cue in of.find(texts)]


def test_the_longest_phrase_counts_and_hides_the_ones_inside() -> None:
    cues = CueFinder(shipped_cues())

    assert found(cues, "no change in the nodule") == [("no change", CueKind.PSEUDO)]
    assert found(cues, "cannot be excluded") == [("cannot be excluded", CueKind.UNCERTAINTY)]
    assert found(cues, "no nodule") == [("no", CueKind.NEGATION)]


def test_words_of_degree_inside_a_phrase_are_passed_over() -> None:
    cues = CueFinder(shipped_cues())

    assert found(cues, "no significant interval change") == [("no significant interval change", CueKind.PSEUDO)]
    assert found(cues, "cannot be entirely excluded") == [("cannot be entirely excluded", CueKind.UNCERTAINTY)]
    assert found(cues, "no significant mass") == [("no", CueKind.NEGATION)], "none at the end of a phrase"


def test_cues_are_whole_words() -> None:
    assert found(CueFinder(shipped_cues()), "nodule, notable above-average morning") == [("above", CueKind.LANDMARK)]


def test_a_later_rule_replaces_an_earlier_one_with_the_same_phrase() -> None:
    one = ("shipped", CueKind.NEGATION, "minus", Direction.FORWARD)
    other = ("own", CueKind.PSEUDO, "minus", Direction.FORWARD)

    assert finder(one, other).find(["minus"]) == [Cue(0, 1, CueKind.PSEUDO, "own", "")]


def test_rules_for_opposite_directions_stand_side_by_side() -> None:
    before = ("before", CueKind.NEGATION, "gone", Direction.FORWARD)
    after = ("after", CueKind.NEGATION, "gone", Direction.BACKWARD)

    assert finder(before, after).find(["gone"]) == [Cue(0, 1, CueKind.NEGATION, "before", "after")]


def test_the_hash_changes_with_a_phrase_and_with_nothing_else() -> None:
    one = ("a", CueKind.NEGATION, "minus", Direction.FORWARD)
    other = ("a", CueKind.NEGATION, "sans", Direction.FORWARD)

    assert finder(one).id == finder(one).id
    assert finder(one).id != finder(other).id


def test_a_finder_travels_to_worker_processes() -> None:
    cues = CueFinder(shipped_cues())
    texts = words("no mass but likely a cyst near the spleen")

    assert pickle.loads(pickle.dumps(cues)).find(texts) == cues.find(texts)


@pytest.mark.parametrize("name", ["cues.yaml", "paper_cues.yaml"])
def test_every_shipped_phrase_is_found_under_its_kind(name: str) -> None:
    rules = shipped_cues(name)
    cues = CueFinder(rules)
    kinds = {phrase: rule.kind for rule in rules for phrase in rule.any}

    for phrase, kind in kinds.items():
        texts = words(phrase)
        assert [(cue.start, cue.end, cue.kind) for cue in cues.find(texts)] == [(0, len(texts), kind)], phrase


def test_no_shipped_phrase_is_of_two_kinds() -> None:
    rules = shipped_cues()
    kinds = {(phrase, rule.kind) for rule in rules for phrase in rule.any}

    assert len(kinds) == len({phrase for phrase, _ in kinds})


def test_shipped_word_lists_hold_single_words_as_tokens_show_them() -> None:
    for name in ("verbs", "kinds", "qualities", "asserting", "degrees", "hedge-ends"):
        assert all(words(word) == [word] for word in word_list(name)), name

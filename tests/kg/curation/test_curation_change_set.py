"""Change sets as values: what turns one ontology into another, and what is read from a file."""

from __future__ import annotations

from itertools import permutations

import pytest

from kg.curation.between import changes_between
from kg.curation.change_set import ChangeSet, change_set_from_json
from kg.errors import InputError
from kg.ontology import Label, LabelClass, MatchKind, Ontology, Synonym, TermMapping


def test_texts_of_one_label_that_share_a_key_are_told_apart() -> None:
    synonyms, predicates = (Synonym("CT"), Synonym("ct")), (MatchKind.EXACT, MatchKind.CLOSE)
    mappings = tuple(TermMapping("RID1", "", predicate) for predicate in predicates)
    states = [
        Ontology("made", (Label("T:1", "x", LabelClass.TYPE, synonyms=some, mappings=others),))
        for some in (synonyms, synonyms[1:], ())
        for others in (mappings, mappings[:1], ())
    ]
    for before, after in permutations(states, 2):
        change_set = ChangeSet(changes_between(before, after))
        assert change_set.apply(before) == after
        assert ChangeSet(change_set.inverse()).apply(after) == before


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 100_000, id="lists without end"),
        pytest.param(
            '{"changes": [{"change": "composite", "kind": "", "labels": [], "parts": [], "undone": "no"}]}', id="undone"
        ),
    ],
)
def test_what_is_no_change_set_is_one_clear_error(text: str) -> None:
    with pytest.raises(InputError, match=r"^(composite change|change set): .*; write it"):
        change_set_from_json(text)

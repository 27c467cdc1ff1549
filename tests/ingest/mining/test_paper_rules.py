"""The papers' rule table (talk of 2020, table 1)."""

from __future__ import annotations

import pickle

import pytest

from ingest.mining.cues import shipped_cues
from ingest.mining.marked_sentences import marked_sentence
from ingest.mining.mention import Relevance
from ingest.mining.paper_rules import PaperRules
from ingest.mining.rule_file import CueKind

TABLE = [(rule.id, rule.kind, phrase) for rule in shipped_cues("paper_cues.yaml") for phrase in rule.any]


@pytest.mark.parametrize(("rule", "kind", "phrase"), TABLE, ids=[phrase for _, _, phrase in TABLE])
def test_a_phrase_of_the_table_judges_the_label_right_behind_it(rule: str, kind: CueKind, phrase: str) -> None:
    judgement = PaperRules().judge([marked_sentence(f"A scan {phrase} [mass] again.")])[0][0]

    assert judgement.rule == rule
    expected = Relevance.UNCERTAIN if kind == CueKind.UNCERTAINTY else Relevance.IRRELEVANT
    assert judgement.relevance == expected


@pytest.mark.parametrize(
    "text",
    [
        "No large [mass].",
        "Adjacent to the [liver].",
        "No cyst or nodule, [mass].",
        "[Mass] is absent.",
        "[Mass] likely.",
    ],
)
def test_one_word_between_is_too_far(text: str) -> None:
    judgement = PaperRules().judge([marked_sentence(text)])[0][0]

    assert (judgement.relevance, judgement.rule) == (Relevance.RELEVANT, "")


def test_the_table_has_the_phrases_that_can_be_read_in_the_talk() -> None:
    phrases = {phrase for _, _, phrase in TABLE}

    assert {"without evidence of", "previously seen", "encasing", "left of this", "and/or", "dome of"} <= phrases
    assert len(TABLE) == 30


def test_it_travels_to_worker_processes() -> None:
    sentence = marked_sentence("No [mass].")

    assert pickle.loads(pickle.dumps(PaperRules())).judge([sentence]) == PaperRules().judge([sentence])

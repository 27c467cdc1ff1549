"""The grammar of synthetic sentences: offsets, shares, and what is kept out of training."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow.compute as pc
import pytest

from ingest.label_lists import LabelLists
from ingest.mining.lexicon import Lexicon
from ingest.mining.matcher import Matcher
from ingest.mining.mention import BOOKMARK_WORD, Relevance
from ingest.mining.sentences import mined_line
from ingest.release import Release
from kg.ontology import LabelClass
from kg.shipped import load_shipped
from learn.relation.annotations import AnnotatedSentence, content_hash
from learn.relation.corpus import NATURAL_PLAIN, Corpus, made_corpus, made_dev, made_tests
from learn.relation.grammar import Grammar
from learn.relation.label_draws import LABEL_SET, released_labels
from learn.relation.recipe import RelationRecipe
from learn.relation.templates import Draw, Slot, Use, Words, shipped_templates

RECIPE = RelationRecipe(sentences=1500)


@pytest.fixture(scope="module")
def train() -> Sequence[AnnotatedSentence]:
    return made_corpus(RECIPE, test_sentences=1).train


@pytest.fixture(scope="module")
def tests() -> dict[str, Sequence[AnnotatedSentence]]:
    return made_tests(600)


@pytest.fixture(scope="module")
def natural() -> Sequence[AnnotatedSentence]:
    return Grammar(shipped_templates(), released_labels().seen, Use.TRAIN, NATURAL_PLAIN, seed=7).sentences(8000)


@pytest.fixture(scope="module")
def released() -> dict[Relevance, list[list[int]]]:
    """Distinct label columns of each released training lesion, by relevance."""
    lists = Release.shipped().labels
    train = LabelLists(lists.terms, lists.table.filter(pc.equal(lists.table["split"], "train")))
    return {relevance: [sorted(set(row)) for row in train.lists(relevance)] for relevance in Relevance}


def _labels(rows: Sequence[AnnotatedSentence]) -> set[str]:
    return {mention.label for row in rows for mention in row.sentence.mentions}


def _families(rows: Sequence[AnnotatedSentence]) -> set[str]:
    return {row.source.removeprefix("synthetic: ") for row in rows}


def test_mentions_slice_to_names_of_their_labels(train: Sequence[AnnotatedSentence]) -> None:
    ontology = load_shipped()
    for row in train:
        for mention in row.sentence.mentions:
            label = ontology.by_id[mention.label]
            names = {name.lower() for name in (label.name, *(synonym.text for synonym in label.synonyms))}
            assert row.sentence.text[mention.start : mention.end].lower() in names


def test_bookmarks_are_one_token_each_and_every_pair_is_judged(train: Sequence[AnnotatedSentence]) -> None:
    for row in train:
        tokens = [token for token in row.sentence.tokens if token.text == BOOKMARK_WORD]
        assert [(t.start, t.end) for t in tokens] == [(b.start, b.end) for b in row.sentence.bookmarks]
        bookmarks = range(len(row.sentence.bookmarks)) or (None,)
        assert set(row.gold) == {(m, b) for m in range(len(row.sentence.mentions)) for b in bookmarks}


def test_every_sentence_says_that_it_is_synthetic(tests: dict[str, Sequence[AnnotatedSentence]]) -> None:
    assert all(row.source.startswith("synthetic: ") for rows in tests.values() for row in rows)


def test_the_same_seed_makes_the_same_sentences_and_another_one_others() -> None:
    first, again, other = (made_corpus(RelationRecipe(sentences=20, seed=s), 5) for s in (3, 3, 4))

    def hashes(corpus: Corpus) -> list[str]:
        return [corpus.hash, *(content_hash(rows) for rows in corpus.tests.values())]

    assert hashes(first) == hashes(again)
    assert first.hash != other.hash
    assert hashes(first)[1:] == hashes(other)[1:]


def test_there_are_twelve_families_and_more_with_some_kept_for_settings_and_for_tests() -> None:
    templates = shipped_templates()
    assert len(templates.of_use(Use.TRAIN)) >= 12
    assert len(templates.of_use(Use.DEV)) >= 3
    assert len(templates.of_use(Use.TEST)) >= 6
    assert len({family.name for family in templates.families}) == len(templates.families)


def test_held_out_families_are_never_trained_on(
    train: Sequence[AnnotatedSentence], tests: dict[str, Sequence[AnnotatedSentence]]
) -> None:
    of = {use: {family.name for family in shipped_templates().of_use(use)} for use in Use}
    assert _families(train) == of[Use.TRAIN]
    assert _families(tests["held-out families"]) == of[Use.TEST]
    assert _families(made_dev(300)["dev families"]) == of[Use.DEV]
    assert _families(tests["held-out cues"]) <= of[Use.TRAIN]


def test_held_out_labels_are_never_trained_on(
    train: Sequence[AnnotatedSentence], tests: dict[str, Sequence[AnnotatedSentence]]
) -> None:
    held_out = released_labels().held_out
    assert len(held_out) >= 20
    assert {load_shipped().by_id[label].label_class for label in held_out} == set(LabelClass)
    assert not _labels(train) & held_out
    for name in ("seen", "held-out families", "held-out cues"):
        assert not _labels(tests[name]) & held_out
    judged = {row.sentence.mentions[m].label for row in tests["held-out labels"] for m, _ in row.gold}
    assert judged <= held_out
    assert len(judged) > 15


def test_held_out_cues_are_never_trained_on_and_always_tested(
    train: Sequence[AnnotatedSentence], tests: dict[str, Sequence[AnnotatedSentence]]
) -> None:
    cues = shipped_templates().cues
    for cue in cues.values():
        assert not set(cue.seen) & set(cue.held_out)

    def said(row: AnnotatedSentence, phrases: Sequence[str]) -> bool:
        text = row.sentence.text.lower()
        return any(re.search(rf"(?<![\w/]){re.escape(phrase)}(?![\w/])", text) for phrase in phrases)

    # "a second", "different": no word of a label, of a seen cue or of a neutral phrase.
    held_out = [phrase for cue in cues.values() for phrase in cue.held_out]
    assert not [row.source for row in train if said(row, held_out)]
    assert all(said(row, held_out) for row in tests["held-out cues"])


def test_lesions_have_uncertain_and_irrelevant_labels_about_as_often_as_in_the_released_lists(
    natural: Sequence[AnnotatedSentence], released: dict[Relevance, list[list[int]]]
) -> None:
    wanted = (Relevance.UNCERTAIN, Relevance.IRRELEVANT)
    real = [float(np.mean([bool(row) for row in released[relevance]])) for relevance in wanted]
    lesions = [
        {relevance for (_, at), relevance in row.gold.items() if at == bookmark}
        for row in natural
        for bookmark in range(len(row.sentence.bookmarks))
    ]
    made = [float(np.mean([relevance in found for found in lesions])) for relevance in wanted]
    assert real == pytest.approx([0.081, 0.233], abs=0.001)
    assert made == pytest.approx(real, abs=0.05)


def test_labels_often_uncertain_or_irrelevant_in_the_released_lists_are_so_here(
    natural: Sequence[AnnotatedSentence], released: dict[Relevance, list[list[int]]]
) -> None:
    ontology = load_shipped()
    columns = {ontology.by_name[term].id: i for i, term in enumerate(Release.shipped().labels.terms)}
    made = np.zeros((len(Relevance), len(columns)))
    real = np.zeros_like(made)
    for place, relevance in enumerate(Relevance):
        for row in natural:
            for (mention, _), judged in row.gold.items():
                made[place, columns[row.sentence.mentions[mention].label]] += judged is relevance
        for columns_of_lesion in released[relevance]:
            real[place, columns_of_lesion] += 1
    often = (made.sum(axis=0) >= 30) & (real.sum(axis=0) >= 30)
    made_share, real_share = (counts[:, often] / counts[:, often].sum(axis=0) for counts in (made, real))
    assert often.sum() > 70
    uncertain, irrelevant = (np.corrcoef(made_share[place], real_share[place])[0, 1] for place in (1, 2))
    assert uncertain > 0.6
    # Every label of a lesion is irrelevant to the other bookmarks of its sentence, whatever the label.
    assert irrelevant > 0.3


def test_without_a_bookmark_another_lesion_is_asserted_and_a_negated_one_is_not(
    natural: Sequence[AnnotatedSentence],
) -> None:
    said: dict[str, set[Relevance]] = {}
    for row in natural:
        if not row.sentence.bookmarks:
            said.setdefault(row.source.removeprefix("synthetic: "), set()).update(row.gold.values())
    assert said["other-lesion"] == {Relevance.RELEVANT}
    assert said["landmark"] == said["negated-feature"] == {Relevance.RELEVANT, Relevance.IRRELEVANT}
    assert said["hedged-diagnosis"] == {Relevance.RELEVANT, Relevance.UNCERTAIN}


def test_words_around_the_slots_name_no_label() -> None:
    matcher = Matcher(Lexicon.of_ontology(load_shipped(), label_set=LABEL_SET))
    templates = shipped_templates()
    literal = {
        part.text.strip()
        for family in templates.families
        for template in family.templates
        for part in template
        if isinstance(part, Words)
    }
    phrases = {p for cue in templates.cues.values() for p in (*cue.seen, *cue.held_out)}
    neutral = {p for words in templates.words.values() for p in words}
    named = {text for text in literal | phrases | neutral if mined_line(text, matcher).mentions}
    assert named == set()


def test_templates_name_only_lists_that_exist_and_mark_every_lesion_they_speak_of() -> None:
    templates = shipped_templates()
    lists = set(templates.cues) | set(templates.words)
    for family in templates.families:
        assert family.weight > 0
        for template in family.templates:
            assert {part.name for part in template if isinstance(part, Draw)} <= lists
            slots = [part for part in template if isinstance(part, Slot)]
            marked = {slot.lesions for slot in slots if slot.what == "@"}
            assert 1 <= len([slot for slot in slots if slot.what == "@"]) <= 3
            assert {letter for slot in slots for letter in slot.lesions} == marked

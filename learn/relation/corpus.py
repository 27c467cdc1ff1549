"""Sentences to train on and to judge by: the made ones of the grammar, or a file of annotated ones, divided.

Protocol of the made sentences. Training sees ``train`` families, cue phrases that are not held out, and labels that are
not held out. Settings were chosen on ``dev`` sentences (new sentences of training families, and ``dev`` families). Four
test sets then differ from training in one respect each: new sentences only (``seen``), held-out families, held-out
cue phrases, held-out labels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ingest.mining.mention import Mention
from kg.errors import TrainingError
from learn.relation.annotations import AnnotatedSentence, content_hash
from learn.relation.grammar import Grammar
from learn.relation.label_draws import released_labels
from learn.relation.recipe import RelationRecipe
from learn.relation.templates import Use, shipped_templates

NATURAL_PLAIN = 0.78
"""Share of plain sentences at which labels are relevant, uncertain and irrelevant about as often as in reports."""
TEST_SENTENCES = 1500
_DEV_SEED, _TEST_SEED = 1001, 2002
_HELD_BACK = 5


@dataclass(frozen=True)
class Corpus:
    """Annotated sentences.

    Attributes:
        name: of the grammar, or of a file.
        hash: of the content.
        synthetic: whether a grammar made them.
        train: what a network is trained on.
        tests: what it is judged by, by name.
    """

    name: str
    hash: str
    synthetic: bool
    train: Sequence[AnnotatedSentence]
    tests: dict[str, Sequence[AnnotatedSentence]]


def made_corpus(recipe: RelationRecipe, test_sentences: int = TEST_SENTENCES) -> Corpus:
    """Synthetic sentences for a recipe; the test sets are the same for every recipe."""
    templates, labels = shipped_templates(), released_labels()
    train = Grammar(templates, labels.seen, Use.TRAIN, plain=recipe.plain, seed=recipe.seed).sentences(recipe.sentences)
    return Corpus("synthetic grammar", content_hash(train), True, train, made_tests(test_sentences))


def made_tests(sentences: int = TEST_SENTENCES) -> dict[str, Sequence[AnnotatedSentence]]:
    """The four synthetic test sets, each of so many sentences."""
    templates, labels = shipped_templates(), released_labels()

    def made(use: Use, plain: float, held_out_cues: bool = False) -> list[AnnotatedSentence]:
        return Grammar(templates, labels.seen, use, plain, held_out_cues, _TEST_SEED).sentences(sentences)

    unseen = Grammar(templates, labels.unseen, Use.TRAIN, NATURAL_PLAIN, seed=_TEST_SEED).sentences(sentences)
    return {
        "seen": made(Use.TRAIN, NATURAL_PLAIN),
        "held-out families": made(Use.TEST, 0),
        "held-out cues": made(Use.TRAIN, 0, held_out_cues=True),
        "held-out labels": [_only(row, labels.held_out) for row in unseen],
    }


def made_dev(sentences: int = TEST_SENTENCES) -> dict[str, Sequence[AnnotatedSentence]]:
    """The synthetic sentences that settings are chosen on."""
    templates, labels = shipped_templates(), released_labels()
    return {
        "dev, seen": Grammar(templates, labels.seen, Use.TRAIN, NATURAL_PLAIN, seed=_DEV_SEED).sentences(sentences),
        "dev families": Grammar(templates, labels.seen, Use.DEV, seed=_DEV_SEED).sentences(sentences),
    }


def file_corpus(name: str, sentences: Sequence[AnnotatedSentence]) -> Corpus:
    """A file's sentences: about a fifth, chosen by a hash of the text, is held back from training as the test set.

    Raises:
        TrainingError: too few sentences to hold any back.
    """
    held = [_held_back(row) for row in sentences]
    if all(held) or not any(held):
        raise TrainingError(f"{name}: {len(sentences)} sentences are too few to train and to test on; annotate more")
    train = [row for row, back in zip(sentences, held, strict=True) if not back]
    test = [row for row, back in zip(sentences, held, strict=True) if back]
    return Corpus(name, content_hash(sentences), False, train, {"held back": test})


def _held_back(row: AnnotatedSentence) -> bool:
    return hashlib.sha256(row.sentence.text.encode()).digest()[0] % _HELD_BACK == 0


def _only(row: AnnotatedSentence, labels: frozenset[str]) -> AnnotatedSentence:
    """The same sentence, judged for mentions of some labels only."""

    def chosen(mention: Mention) -> bool:
        return mention.label in labels

    gold = {key: value for key, value in row.gold.items() if chosen(row.sentence.mentions[key[0]])}
    return replace(row, gold=gold)

"""Which labels of a released label list were mentioned, and which were only inferred as parents.

The released lists keep the order in which they were made: a mentioned label, then all parents listed for it in the
released ontology (its parents among the label set, in whatever order), then the next mention. A list is read that way
from left to right: when the entries after a mention are exactly its parents, they are inferred; otherwise the next
entry is a mention too. Duplicates are part of the order, so parse first and remove them afterwards.

Measured on the released file (``lesionkg ingest mentions`` prints it): of the 14,380 relevant lists of train in
which a label has parents, 95.9 % parse without a remainder, that is, every mention is followed by all its parents;
with each list shuffled 13 % do (7 % when the order of the parents counts as well). A label is *asserted* when it is a
mention in a lesion's relevant or uncertain list at least once. 32,544 of the 81,430 training positives (relevant or
uncertain), 39.97 %, are not: they are inferred only, and their lesion carries a mentioned label that implies them.

Lists of uncertain and irrelevant labels are not in that order (0.8 % parse), so nearly all their entries count as
mentions.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow.compute as pc

from ingest.label_lists import KINDS, LabelLists
from kg import algebra
from kg.algebra import BoolMatrix
from kg.matrices import multi_hot
from kg.ontology import Ontology

Parents = tuple[frozenset[int], ...]
"""For each label column the columns of its listed parents."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """One list, taken apart.

    Attributes:
        mentions: label columns in order, duplicates kept.
        inferred: label columns listed as parents of a mention.
        whole: every mention that has parents is followed by all of them.
    """

    mentions: tuple[int, ...]
    inferred: tuple[int, ...]
    whole: bool


@dataclass(frozen=True)
class AssertedLabels:
    """What is said of each lesion itself, all N x C boolean; ancestors are left to the ontology.

    Attributes:
        has: relevant and asserted. A label that is both relevant and uncertain is relevant.
        may_have: uncertain, asserted and not relevant.
        not_about: irrelevant as listed, that is, said of something else in the sentence: never a negative.
    """

    has: BoolMatrix
    may_have: BoolMatrix
    not_about: BoolMatrix


@dataclass(frozen=True)
class MentionCounts:
    """How far the released lists follow their order, over the training lesions.

    Attributes:
        tested_lists: relevant lists in which a label has parents.
        parsed_percent: those that parse whole.
        parsed_shuffled_percent: those that parse whole after each was shuffled (seeded).
        positives: distinct (lesion, label) pairs that are relevant or uncertain.
        inferred: those of them that are not asserted.
        inferred_percent: the same as a share.
    """

    tested_lists: int
    parsed_percent: float
    parsed_shuffled_percent: float
    positives: int
    inferred: int
    inferred_percent: float


def listed_parents(ontology: Ontology, label_set: str) -> Parents:
    """Each label's asserted parents within a label set, and what it was merged into, as columns.

    Args:
        ontology: the released ontology, unchanged: the lists were made with its relations.
        label_set: whose columns the lists use.

    Raises:
        UsageError: no such label set.
    """
    members = ontology.label_set(label_set).members
    column = {label_id: i for i, label_id in enumerate(members)}
    parents: list[set[int]] = [set() for _ in members]
    for child, parent in ontology.parent_pairs:
        if child in column and parent in column:
            parents[column[child]].add(column[parent])
    return tuple(frozenset(p) for p in parents)


def parse(entries: Sequence[int], parents: Parents) -> Parsed:
    """Take one released list apart into mentions and inferred parents."""
    mentions: list[int] = []
    inferred: list[int] = []
    whole = True
    at = 0
    while at < len(entries):
        label = entries[at]
        mentions.append(label)
        at += 1
        expected = parents[label]
        following = entries[at : at + len(expected)]
        if len(following) == len(expected) and expected == frozenset(following):
            inferred.extend(following)
            at += len(expected)
        else:
            whole = False
    return Parsed(tuple(mentions), tuple(inferred), whole)


def asserted_labels(lists: LabelLists, parents: Parents) -> AssertedLabels:
    """Take all lists apart.

    A label counts as asserted when the lesion's relevant or uncertain list mentions it.
    """
    size = len(lists.terms)
    listed = {kind: lists.lists(kind) for kind in KINDS}
    relevant, uncertain, irrelevant = (multi_hot(listed[kind], size) for kind in KINDS)
    asserted = algebra.union(
        multi_hot([parse(row, parents).mentions for row in listed["relevant"]], size),
        multi_hot([parse(row, parents).mentions for row in listed["uncertain"]], size),
    )
    return AssertedLabels(
        has=algebra.as_bool(relevant.multiply(asserted)),
        may_have=algebra.minus(uncertain.multiply(asserted), relevant),
        not_about=irrelevant,
    )


def count_mentions(lists: LabelLists, parents: Parents, seed: int = 1) -> MentionCounts:
    """The figures in this module's description, counted."""
    train = LabelLists(lists.terms, lists.table.filter(pc.equal(lists.table["split"], "train")))
    tested = [row for row in train.lists("relevant") if any(parents[label] for label in row)]
    shuffle = random.Random(seed)
    shuffled = [shuffle.sample(row, len(row)) for row in tested]
    size = len(lists.terms)
    listed = algebra.union(multi_hot(train.lists("relevant"), size), multi_hot(train.lists("uncertain"), size))
    labels = asserted_labels(train, parents)
    inferred = listed.nnz - algebra.union(labels.has, labels.may_have).nnz
    return MentionCounts(
        tested_lists=len(tested),
        parsed_percent=_percent(sum(parse(row, parents).whole for row in tested), len(tested)),
        parsed_shuffled_percent=_percent(sum(parse(row, parents).whole for row in shuffled), len(tested)),
        positives=int(listed.nnz),
        inferred=int(inferred),
        inferred_percent=_percent(inferred, listed.nnz),
    )


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0

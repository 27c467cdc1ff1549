"""Which labels of a released label list were mentioned, and which were only inferred as parents.

The released lists keep the order in which they were made: a mentioned label, then all parents listed for it in the
released ontology (its parents among the label set, in whatever order), then the next mention. A list is read that way
from left to right: when the entries after a mention are exactly its parents, they are inferred; otherwise the next
entry is a mention too. Duplicates are part of the order, so parse first and remove them afterwards.

Measured on the released file (``tests/ingest/test_mentions.py`` asserts it): of the 14,380 relevant lists of train in
which a label has parents, 95.9 % parse without a remainder, that is, every mention is followed by all its parents;
with each list shuffled 13 % do (7 % when the order of the parents counts as well). A label is *asserted* when it is a
mention in a lesion's relevant or uncertain list at least once. 32,544 of the 81,430 training positives (relevant or
uncertain), 39.97 %, are not: they are inferred only, and their lesion carries a mentioned label that implies them.

Lists of uncertain and irrelevant labels are not in that order (0.8 % parse), so nearly all their entries count as
mentions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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


def listed_parents(ontology: Ontology, label_set: str) -> Parents:
    """Each label's asserted parents within a label set, as columns.

    Args:
        ontology: the released ontology, unchanged: the lists were made with its relations.
        label_set: whose columns the lists use.

    Raises:
        UsageError: no such label set.
    """
    members = ontology.label_set(label_set).members
    column = {label_id: i for i, label_id in enumerate(members)}
    parents: list[set[int]] = [set() for _ in members]
    for relation in ontology.relations:
        if relation.child in column and relation.parent in column:
            parents[column[relation.child]].add(column[relation.parent])
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

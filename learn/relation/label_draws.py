"""Label sets for made sentences, drawn as they occur in the released training labels.

What is relevant comes as the whole set that one real lesion's sentence asserts; what is uncertain or irrelevant is
drawn one label at a time, by how often that label is uncertain or irrelevant in the training lists. So a label is
irrelevant or uncertain in made sentences about as often, relative to other labels, as in the released ones.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import numpy as np
import pyarrow.compute as pc

from ingest.label_lists import LabelLists
from ingest.mentions import asserted_labels, listed_parents
from ingest.mining.mention import Relevance
from ingest.release import Release
from kg.algebra import BoolMatrix
from kg.ontology import LabelClass, Ontology, SynonymScope
from kg.shipped import load_shipped

LABEL_SET = "lesanet-171"
_HELD_OUT_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class LesionLabels:
    """Label ids that one real lesion's sentence asserts, by class."""

    part: tuple[str, ...]
    type: tuple[str, ...]
    attrs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Weighted:
    """Labels with cumulated weights."""

    labels: tuple[str, ...]
    cumulated: tuple[int, ...]


@dataclass(frozen=True)
class LabelDraws:
    """Where made sentences get their labels.

    Attributes:
        lesions: asserted relevant labels of real training lesions.
        counts: how often each label is uncertain or irrelevant there, by relevance and slot.
        surfaces: names under which each label may appear.
    """

    lesions: tuple[LesionLabels, ...]
    counts: Mapping[tuple[Relevance, str], _Weighted]
    surfaces: Mapping[str, tuple[str, ...]]

    def lesion(self, random_: random.Random) -> LesionLabels:
        """The labels of one lesion."""
        return random_.choice(self.lesions)

    def label(self, relevance: Relevance, slot: str, random_: random.Random) -> str:
        """One label, in proportion to its counts.

        Args:
            relevance: whose counts.
            slot: ``part``, ``type`` or ``attrs``.
            random_: source of the draw.
        """
        weighted = self.counts[relevance, slot]
        return random_.choices(weighted.labels, cum_weights=weighted.cumulated)[0]

    def surface(self, label: str, random_: random.Random) -> str:
        """A name of a label: half of the time the preferred one."""
        names = self.surfaces[label]
        return names[0] if random_.random() < 0.5 else random_.choice(names)


@dataclass(frozen=True)
class LabelSplit:
    """Draws with and without the held-out labels.

    Attributes:
        held_out: ids of labels that training never sees.
        seen: draws of all other labels.
        unseen: lesions that have a held-out label; uncertain and irrelevant draws are of held-out labels.
    """

    held_out: frozenset[str]
    seen: LabelDraws
    unseen: LabelDraws


_SLOTS = {LabelClass.BODYPART: "part", LabelClass.TYPE: "type", LabelClass.ATTRIBUTE: "attrs"}


@cache
def released_labels(seed: int = 0) -> LabelSplit:
    """Draws from the released training lists; ``seed`` chooses the held-out labels."""
    ontology = load_shipped()
    lists = Release.shipped().labels
    lists = LabelLists(lists.terms, lists.table.filter(pc.equal(lists.table["split"], "train")))
    ids = [ontology.by_name[term].id for term in lists.terms]
    labels = asserted_labels(lists, listed_parents(load_shipped("lesanet-released"), LABEL_SET))
    random_ = random.Random(seed)
    by_slot = {slot: [i for i in ids if _SLOTS[ontology.by_id[i].label_class] == slot] for slot in _SLOTS.values()}
    held_out = frozenset(
        i for slot in by_slot.values() for i in random_.sample(slot, round(_HELD_OUT_SHARE * len(slot)))
    )
    rows = [[ids[column] for column in row] for row in _columns(labels.has)]
    counts = {
        Relevance.RELEVANT: _count(labels.has, ids),
        Relevance.UNCERTAIN: _count(labels.may_have, ids),
        Relevance.IRRELEVANT: _count(labels.not_about, ids),
    }
    surfaces = {i: _surfaces(ontology, i) for i in ids}

    def draws(kept_rows: list[list[str]], kept: frozenset[str]) -> LabelDraws:
        lesions = tuple(
            LesionLabels(*(tuple(i for i in row if i in by_slot[slot]) for slot in ("part", "type", "attrs")))
            for row in kept_rows
            if row
        )
        weighted = {
            (relevance, slot): _weighted([i for i in by_slot[slot] if i in kept], count)
            for relevance, count in counts.items()
            for slot in by_slot
        }
        return LabelDraws(lesions, weighted, surfaces)

    seen = frozenset(ids) - held_out
    return LabelSplit(
        held_out,
        draws([[i for i in row if i in seen] for row in rows], seen),
        draws([row for row in rows if not seen.issuperset(row)], held_out),
    )


def _columns(matrix: BoolMatrix) -> list[list[int]]:
    return [row.tolist() for row in np.split(matrix.indices, matrix.indptr[1:-1])]


def _count(matrix: BoolMatrix, ids: Sequence[str]) -> dict[str, int]:
    return dict(zip(ids, (int(n) for n in matrix.astype(int).sum(axis=0)), strict=True))


def _weighted(labels: list[str], count: Mapping[str, int]) -> _Weighted:
    known = tuple(label for label in labels if count[label])
    return _Weighted(known, tuple(accumulate(count[label] for label in known)))


def _surfaces(ontology: Ontology, label_id: str) -> tuple[str, ...]:
    label = ontology.by_id[label_id]
    exact = (synonym.text for synonym in label.synonyms if synonym.scope == SynonymScope.EXACT)
    return (label.name, *(text for text in exact if text.isascii()))

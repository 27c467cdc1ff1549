"""The review queues as they stand now: what waits, what was decided, and why each item is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from kg.curation.decisions import Action, Decision, Standing, latest, standing
from kg.curation.queues import Item, QueueKind, Topic, topic_of
from kg.curation.queues_graph import QueueSources, read_sources
from kg.curation.queues_ranked import term_items
from kg.curation.queues_tables import make_queue_tables
from kg.curation.queues_terms import kept_terms
from kg.curation.reconcile import failed
from kg.relational import Database
from queries.heat_map_graph import models_with_correlations
from queries.kept import Kept
from queries.pair_evidence import PairEvidence, pair_evidence, read_splits

_QUEUE_OF = {
    Topic.TOGETHER: QueueKind.CORRELATIONS,
    Topic.APART: QueueKind.CORRELATIONS,
    Topic.CONFUSED: QueueKind.CONFUSED,
    Topic.CONTRADICTED: QueueKind.CONTRADICTED,
    Topic.TERM: QueueKind.TERMS,
    Topic.UNMAPPED: QueueKind.UNMAPPED,
}


@dataclass(frozen=True, eq=False)
class Gathered:
    """What the queues are made from, and the items that a graph alone gives.

    Attributes:
        sources: ontology, lesions, correlations.
        splits: shape (N,), the split of each lesion.
        items: by queue, ranked.
    """

    sources: QueueSources
    splits: np.ndarray
    items: Mapping[QueueKind, tuple[Item, ...]]


@dataclass(frozen=True, eq=False)
class Board:
    """All queues with what was decided.

    Attributes:
        gathered: what they are made from.
        queues: by queue its items, ranked, each with its newest decision.
        past: decisions that hold about what stands in no queue any more, newest first, by queue.
    """

    gathered: Gathered
    queues: Mapping[QueueKind, tuple[Standing, ...]]
    past: Mapping[QueueKind, tuple[Decision, ...]]

    def waiting(self, kind: QueueKind) -> tuple[Standing, ...]:
        """Items that wait for a decision."""
        return tuple(one for one in self.queues[kind] if one.open)

    def decided(self, kind: QueueKind) -> tuple[Decision, ...]:
        """Decisions that hold, newest first."""
        found = [one.decision for one in self.queues[kind] if one.decision is not None and not one.open]
        return tuple(sorted((*found, *self.past[kind]), key=lambda one: one.created, reverse=True))

    def find(self, item: str) -> Standing | None:
        """An item by its id; None when it stands in no queue."""
        return next((one for rows in self.queues.values() for one in rows if one.item.id == item), None)

    def last(self, reviewer: str) -> Decision | None:
        """The newest decision of a reviewer that still holds; None for none."""
        mine = [one for kind in QueueKind for one in self.decided(kind) if one.reviewer == reviewer]
        return max(mine, key=lambda one: (one.created, one.number), default=None)


def gather(kept: Kept, model: str = "") -> Gathered:
    """What the queues are made from; computed once for each state of the graph.

    Raises:
        UsageError: no such model with correlations, or the graph holds no ontology.
        StaleRevisionError: the ontology was edited behind our back.
    """

    chosen = model or next(iter(models_with_correlations(kept.store)), "")

    def work() -> Gathered:
        sources = read_sources(kept.store, chosen)
        return Gathered(sources, read_splits(kept.store, sources.lesions.ids), sources.items())

    return kept.get(("queues", chosen), work)


def read_board(kept: Kept, database: Database, model: str = "", today: str = "") -> Board:
    """The queues now.

    Args:
        kept: what was read from the graph.
        database: the curation store.
        model: whose correlations to take; the newest when empty.
        today: ISO date; the day it is when empty.

    Raises:
        UsageError, StaleRevisionError: as :func:`gather`.
    """
    gathered = gather(kept, model)
    ontology = gathered.sources.lesions.ontology
    make_queue_tables(database)
    items = {**gathered.items, QueueKind.TERMS: term_items(ontology, kept_terms(database))}
    decisions, nothing = latest(database, ontology), failed(database, kept.store)
    day = today or datetime.now(UTC).date().isoformat()
    queues = {kind: tuple(standing(items.get(kind, ()), decisions, day, nothing)) for kind in QueueKind}
    listed = {one.item.id for rows in queues.values() for one in rows}
    gone = [
        one
        for one in decisions.values()
        if one.item not in listed and one.action is not Action.REOPENED and one.proposal not in (nothing - {""})
    ]
    past = {kind: tuple(one for one in gone if _QUEUE_OF[topic_of(one.item)] is kind) for kind in QueueKind}
    return Board(gathered, queues, past)


def evidence_of_pair(kept: Kept, gathered: Gathered, a: str, b: str) -> PairEvidence:
    """As :func:`queries.pair_evidence.pair_evidence`, of the lesions that the queues count."""
    return pair_evidence(kept.store, gathered.sources.lesions, gathered.splits, a, b)

"""What the first page tells: what is in the graph, whether it is sound, and what somebody should look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kg.curation.history import RevisionEntry, revisions
from kg.curation.proposal import Status
from kg.curation.proposals import proposals
from kg.curation.queues import QueueKind
from kg.errors import StaleRevisionError
from kg.findings import Finding
from kg.graph_cohort import CohortEntry, list_cohorts
from kg.graph_ontology import load_ontology
from kg.ontology import LabelClass
from kg.relational import Database
from kg.revision import Head, head, verify
from kg.rules import check
from kg.store import GraphStore
from queries.conflict_data import conflicts_of_labels
from queries.conflict_view import ALL
from queries.kept import Kept
from queries.request import Request, answer
from queries.review_board import read_board
from queries.schema_view import KindCounts, count_kinds

NEVER_RULED_OUT = "labels-never-ruled-out"
"""The named query behind the labels without reliable negatives."""

_CLASSES = (
    "MATCH (k:Label) RETURN k.class AS class, coalesce(k.deprecated, false) AS gone, count(k) AS n ORDER BY class"
)
_SETS = "MATCH (k:Label)-[:IN_SET]->(s:LabelSet) RETURN s.name AS name, count(k) AS n ORDER BY name"
_SPLITS = "MATCH (l:Lesion) RETURN coalesce(l.split, 'none') AS split, count(l) AS n ORDER BY split"
_LABELLED = """
MATCH (l:Lesion)-[:HAS_LABEL]->(:Label) WITH DISTINCT l
RETURN coalesce(l.split, 'none') AS split, count(l) AS n ORDER BY split
"""
_OPEN = (Status.DRAFT, Status.PROPOSED, Status.ACCEPTED)
_ORDER = ("train", "val", "test")


@dataclass(frozen=True)
class Glance:
    """What can be read at once.

    Attributes:
        head: stamp of the newest revision.
        labels: labels in use by class.
        deprecated: labels that are not to be used any more.
        label_sets: number of labels by label set.
        changes: the newest revisions, newest first.
    """

    head: Head
    labels: Mapping[LabelClass, int]
    deprecated: int
    label_sets: Mapping[str, int]
    changes: tuple[RevisionEntry, ...]


@dataclass(frozen=True, slots=True)
class SplitCount:
    """Attributes:
    split: ``train``, ``val``, ``test``, or ``none``.
    lesions: lesions in it.
    labelled: those of them with a label that holds.
    """

    split: str
    lesions: int
    labelled: int


@dataclass(frozen=True)
class Contents:
    """Attributes:
    counts: nodes and relationships of every kind.
    splits: lesions by DeepLesion's own split.
    """

    counts: KindCounts
    splits: tuple[SplitCount, ...]


@dataclass(frozen=True)
class Soundness:
    """Attributes:
    stale: why the content is not what its stamp says; empty when it is.
    findings: what the rules find in the ontology.
    """

    stale: str
    findings: tuple[Finding, ...]


def glance(store: GraphStore, changes: int = 6) -> Glance:
    """What can be read at once: in a few hundredths of a second on the full graph.

    Raises:
        UsageError: the graph holds no ontology yet.
    """
    rows = store.read(_CLASSES)
    labels = {one: sum(row["n"] for row in rows if row["class"] == one and not row["gone"]) for one in LabelClass}
    return Glance(
        head=head(store),
        labels=labels,
        deprecated=sum(row["n"] for row in rows if row["gone"]),
        label_sets={row["name"]: row["n"] for row in store.read(_SETS)},
        changes=tuple(revisions(store, limit=changes)),
    )


def open_proposals(database: Database) -> int:
    """Proposals that wait for a review, or to be applied."""
    return len(proposals(database, _OPEN))


def contents(kept: Kept) -> Contents:
    """What the graph holds; counted once for each state of the graph, in about two seconds on the full one."""

    def work() -> Contents:
        labelled = {row["split"]: row["n"] for row in kept.store.read(_LABELLED)}
        found = {row["split"]: row["n"] for row in kept.store.read(_SPLITS)}
        order = [*(one for one in _ORDER if one in found), *(one for one in found if one not in _ORDER)]
        splits = tuple(SplitCount(one, found[one], labelled.get(one, 0)) for one in order)
        return Contents(kept.get("kinds", lambda: count_kinds(kept.store)), splits)

    return kept.get("contents", work)


def soundness(kept: Kept) -> Soundness:
    """Whether the ontology is what its stamp says, and what the rules find in it."""

    def work() -> Soundness:
        try:
            verify(kept.store)
            stale = ""
        except StaleRevisionError as error:
            stale = str(error)
        try:
            found = tuple(check(load_ontology(kept.store)))
        except StaleRevisionError:
            found = ()
        return Soundness(stale, found)

    return kept.get("soundness", work)


def newest_cohort(store: GraphStore) -> CohortEntry | None:
    """The cohort whose labels the page speaks of; None in a graph without one."""
    return next(iter(list_cohorts(store)), None)


def contradictory(kept: Kept, cohort: CohortEntry) -> int:
    """Lesions of a cohort with labels that exclude each other; takes seconds on the full graph, once for each state.

    Raises:
        CohortError: the cohort has no lesion.
    """
    return conflicts_of_labels(kept, cohort.id).count(ALL)


def never_ruled_out(kept: Kept, cohort: CohortEntry) -> int:
    """Labels that no training lesion of a cohort can serve as a negative for."""
    parameters = {"cohort": cohort.id, "label_set": cohort.label_set}
    request = Request(NEVER_RULED_OUT, parameters=parameters)
    return kept.get(("never ruled out", cohort.id), lambda: len(answer(kept.store, request).rows))


def waiting(kept: Kept, database: Database) -> dict[QueueKind, int]:
    """Items that wait in each review queue; takes seconds on the full graph, once for each state.

    Raises:
        StaleRevisionError: the ontology was edited behind our back.
    """
    board = read_board(kept, database)
    return {kind: len(board.waiting(kind)) for kind in QueueKind}

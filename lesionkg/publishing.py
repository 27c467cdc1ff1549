"""Publishing a run: the same from the command line and from the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kg.curation.decisions import latest
from kg.curation.queues_graph import stamp_reviews
from kg.curation.queues_tables import make_queue_tables
from kg.graph_cohort import load_cohort
from kg.graph_ontology import load_ontology
from kg.relational import Database
from kg.store import GraphStore
from learn.publish import PublishSummary, publish
from learn.run import Run


@dataclass(frozen=True)
class Published:
    """What is in the graph for a model.

    Attributes:
        summary: its edges.
        decided: correlations that curators decided about before.
    """

    summary: PublishSummary
    decided: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return self.summary.as_dict() | {"decided": self.decided}


def publish_run(store: GraphStore, database: Database | None, run: Run, min_weight: float | None = None) -> Published:
    """Write a run into the graph, and mark the correlations that curators decided about.

    Args:
        store: the graph.
        database: the curation store; None where there is none yet.
        run: what training left; of the weights it needs those of score propagation.
        min_weight: smallest absolute correlation weight to keep; see :func:`learn.publish.publish`.

    Raises:
        CohortError: the graph has no cohort of the run.
        TrainingError: the cohort is not the run's, or lost lesions of it.
        StoreError: the graph lacks labels or lesions of the run.
    """
    cohort = load_cohort(store, run.cohort)
    run.require_cohort(cohort)
    summary = publish(store, run, cohort, min_weight)
    if database is None:
        return Published(summary, 0)
    make_queue_tables(database)
    return Published(summary, stamp_reviews(store, latest(database, load_ontology(store))))

"""The whole loop on the shipped real tables: ontology, graph, matrices, training, write-back, questions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ingest.load import load_deeplesion
from ingest.release import Release
from kg.cohort import Cohort
from kg.connect import open_store
from kg.curation.impact import impact
from kg.curation.label_data import read_label_data
from kg.errors import UsageError
from kg.graph_cohort import load_cohort
from kg.graph_matrices import matrices_from_graph
from kg.graph_ontology import save_ontology
from kg.graph_summary import summarise
from kg.matrices import RelationMatrices
from kg.revision import find_head
from kg.rules import check
from kg.shipped import CURATED, curated_history, load_shipped
from kg.statistics import statistics
from kg.store import GraphStore
from learn.publish import publish
from learn.recipe import Recipe
from learn.training import train
from lesionkg.demo_reports import mine_samples
from queries.request import Request, answer
from queries.results import Result

ONTOLOGY = "lesanet-repaired"
RELEASED = "lesanet-released"
LABEL_SET = "lesanet-171"
COHORT = "lesanet"

REFERENCES: Mapping[str, float] = {
    "two-layer network, weighted loss alone, on metadata (a probe)": 0.873,
    "lesion embedding on images (LesaNet paper, table 1)": 0.8933,
    "multiscale CNN on images (LesaNet paper, table 1)": 0.9048,
    "LesaNet on images (LesaNet paper, table 1)": 0.9344,
}
"""Macro AUC on the same 1,761 test lesions, to read the demo's figure beside."""

QUESTIONS: tuple[Request, ...] = (
    Request(name="new-correlations", rows=5),
    Request(name="exclusive-labels-together", rows=5),
    Request(name="lesions-with-findings", rows=5),
)
"""Named queries whose first rows the demo shows."""


@dataclass
class DemoReport:
    """What the demo did and measured; plain values throughout.

    Attributes:
        figures: figures of the ontology, the label data and the write-back.
        timings: seconds of each step.
        counts: nodes and relationships by kind.
        run: id of the run that was trained and published.
        metrics: the run's metrics on val and test.
        answers: first rows of some named queries.
    """

    figures: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)
    run: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Result] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Measure one step."""
        start = time.perf_counter()
        yield
        self.timings[step] = round(time.perf_counter() - start, 2)


def run_demo(home: Path, graph: str, say: Callable[[str], None], progress: Callable[[int, int], None]) -> DemoReport:
    """Run the loop once; what is already there is left as it is, so running it again is quick and changes nothing.

    Args:
        home: data folder, for the cohort, the matrices and the run.
        graph: graph folder, or Bolt address.
        say: takes a line about what was done.
        progress: takes training steps done and to do.

    Raises:
        UsageError: the graph holds another ontology, which the demo would overwrite.
    """
    report = DemoReport()
    started = time.perf_counter()
    home.mkdir(parents=True, exist_ok=True)
    with report.timed("ontology"):
        _ontology(report, say)
    with report.timed("reports"):
        report.figures["reports"] = asdict(mine_samples(home, load_shipped(ONTOLOGY), say))
    with open_store(graph) as store:
        with report.timed("load"):
            _load(store, report, say)
        with report.timed("pull"):
            matrices = matrices_from_graph(store, LABEL_SET)
            cohort = load_cohort(store, COHORT)
            _contradictions(cohort, matrices, report, say)
        with report.timed("curation"):
            _what_if(store, report, say)
    with report.timed("train"):
        run = train(cohort, matrices, Recipe(), home / "runs", progress=progress)
        report.run, report.metrics = run.run_id, dict(run.metrics)
        _training(report, say)
    with open_store(graph) as store:
        with report.timed("publish"):
            summary = publish(store, run, cohort)
            report.figures["published"] = summary.as_dict()
            say(
                f"Published {summary.model}: {summary.correlations:,} correlations of "
                f"{summary.correlations_considered:,} label pairs, {summary.predicted:,} predictions and "
                f"{summary.similar:,} similar pairs on {summary.lesions:,} test lesions"
            )
        with report.timed("questions"):
            for request in QUESTIONS:
                report.answers[request.name] = answer(store, request)
        held = summarise(store)
        report.counts = {
            "nodes": dict(held.nodes),
            "relationships": dict(held.relationships),
        }
    report.timings["total"] = round(time.perf_counter() - started, 2)
    return report


def _ontology(report: DemoReport, say: Callable[[str], None]) -> None:
    released, repaired = load_shipped(RELEASED), load_shipped(ONTOLOGY)
    before = [finding for finding in check(released) if finding.severity == "error"]
    after = [finding for finding in check(repaired) if finding.severity == "error"]
    figures = statistics(repaired, LABEL_SET)
    report.figures["ontology"] = {"labels_in_all": len(repaired.labels), **figures}
    report.figures["errors_as_released"], report.figures["errors_after_repair"] = len(before), len(after)
    say(
        f"Ontology: {len(repaired.labels)} labels, {figures['labels']} in {LABEL_SET}; "
        f"{figures['parent_pairs_reduction']} hierarchical and {figures['exclusive_pairs_minimal']} exclusive "
        f"relations imply {figures['parent_pairs_closure']} and {figures['exclusive_pairs_inherited']:,}"
    )
    say(f"As released it has {len(before)} errors, after repair {len(after)}. One of them: {before[0].message}")


def _load(store: GraphStore, report: DemoReport, say: Callable[[str], None]) -> None:
    ontology = load_shipped(ONTOLOGY)
    held = store.read_transaction(find_head)
    if held is not None and held.ontology_hash != ontology.content_hash:
        raise UsageError(f"graph {store.url}: holds another ontology; run the demo with --home and a fresh folder")
    sequence = save_ontology(store, ontology, author="lesionkg demo", reason="shipped with lesionkg")
    summary = load_deeplesion(store, Release.shipped())
    report.figures["revision"], report.figures["loaded"] = sequence, dict(summary.counts)
    say(
        f"Graph: {summary.counts['Lesion']:,} lesions of {summary.counts['Patient']:,} patients, "
        f"{summary.counts['HAS_LABEL']:,} labels mentioned in reports "
        f"({'loaded' if summary.written else 'already there'}, {summary.seconds:.0f} s)"
    )


def _contradictions(cohort: Cohort, matrices: RelationMatrices, report: DemoReport, say: Callable[[str], None]) -> None:
    found = {}
    for split in ("train", "val", "test"):
        clashes = matrices.contradictions(cohort.subset(split).positive_matrix())
        found[split] = len(np.unique(clashes[:, 0]))
    report.figures["lesions_with_contradictory_labels"] = found
    say(
        "Label data: the relations find contradictory labels on "
        + ", ".join(f"{n:,} {split}" for split, n in found.items())
        + " lesions"
    )


def _what_if(store: GraphStore, report: DemoReport, say: Callable[[str], None]) -> None:
    """What the curated ontology would do to the labels in the graph; nothing is changed."""
    found = impact(load_shipped(ONTOLOGY), load_shipped(CURATED), read_label_data(store, COHORT), LABEL_SET)
    report.figures["curated"] = found.summary
    say(f"What if: the {len(curated_history())} change sets of {CURATED} instead of {ONTOLOGY}. {found.summary}")


def _training(report: DemoReport, say: Callable[[str], None]) -> None:
    test = report.metrics["test"]
    say(
        f"Training on metadata alone, no pixels: macro AUC {test['macro_auc']:.4f} on the real test lesions, the seeds "
        f"averaged; one seed alone {test['seed_macro_auc_mean']:.4f}. Beside it:"
    )
    for name, value in REFERENCES.items():
        say(f"  {value:.4f}  {name}")

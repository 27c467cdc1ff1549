"""The whole path on a synthetic set, from image files to a table: what CI runs, and what a newcomer can watch.

Slices and label lists are written as NIH publishes DeepLesion's, loaded into the graph, cut into patches, trained on
with the graph's relations, judged, published and matched over studies. No patient stands behind any of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ingest.images.build_cache import build_cache
from ingest.images.geometry import PatchGeometry
from ingest.images.patch_jobs import deeplesion_jobs
from ingest.load import load_deeplesion
from ingest.phantom.make import FOLLOW_UPS_FILE, HAND_LABELS_FILE, IMAGES, LABEL_SET, make_phantom
from ingest.release import PHANTOM, PHANTOM_MANIFEST, Release
from kg.connect import open_store
from kg.errors import UsageError
from kg.graph_ontology import save_ontology
from kg.revision import find_head
from kg.shipped import load_shipped
from learn.evaluation import evaluate
from learn.follow_ups import matching_figures, read_phantom_follow_ups
from learn.graph_same_lesion import match_run
from learn.hand_labels import judge_by_hand, read_hand_labels
from learn.image.execution import Execution
from learn.image.recipe import ImageRecipe
from learn.image.train import train_images
from learn.paper_tables import Judgement, write_tables
from learn.publish import publish
from learn.report_page import report_page
from lesionkg.training_data import read_training_data

GEOMETRY = PatchGeometry(size=64, spacing_mm=1.9)
"""Patches of the recipe ``phantom``: 120 mm as in the paper, at half the resolution."""

SET, PATCHES = "set", "patches"


@dataclass
class PhantomReport:
    """What a run over the synthetic set measured; plain values throughout.

    Attributes:
        figures: of the set, the training, matching and the write-back.
        timings: seconds of each step.
        run: id of the run.
        files: the report page and the tables.
    """

    synthetic: bool = True
    figures: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    run: str = ""
    files: list[str] = field(default_factory=list)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Measure one step."""
        start = time.perf_counter()
        yield
        self.timings[step] = round(time.perf_counter() - start, 2)


def run_phantom(
    home: Path,
    graph: str,
    lesions: int,
    seed: int,
    recipe: ImageRecipe,
    say: Callable[[str], None],
    progress: Callable[[str, int, int], None],
    workers: int = 1,
) -> PhantomReport:
    """Make a set and run everything on it; a set that is there already is used as it is.

    Args:
        home: data folder; the set lies in ``set``, its patches in ``patches``.
        graph: graph folder, or Bolt address.
        lesions: of the set.
        seed: of the set.
        recipe: of the training.
        say: takes a line about what was done.
        progress: takes the name of a step, what is done of it, and all there is to do.
        workers: processes that cut patches.

    Raises:
        UsageError: the set that is there was made otherwise, or the graph holds another ontology.
    """
    report = PhantomReport()
    started = time.perf_counter()
    home.mkdir(parents=True, exist_ok=True)
    with report.timed("set"):
        _set(home / SET, lesions, seed, report, say, progress)
    release = Release.read_phantom(home / SET)
    with report.timed("graph"), open_store(graph) as store:
        held = store.read_transaction(find_head)
        if held is not None and held.ontology_hash != load_shipped().content_hash:
            raise UsageError(f"graph {store.url}: holds another ontology; give --home a fresh folder")
        save_ontology(store, load_shipped())
        loaded = load_deeplesion(store, release)
        report.figures["loaded"] = dict(loaded.counts)
        cohort, matrices, laterality = read_training_data(store, loaded.cohort)
    say(f"Graph: {loaded.counts['Lesion']:,} lesions, {loaded.counts['HAS_LABEL']:,} labels said of them")
    with report.timed("patches"):
        jobs = deeplesion_jobs(release, home / SET / IMAGES).jobs
        built = build_cache(
            home / PATCHES, jobs, GEOMETRY, workers, progress=lambda done, of: progress("cutting patches", done, of)
        )
    say(f"Patches: {len(built.cache.lesions):,} of 3 x {GEOMETRY.size} x {GEOMETRY.size}")
    with report.timed("train"):
        run = train_images(
            cohort,
            matrices,
            built.cache,
            recipe,
            home / "runs",
            Execution(),
            laterality,
            lambda done, of: progress("training", done, of),
        )
        report.run = run.run_id
    with report.timed("evaluate"):
        hand = read_hand_labels(home / SET / HAND_LABELS_FILE, matrices.names)
        evaluation = evaluate(run, cohort, judge_by_hand(run, cohort, hand, built.cache))
        folder = home / "runs" / run.run_id
        page = folder / "report.html"
        page.write_text(report_page(run, cohort, evaluation), encoding="utf-8")
        tables = write_tables(folder / "tables", [Judgement(f"LesaNet ({run.run_id})", evaluation, "synthetic set")])
        report.files = [str(page), *map(str, tables)]
        report.figures["metrics"] = evaluation.as_dict()
        test, complete = evaluation.splits["test"], evaluation.splits["hand"]
        for name, split in (("lists as reports leave them", test), ("complete labels", complete)):
            say(
                f"Test, {name}: macro AUC {split.macro_auc:.4f}, F1 {split.paper.f1:.4f} in the paper's conventions "
                f"on {split.lesions:,} synthetic lesions"
            )
    with report.timed("publish"), open_store(graph) as store:
        published = publish(store, run, cohort)
        matched = match_run(store, run, cohort, follow_ups=home / SET / FOLLOW_UPS_FILE)
        report.figures["published"], report.figures["matched"] = published.as_dict(), matched.as_dict()
    with report.timed("follow-ups"):
        known = read_phantom_follow_ups(home / SET / FOLLOW_UPS_FILE, release)
        row_of = {lesion: row for row, lesion in enumerate(run.lesions)}
        known = known.filter(np.array([lesion in row_of for lesion in known.lesions], bool))
        figures = matching_figures(known, run.embedding[[row_of[lesion] for lesion in known.lesions]])
        report.figures["follow_ups"] = asdict(figures)
    say(
        f"Published {published.predicted:,} predictions and {published.correlations:,} correlations; "
        f"{matched.edges:,} SAME_LESION_AS edges, pair decisions on known follow-ups: precision "
        f"{figures.decisions.precision:.3f}, recall {figures.decisions.recall:.3f}"
    )
    report.timings["total"] = round(time.perf_counter() - started, 2)
    return report


def _set(
    folder: Path,
    lesions: int,
    seed: int,
    report: PhantomReport,
    say: Callable[[str], None],
    progress: Callable[[str, int, int], None],
) -> None:
    if (folder / PHANTOM_MANIFEST).is_file():
        held = json.loads((folder / PHANTOM_MANIFEST).read_text(encoding="utf-8"))
        if (held.get("lesions"), held.get("seed")) != (lesions, seed):
            raise UsageError(f"{folder}: holds a set made otherwise; give the same --lesions and --seed, or remove it")
        say(f"Set: {lesions:,} synthetic lesions, made before")
        return
    drawn = 0

    def advance(count: int) -> None:
        nonlocal drawn
        drawn += count
        progress("drawing synthetic lesions", drawn, lesions)

    made = make_phantom(folder, lesions, seed, advance)
    report.figures["set"] = {**asdict(made), "folder": str(folder), "source": PHANTOM.source, "label_set": LABEL_SET}
    say(f"Set: {made.lesions:,} synthetic lesions of {made.patients:,} made-up patients, {made.slices:,} slices")

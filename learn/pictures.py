"""The pictures of a run's evaluation, for the report page and as PNG files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kg.cohort import Cohort
from learn import plots
from learn.figures import Evaluation
from learn.judged import Judged
from learn.paper_tables import typical_labels
from learn.projection import label_groups, project
from learn.run import Run


class Picture(NamedTuple):
    """One picture: the name of its file without the suffix, a caption, and the bytes of a PNG."""

    name: str
    caption: str
    png: bytes


def pictures(run: Run, cohort: Cohort, evaluation: Evaluation) -> Iterator[Picture]:
    """Pictures of test lesions and of score propagation.

    Args:
        run: the model.
        cohort: its cohort.
        evaluation: its figures.
    """
    judged = Judged.of_split(run, cohort, "test")
    names, labels = run.matrices.names, evaluation.labels
    column = {label.label_id: place for place, label in enumerate(labels)}
    chosen = [column[label.label_id] for label in typical_labels(labels, per_class=2)]
    curves = plots.precision_recall_png(judged, names, chosen)
    yield Picture("precision-recall", "Precision over recall on test lesions", curves)
    yield Picture("calibration", "How often a label is there, over what the model says", plots.calibration_png(judged))
    yield Picture("auc-frequency", "AUC over how often a label was seen in training", plots.frequency_png(labels))
    groups = label_groups(judged.truth, run.matrices)
    yield Picture(
        "embeddings",
        f"Embeddings of test lesions, principal components, by {groups.label_class}",
        plots.projection_png(project(judged.embedding), groups, names),
    )
    weight = run.spl_weight.mean(axis=0)
    if run.recipe.propagation and len(weight) > 1:
        whole, strongest = plots.propagation_png(weight), plots.strongest_png(weight, names)
        yield Picture("propagation", "Score propagation: what one label's score adds to another's", whole)
        yield Picture("propagation-strongest", "The labels with its largest weights", strongest)


def write_pictures(folder: Path, run: Run, cohort: Cohort, evaluation: Evaluation) -> list[Path]:
    """Write each picture as ``<run id>-<name>.png``; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for picture in pictures(run, cohort, evaluation):
        files.append(folder / f"{run.run_id}-{picture.name}.png")
        files[-1].write_bytes(picture.png)
    return files

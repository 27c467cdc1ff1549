"""``lesionkg predict``: labels of a lesion on CT, or of many lesions at once."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from kg.errors import InputError, UsageError
from lesionkg.cli.context import (
    RESEARCH_USE_ONLY,
    Graph,
    Home,
    Json,
    console,
    errors,
    graph_url,
    home_folder,
    print_json,
    progress,
)

if TYPE_CHECKING:
    from kg.cohort import Cohort
    from learn.run import Run
    from lesionkg.prediction import LesionPrediction


def command(
    run: Annotated[str | None, typer.Argument(help="Run id or folder; default: the newest run on images.")] = None,
    image: Annotated[
        Path | None, typer.Option(help="DICOM file or series folder; or a 16-bit PNG slice, its neighbours beside it.")
    ] = None,
    box: Annotated[str | None, typer.Option(help="X1,Y1,X2,Y2 of the lesion in 0-based pixels of the slice.")] = None,
    slice_: Annotated[
        int | None, typer.Option("--slice", help="DICOM instance number, or number of the PNG slice.")
    ] = None,
    spacing: Annotated[float | None, typer.Option(help="Millimetres of a pixel, for PNG slices.")] = None,
    slice_interval: Annotated[float | None, typer.Option(help="Millimetres between slices, for PNG slices.")] = None,
    similar: Annotated[int, typer.Option(help="How many similar lesions to show.")] = 5,
    patches: Annotated[Path | None, typer.Option(help="Patch cache: predict all of its lesions.")] = None,
    cohort: Annotated[str | None, typer.Option(help="Cohort: predict all of its lesions from their metadata.")] = None,
    out: Annotated[Path | None, typer.Option(help="Parquet file for the predictions of many lesions.")] = None,
    into_graph: Annotated[bool, typer.Option(help="Write predictions of many lesions into the graph as well.")] = False,
    allow_other_relations: Annotated[
        bool, typer.Option(help="Predict although the graph's relations are no longer those of the training.")
    ] = False,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> int:
    """Predict labels, with the relations and the similar lesions behind them. For one lesion, or for a whole cache."""
    from learn.run import Run

    read = Run.read(_run_folder(run, home_folder(home), image is not None or patches is not None))
    many = patches is not None or cohort is not None
    if (image is not None) == many or (many and (box or slice_ is not None)):
        raise UsageError("predict: give --image with --box for one lesion, or --patches or --cohort for many")
    if many:
        if patches is not None and cohort is not None:
            raise UsageError("predict: give --patches or --cohort, not both")
        if out is None and not into_graph:
            raise UsageError("predict: say where predictions of many lesions go: --out FILE.parquet, --into-graph")
        return _many(read, patches, cohort, out, into_graph, allow_other_relations, graph_url(home, graph), json_)
    assert image is not None
    from lesionkg.prediction import open_image, predict_lesion

    corners = parse_box(box)
    source, key_slice = open_image(image, slice_, spacing, slice_interval)
    known, said = _cohort_of(read, graph_url(home, graph), allow_other_relations)
    found = predict_lesion(read, source, key_slice, corners, known, similar)
    if json_:
        print_json(_as_json(found, said))
        return 0
    _print(found)
    for line in said:
        console.print(line, markup=False, soft_wrap=True)
    console.print(RESEARCH_USE_ONLY)
    return 0


def parse_box(text: str | None) -> tuple[float, float, float, float]:
    """Four numbers from ``X1,Y1,X2,Y2``.

    Raises:
        UsageError: anything else.
    """
    try:
        x1, y1, x2, y2 = (float(part) for part in (text or "").split(","))
    except ValueError:
        raise UsageError(
            "--box: give four numbers X1,Y1,X2,Y2 in pixels of the slice, for example 226,90,241,112"
        ) from None
    return x1, y1, x2, y2


def _run_folder(run: str | None, home: Path, pixels: bool) -> Path:
    if run is not None:
        return Path(run) if Path(run).is_dir() else home / "runs" / run
    kind = "image" if pixels else "metadata"
    newest: tuple[str, Path] | None = None
    for path in sorted((home / "runs").glob(f"{kind}-*/config.json")):
        created = str(json.loads(path.read_text(encoding="utf-8")).get("created", ""))
        newest = max(newest or ("", path.parent), (created, path.parent))
    if newest is None:
        raise InputError(f"{home / 'runs'}: no run on {kind}; train one with `lesionkg train --features {kind}`")
    return newest[1]


def _cohort_of(run: Run, graph: str, allow: bool) -> tuple[Cohort | None, list[str]]:
    """The run's cohort when the graph holds it, and what is to be said of the graph's relations."""
    from kg.errors import CohortError
    from lesionkg.training_data import pull_training_data

    if "://" not in graph and not Path(graph).is_dir():
        return None, []
    try:
        cohort, matrices = pull_training_data(graph, run.cohort)
    except CohortError:
        return None, []
    return cohort, require_relations(run, matrices.matrix_hash, allow)


def require_relations(run: Run, matrix_hash: str, allow: bool) -> list[str]:
    """What to say when the graph's relations are not those of the training.

    Raises:
        UsageError: they are not, and nobody asked to go on.
    """
    if matrix_hash == run.matrices.matrix_hash:
        return []
    said = (
        f"run {run.run_id}: trained with other relations (matrix hash {run.matrices.matrix_hash[:10]}) than those in "
        f"the graph ({matrix_hash[:10]})"
    )
    if not allow:
        raise UsageError(f"{said}; train again, or give --allow-other-relations to predict with those of the training")
    return [f"{said}; those of the training were used"]


def _many(
    run: Run,
    patches: Path | None,
    cohort: str | None,
    out: Path | None,
    into_graph: bool,
    allow: bool,
    graph: str,
    json_: bool,
) -> int:
    from ingest.images.patch_cache import PatchCache
    from kg.connect import open_store
    from kg.graph_matrices import matrices_from_graph
    from learn.decode import decode
    from learn.description import is_synthetic, sight
    from learn.image.predict import predict_patches
    from learn.predict import predict
    from learn.publish_lesions import publish_lesions
    from lesionkg.prediction_table import write_predictions
    from lesionkg.training_data import pull_training_data

    said: list[str] = []
    with progress(json_) as display:
        display.add_task("predicting", total=None)
        left_out = 0
        if patches is not None:
            cache = PatchCache.open(patches)
            lesions = cache.lesions
            if run.geometry is not None and cache.geometry != run.geometry:
                raise UsageError(f"{patches}: its patches are not of the geometry that {run.run_id} was trained on")
            found = predict_patches(run, cache.pixels, cache.boxes)
        else:
            assert cohort is not None
            pulled, matrices = pull_training_data(graph, cohort)
            said = require_relations(run, matrices.matrix_hash, allow)
            left_out = int((~pulled.has_metadata).sum())
            table = pulled.filter(pulled.has_metadata).table
            lesions, found = tuple(table["lesion"].to_pylist()), predict(run, table)
        decoded = decode(found.score, run.thresholds, run.matrices)
        published = None
        if into_graph:
            with open_store(graph) as store:
                here = matrices_from_graph(store, run.matrices.label_set)
                said = require_relations(run, here.matrix_hash, allow)
                published = publish_lesions(store, run, lesions, found, decoded)
        if out is not None:
            write_predictions(out, run, lesions, found, decoded)
    code = 1 if published is not None and published.absent else 0
    labels = int(decoded.positive.sum())
    if json_:
        written = {
            "out": None if out is None else str(out),
            "published": None if published is None else asdict(published),
        }
        model = {"run": run.run_id, "saw_pixels": run.saw_pixels, "synthetic": is_synthetic(run)}
        counts = {"lesions": len(lesions), "labels": labels, "left_out": left_out}
        print_json({**model, **counts, **written, "notes": said, "use": RESEARCH_USE_ONLY})
        return code
    console.print(f"{len(lesions):,} lesions, {labels:,} labels decided by {run.run_id}", highlight=False)
    if left_out:
        console.print(f"  {left_out:,} lesions of the cohort have no metadata and were left out", highlight=False)
    if out is not None:
        console.print(f"  written to {out}", highlight=False, soft_wrap=True)
    if published is not None:
        console.print(f"  {published.predicted:,} PREDICTED and {published.scored:,} SCORED edges in the graph")
        if published.absent:
            errors.print(
                f"lesionkg: {len(published.absent):,} lesions are not in the graph (first: {published.absent[0]})"
            )
    for line in said:
        console.print(line, markup=False, soft_wrap=True)
    console.print(f"{sight(run)} {RESEARCH_USE_ONLY}", highlight=False, markup=False, soft_wrap=True)
    return code


def _print(found: LesionPrediction) -> None:
    for warning in found.warnings:
        console.print(f"Warning: {warning}", style="yellow", markup=False, soft_wrap=True)
    table = Table("label", "class", "score", "probability", "threshold", "why")
    for label in found.explanation.labels:
        reasons = [f"expanded from {label.expanded_from}"] if label.expanded_from else []
        reasons += [f"{'raised' if i.amount > 0 else 'lowered'} by {i.name} {i.amount:+.2f}" for i in label.influences]
        table.add_row(
            label.name if label.specific else f"  {label.name}",
            label.label_class,
            f"{label.score:.3f}",
            f"{label.probability:.3f}",
            "never alone" if label.threshold == float("inf") else f"{label.threshold:.3f}",
            "; ".join(reasons),
        )
    console.print(table)
    if not found.explanation.labels:
        console.print("No label reached its threshold.")
    for gone in found.explanation.suppressed:
        if not gone.by:
            why = "its ancestors are too unlikely"
        else:
            why = f"excluded by {gone.by}" + (
                f" ({gone.stated[0]} and {gone.stated[1]} exclude)" if gone.stated else ""
            )
        console.print(f"Suppressed: {gone.name}, score {gone.score:.3f}: {why}", markup=False, soft_wrap=True)
    near = Table("similar lesion", "distance", "shared labels", "other labels", title=f"labels {found.similar_from}")
    for lesion in found.similar:
        near.add_row(lesion.lesion, f"{lesion.distance:.3f}", ", ".join(lesion.shared), ", ".join(lesion.other))
    console.print(near)
    console.print(f"Model {found.run}. Probabilities: {found.calibration}.", highlight=False, soft_wrap=True)


def _as_json(found: LesionPrediction, said: list[str]) -> dict[str, Any]:
    values = asdict(found)
    for label in [*values["explanation"]["labels"], *values["explanation"]["suppressed"]]:
        if label["threshold"] == float("inf"):
            label["threshold"] = None
    return {**values, "notes": said, "use": RESEARCH_USE_ONLY}

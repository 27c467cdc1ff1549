"""``lesionkg predict``: what a run says of one lesion in an image, or of many lesions at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kg.errors import UsageError
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
)

if TYPE_CHECKING:
    from kg.cohort import Cohort
    from learn.run import Run
    from lesionkg.prediction import LesionReport

_ONE, _MANY = "One lesion in an image", "Many lesions"


def command(
    run: Annotated[
        str | None,
        typer.Argument(help="Run id, or the run's folder; default: the newest run that looks at pixels."),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(help="PNG slice, DICOM file, or folder of a series.", rich_help_panel=_ONE, show_default=False),
    ] = None,
    box: Annotated[
        str | None,
        typer.Option(help="X1,Y1,X2,Y2 of the lesion, pixels of the slice from 0.", rich_help_panel=_ONE),
    ] = None,
    slice_: Annotated[
        int | None,
        typer.Option("--slice", help="Number of the PNG slice, or DICOM instance number.", rich_help_panel=_ONE),
    ] = None,
    spacing: Annotated[
        float | None, typer.Option(help="Millimetres of a pixel, for PNG.", rich_help_panel=_ONE)
    ] = None,
    slice_interval: Annotated[
        float | None, typer.Option(help="Millimetres from slice to slice, for PNG.", rich_help_panel=_ONE)
    ] = None,
    patches: Annotated[
        Path | None, typer.Option(help="Folder of a patch cache.", rich_help_panel=_MANY, show_default=False)
    ] = None,
    cohort: Annotated[
        str | None, typer.Option(help="Cohort, for a run on metadata.", rich_help_panel=_MANY, show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Parquet file to write.", rich_help_panel=_MANY)] = None,
    into_graph: Annotated[
        bool, typer.Option("--into-graph", help="Write PREDICTED and SCORED edges too.", rich_help_panel=_MANY)
    ] = False,
    allow_other_relations: Annotated[
        bool, typer.Option("--allow-other-relations", help="Go on although the graph's relations have changed.")
    ] = False,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Label a lesion in an image, with the reasons; or all lesions of a patch cache or cohort, to a file.

    A graph in the data folder is asked whether its relations are still those of the run, and for known labels.
    """
    ways = [way for way, given in (("--image", image), ("--patches", patches), ("--cohort", cohort)) if given]
    if len(ways) != 1:
        raise UsageError(
            f"predict: {'give' if not ways else ' and '.join(ways) + ': give only'} one of --image, "
            "--patches and --cohort"
        )
    if image is not None:
        if box is None:
            raise UsageError("predict: give --box X1,Y1,X2,Y2 with --image")
        if out is not None or into_graph:
            raise UsageError("predict: --out and --into-graph go with --patches or --cohort")
        _one(run, image, box, slice_, spacing, slice_interval, allow_other_relations, home, graph, json_)
        return
    if any(value is not None for value in (box, slice_, spacing, slice_interval)):
        raise UsageError("predict: --box, --slice, --spacing and --slice-interval go with --image")
    if out is None and not into_graph:
        raise UsageError("predict: give --out FILE.parquet, --into-graph, or both")
    _many(run, patches, cohort, out, into_graph, allow_other_relations, home, graph, json_)


def _one(
    run: str | None,
    image: Path,
    box: str,
    slice_: int | None,
    spacing: float | None,
    slice_interval: float | None,
    allowed: bool,
    home: Path | None,
    graph: str | None,
    json_: bool,
) -> None:
    from lesionkg.prediction import open_image, parse_box, report_on

    wanted = parse_box(box)
    read = _read(run, home)
    source, number = open_image(image, slice_, spacing, slice_interval)
    known = _of_graph(read, read.cohort, allowed, home, graph)
    report = report_on(read, source, number, wanted, known)
    if json_:
        print_json(report.as_dict() | {"note": RESEARCH_USE_ONLY})
        return
    console.print(_told(read, report), highlight=False, soft_wrap=True, markup=False)


def _many(
    run: str | None,
    patches: Path | None,
    cohort: str | None,
    out: Path | None,
    into_graph: bool,
    allowed: bool,
    home: Path | None,
    graph: str | None,
    json_: bool,
) -> None:
    from ingest.images.patch_cache import PatchCache
    from learn.publish import add_predictions
    from lesionkg.prediction import predict_cache, predict_cohort, write_predictions

    read = _read(run, home)
    lesions = _of_graph(read, cohort or read.cohort, allowed, home, graph)
    without = 0
    if patches is not None:
        predictions = predict_cache(read, PatchCache.open(patches))
    elif lesions is None:
        raise UsageError("predict: --cohort needs the graph that holds it; name it with --graph or --home")
    else:
        predictions, without = predict_cohort(read, lesions)
    result: dict[str, Any] = {"run": read.run_id, "lesions": len(predictions.lesions), "without_metadata": without}
    if out is not None:
        result |= {"file": str(out), "labels": write_predictions(out, read, predictions)}
    if into_graph:
        from kg.connect import open_store

        with open_store(graph_url(home, graph)) as store:
            result["graph"] = add_predictions(store, read, predictions).as_dict()
    if json_:
        print_json(result | {"note": RESEARCH_USE_ONLY})
        return
    lines = [f"Run {read.run_id}: {len(predictions.lesions):,} lesions predicted"]
    if without:
        lines.append(f"  {without:,} lesions of the cohort have no location or size; nothing is said of them")
    if out is not None:
        lines.append(f"  {out}: {result['labels']:,} labels")
    if into_graph:
        added = result["graph"]
        lines.append(
            f"  graph: {added['predicted']:,} predicted and {added['scored']:,} next-best labels on "
            f"{added['lesions']:,} lesions; {added['absent']:,} lesions are not in it"
        )
    console.print("\n".join([*lines, f"  {RESEARCH_USE_ONLY}"]), highlight=False, soft_wrap=True, markup=False)


def _read(run: str | None, home: Path | None) -> Run:
    from learn.run import Run
    from lesionkg.prediction import newest_image_run

    runs = home_folder(home) / "runs"
    if run is None:
        return Run.read(newest_image_run(runs))
    return Run.read(Path(run) if Path(run).is_dir() else runs / run)


def _of_graph(run: Run, cohort: str, allowed: bool, home: Path | None, graph: str | None) -> Cohort | None:
    """The cohort, after comparing relations; None when no graph is named and the data folder has none."""
    from lesionkg.prediction import require_relations
    from lesionkg.training_data import pull_training_data

    if graph is None and not (home_folder(home) / "graph").is_dir():
        return None
    found, matrices = pull_training_data(graph_url(home, graph), cohort)
    said = require_relations(run, matrices, allowed)
    if said:
        errors.print(f"lesionkg: {said}", markup=False, highlight=False, soft_wrap=True)
    return found


def _told(run: Run, report: LesionReport) -> str:
    from learn.description import sight

    lines = [sight(run)]
    lines += [f"Warning, unlike the lesions of the run: {reason}" for reason in report.unlike.reasons]
    if report.substituted:
        numbers = ", ".join(map(str, report.substituted))
        lines.append(f"Slices {numbers} are missing; the nearest ones present stand for them.")
    if not report.decided:
        lines.append("No label reached its threshold.")
    width = max((len(label.name) for label in report.decided), default=0)
    for label in report.decided:
        threshold = "never alone" if label.threshold is None else f"{label.threshold:.3f}"
        line = f"  {label.name:{width}}  probability {label.probability:.2f}  score {label.score:.3f} ({threshold})"
        if label.expanded_from:
            line += f"  expanded from {label.expanded_from}"
        for word, found in (("raised by", label.raised_by), ("lowered by", label.lowered_by)):
            if found:
                line += f"\n  {'':{width}}    {word} " + ", ".join(f"{c.name} {c.amount:+.2f}" for c in found)
        lines.append(line)
    for lost in report.suppressed:
        lines.append(
            f"  not {lost.name} (score {lost.score:.3f}, threshold {lost.threshold:.3f}): suppressed by "
            f"{lost.blocked_by}; {lost.through[0]} and {lost.through[1]} exclude each other"
        )
    if report.similar:
        source = "known" if report.similar[0].labels_from == "cohort" else "predicted"
        lines.append(f"Most similar lesions of the run ({source} labels):")
        lines += [
            f"  {s.lesion}  distance {s.distance:.3f}  shares {', '.join(s.shared) or 'no label'}"
            for s in report.similar
        ]
    lines.append(
        f"Probabilities: {report.calibration}; expected calibration error {report.calibration_error:.3f} on test "
        f"lesions. Score: in brackets the threshold."
    )
    return "\n".join([*lines, RESEARCH_USE_ONLY])

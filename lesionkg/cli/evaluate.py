"""``lesionkg evaluate``: what runs are worth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kg.errors import UsageError
from lesionkg.cli.context import RESEARCH_USE_ONLY, Graph, Home, Json, console, graph_url, home_folder, print_json
from lesionkg.cli.evaluate_tables import print_labels, print_summary

if TYPE_CHECKING:
    from kg.cohort import Cohort
    from learn.figures import Evaluation
    from learn.hand_labels import HandLabels
    from learn.judged import Judged
    from learn.run import Run


def command(
    run: Annotated[list[str], typer.Argument(help="Run id, or the run's folder; several to set side by side.")],
    per_label: Annotated[bool, typer.Option("--per-label", help="Figures of every label on the test split.")] = False,
    hand: Annotated[
        Path | None, typer.Option(help="File of hand-labelled test lesions, judged beside the text-mined ones.")
    ] = None,
    patches: Annotated[
        Path | None, typer.Option(help="Patch cache with the hand-labelled lesions, for runs that look at pixels.")
    ] = None,
    decoder: Annotated[
        str, typer.Option(help="Coherent decision that labels and groups are told of: greedy, max-constraint or exact.")
    ] = "greedy",
    tables: Annotated[
        Path | None,
        typer.Option(help="Folder to write the paper's tables to, Markdown and CSV, all runs side by side."),
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Labels of Table 2, separated by commas; default frequent and rare ones.")
    ] = None,
    page: Annotated[bool, typer.Option("--page", help="Write report.html into each run's folder.")] = False,
    pictures: Annotated[Path | None, typer.Option(help="Folder to write the pages' pictures to, as PNG files.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report page of one run to this file.")] = None,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Judge runs on the validation and test lesions of their cohort, from the predictions they stored."""
    if report is not None and len(run) > 1:
        raise UsageError(f"--report: one file for {len(run)} runs; use --page, which writes into each run's folder")
    if labels is not None and tables is None:
        raise UsageError("--labels: they choose the rows of Table 2; give a folder with --tables")
    if patches is not None and hand is None:
        raise UsageError("--patches: only hand-labelled lesions are looked at again; give their file with --hand")
    judged = _judge_all(run, hand, patches, decoder, home, graph)
    chosen = [] if labels is None else [name.strip() for name in labels.split(",")]
    files = _write_tables(tables, judged, chosen) + _write_pages(judged, page, report)
    files += _write_pictures(pictures, judged)
    if json_:
        documents = [_as_json(one, per_label) for one in judged]
        print_json(documents[0] if len(documents) == 1 else {"runs": documents})
        return
    for one in judged:
        (print_labels if per_label else print_summary)(one.run, one.evaluation)
        if one.hand_labels is not None:
            console.print(_said_by_hand(one), highlight=False, soft_wrap=True)
    if files:
        console.print(f"Written: {', '.join(map(str, files))}", highlight=False, soft_wrap=True)
    _print_sight(judged)


@dataclass(frozen=True)
class _One:
    run: Run
    folder: Path
    cohort: Cohort
    evaluation: Evaluation
    hand_labels: HandLabels | None
    hand: Judged | None


def _judge_all(
    runs: list[str], hand: Path | None, patches: Path | None, decoder: str, home: Path | None, graph: str | None
) -> list[_One]:
    from ingest.images.patch_cache import PatchCache
    from learn.decode import Decoder
    from learn.evaluation import evaluate
    from learn.hand_labels import judge_by_hand, read_hand_labels
    from learn.run import Run
    from lesionkg.training_data import pull_training_data

    if decoder not in list(Decoder):
        raise UsageError(f"decoder {decoder!r}: give one of {', '.join(way for way in Decoder if way.coherent)}")
    cache = None if patches is None else PatchCache.open(patches)
    cohorts: dict[str, Cohort] = {}
    out = []
    for name in runs:
        folder = Path(name) if Path(name).is_dir() else home_folder(home) / "runs" / name
        read = Run.read(folder)
        listed = None if hand is None else read_hand_labels(hand, read.matrices.names)
        if read.cohort not in cohorts:
            cohorts[read.cohort], _ = pull_training_data(graph_url(home, graph), read.cohort)
        cohort = cohorts[read.cohort]
        by_hand = None if listed is None else judge_by_hand(read, cohort, listed, cache if read.saw_pixels else None)
        out.append(_One(read, folder, cohort, evaluate(read, cohort, by_hand, Decoder(decoder)), listed, by_hand))
    return out


def _write_tables(folder: Path | None, judged: list[_One], labels: list[str]) -> list[Path]:
    from learn.description import data_words, method
    from learn.paper_tables import Judgement, write_tables

    if folder is None:
        return []
    named = []
    for one in judged:
        test = one.evaluation.splits["test"]
        told = [f"cohort {one.run.cohort}, {data_words(one.run)}", f"{test.lesions:,} test lesions"]
        if one.hand_labels is not None and one.hand is not None:
            told.append(f"{one.hand.size} of {len(one.hand_labels.indices)} hand-labelled lesions")
        named.append(Judgement(f"{method(one.run.recipe)} ({one.run.run_id})", one.evaluation, "; ".join(told)))
    return write_tables(folder, named, labels)


def _write_pages(judged: list[_One], page: bool, report: Path | None) -> list[Path]:
    from learn.report_page import report_page

    files = []
    for one in judged:
        targets = [*([one.folder / "report.html"] if page else []), *([report] if report is not None else [])]
        if targets:
            text = report_page(one.run, one.cohort, one.evaluation)
        for target in targets:
            target.write_text(text, encoding="utf-8")
        files += targets
    return files


def _write_pictures(folder: Path | None, judged: list[_One]) -> list[Path]:
    from learn.pictures import write_pictures

    if folder is None:
        return []
    return [file for one in judged for file in write_pictures(folder, one.run, one.cohort, one.evaluation)]


def _said_by_hand(one: _One) -> str:
    assert one.hand_labels is not None and one.hand is not None
    outside = one.hand_labels.outside
    text = f"Hand-labelled: {one.hand.size} of {len(one.hand_labels.indices)} lesions could be judged."
    if outside:
        listed = ", ".join(f"{term} ({count})" for term, count in outside.items())
        text += f" Terms that are no labels of {one.run.matrices.label_set}, left out: {listed}."
    return text


def _as_json(one: _One, per_label: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "run": one.run.run_id,
        "saw_pixels": one.run.saw_pixels,
        "metrics": one.evaluation.as_dict(),
    }
    if one.hand_labels is not None and one.hand is not None:
        document["hand"] = {
            "lesions": len(one.hand_labels.indices),
            "judged": one.hand.size,
            "terms_outside": dict(one.hand_labels.outside),
        }
    return document | ({"labels": one.evaluation.per_label()} if per_label else {})


def _print_sight(judged: list[_One]) -> None:
    from learn.description import sight

    said = " ".join(sight(one.run) for one in judged)
    console.print(f"{said} {RESEARCH_USE_ONLY}", highlight=False, markup=False)

"""``lesionkg mine REPORTS``: mine reports into the graph."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from lesionkg.cli.context import Graph, Home, Json, console, errors, graph_url, home_folder, print_json, progress

if TYPE_CHECKING:
    from ingest.marks import MarksSummary, RowProblem
    from ingest.mining.summary import MiningSummary
    from ingest.reports.report import ReportProblem

_LONGEST_ID = 100

VaultAddress = Annotated[
    str | None,
    typer.Option(
        "--vault",
        envvar="LESIONKG_VAULT",
        help="Where report text and real identifiers go: a file, or postgresql+psycopg://user@host/name (its password "
        "from PGPASSWORD); default HOME/vault.db",
        show_default=False,
        show_envvar=True,
    ),
]


def command(
    reports: Annotated[Path, typer.Argument(help="CSV, JSON lines, a folder of texts, or DICOM SR.")],
    lesions: Annotated[
        Path | None,
        typer.Option(
            "--lesions",
            help="CSV: patient, study, series, image as in DICOM; optionally lesion (its id in the graph), bookmark, "
            "long_mm, short_mm.",
        ),
    ] = None,
    rules: Annotated[Path | None, typer.Option("--rules", help="YAML file with phrases and cues of your own.")] = None,
    model: Annotated[
        Path | None, typer.Option("--model", help="Folder of a trained relation network; it decides with the rules.")
    ] = None,
    label_set: Annotated[
        str | None, typer.Option("--label-set", help="Look for these labels only; default: all labels of the graph.")
    ] = None,
    text_column: Annotated[
        list[str] | None, typer.Option("--text-column", help="Column with the text; repeat it for several.")
    ] = None,
    id_column: Annotated[str, typer.Option("--id-column", help="Column with the report's id.")] = "",
    patient_column: Annotated[str, typer.Option("--patient-column", help="Column with the patient's id.")] = "",
    study_column: Annotated[str, typer.Option("--study-column", help="Column with the study's id.")] = "",
    date_column: Annotated[str, typer.Option("--date-column", help="Column with the date of the study.")] = "",
    encoding: Annotated[str, typer.Option("--encoding", help="Encoding of text files and tables.")] = "utf-8",
    source: Annotated[
        str, typer.Option("--source", help="Name of where the reports come from; their ids are unique in it.")
    ] = "reports",
    workers: Annotated[
        int, typer.Option("--workers", min=0, help="Processes that mine; 0: one for each core.", show_default=True)
    ] = 0,
    dask: Annotated[str, typer.Option("--dask", help="Address of a Dask scheduler whose workers mine.")] = "",
    vault: VaultAddress = None,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Reports in one write transaction.")] = 200,
    new_lesions: Annotated[
        bool, typer.Option("--new-lesions", help="A bookmark with series and image that fits no lesion makes one.")
    ] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="Remove reports of this source that it does not hold any more; patients and studies stay."
        ),
    ] = False,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Mine reports: sentences, labels and which lesion they are about go into the graph, text into the vault.

    A graph without an ontology gets the shipped one first. Running again does only what is left. Exit code 1 when a
    report was left out or a bookmark fits several lesions.
    """
    from ingest.marks import load_marks
    from ingest.mining.pipeline import MiningOptions, mine_reports
    from ingest.reports.columns import Columns
    from ingest.reports.read import read_reports
    from ingest.vault import Vault
    from kg.connect import open_store
    from kg.graph_ontology import load_ontology, save_ontology
    from kg.revision import find_head
    from kg.shipped import load_shipped
    from lesionkg.mining import miner_for

    columns = Columns(id_column, tuple(text_column or ()), patient_column, study_column, date_column)
    options = MiningOptions(source, batch, workers or os.cpu_count() or 1, dask, new_lesions, prune)
    found = read_reports(reports, columns, encoding)
    address = vault or str(home_folder(home) / "vault.db")
    with open_store(graph_url(home, graph)) as store, Vault(address) as opened, progress(json_) as display:
        if store.read_transaction(find_head) is None:
            display.add_task("saving the shipped ontology", total=None)
            save_ontology(store, load_shipped())
        ontology = load_ontology(store)
        miner = miner_for(ontology, rules, model, label_set)
        table = None
        if lesions:
            display.add_task("loading the lesion table", total=None)
            table = load_marks(store, opened, lesions, on_problem=lambda problem: _tell_row(lesions, problem))
        task = display.add_task("mining reports", total=None)
        summary = mine_reports(
            store,
            opened,
            found,
            miner,
            ontology.content_hash,
            options,
            tell=_tell,
            advance=lambda done: display.advance(task, done),
        )
    if json_:
        print_json({"lesion_table": table and asdict(table), **asdict(summary)})
    else:
        _print(summary, table)
    if not summary.complete or (table and table.left_out):
        raise typer.Exit(1)


def _tell(problem: ReportProblem) -> None:
    line = f"report {shown(problem.report)}: {problem.reason}"
    errors.print(line, markup=False, highlight=False, soft_wrap=True)


def _tell_row(lesions: Path, problem: RowProblem) -> None:
    errors.print(f"{lesions}, row {problem.row}: {problem.reason}", markup=False, highlight=False, soft_wrap=True)


def shown(report_id: str) -> str:
    """A report's id as it may be printed: on one line, of bounded length, without control characters."""
    plain = "".join(character if character.isprintable() else "?" for character in report_id)
    return plain if len(plain) <= _LONGEST_ID else plain[:_LONGEST_ID] + "..."


def _print(summary: MiningSummary, table: MarksSummary | None) -> None:
    if table:
        _say(f"lesion table: {table.rows:,} rows, {table.stored:,} lesions known now, {table.left_out:,} rows left out")
    rows = Table(box=box.SIMPLE_HEAD, show_header=False)
    rows.add_column()
    rows.add_column(justify="right")
    for name, value in _lines(summary):
        rows.add_row(name, f"{value:,}")
    console.print(rows)
    if summary.unmatched:
        words = ", ".join(f"{word.word} {word.count:,}" for word in summary.unmatched)
        _say(f"frequent words that no label covers: {words}")
    wrote = f"{summary.written:,} written to the graph" if summary.written else "all of it was in the graph already"
    _say(f"{wrote}; {summary.seconds:.1f} s")


def _lines(summary: MiningSummary) -> list[tuple[str, int]]:
    lines: list[tuple[str, Any]] = [
        ("reports read", summary.read),
        ("  mined", summary.mined),
        ("  unchanged", summary.unchanged),
        ("  left out", summary.left_out),
        ("  removed", summary.pruned),
        ("sentences", summary.sentences),
        ("  with a label or bookmark", summary.telling),
        ("bookmarks", summary.bookmarks),
        ("  linked to a lesion", summary.linked),
        ("    of them to a new one", summary.new_lesions),
        ("  ambiguous", summary.ambiguous),
        *((f"  not linked: {reason}", count) for reason, count in summary.unlinked.items()),
        *((f"labels of bookmarks, {relevance}", count) for relevance, count in summary.judgements.items()),
        *((f"labels without bookmark, {relevance}", count) for relevance, count in summary.findings.items()),
        ("sizes without image", summary.lone_sizes),
        *((f"reports with {kind} blanked", count) for kind, count in summary.remnants.items()),
    ]
    always = {"reports read", "  mined", "  unchanged", "  left out", "bookmarks", "  linked to a lesion"}
    return [(name, value) for name, value in lines if value or name in always]


def _say(line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)

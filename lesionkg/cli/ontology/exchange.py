"""``lesionkg ontology``: files for other tools, what an edited one would change, and releases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import InputError
from kg.findings import Finding
from lesionkg.cli.context import Graph, Home, Json, console, graph_url, print_json
from lesionkg.cli.ontology.base import FromGraph, _print_findings, _print_written, app
from lesionkg.cli.ontology.curating import Author
from lesionkg.cli.ontology.source import GRAPH, File, Name, named_ontology, read_source

if TYPE_CHECKING:
    from kg.curation.change_set import ChangeSet
    from kg.exchange.change_log import LogEntry
    from kg.exchange.report import ReportLine
    from kg.ontology import Ontology

_MOST_LINES = 8
"""Lines of a report that are told of each rule; its JSON has them all."""

Which = Annotated[
    str, typer.Argument(help="'graph', 'graph@N' for revision N, a shipped name, or a file.", metavar="[ONTOLOGY]")
]


@app.command()
def convert(
    out: Annotated[
        Path,
        typer.Argument(
            help="File to write; its suffix names the format: .obo.json (OBO graph), .sssom.tsv (mappings), "
            ".xlsx (layout of the release), .tsv (tidy table), .ttl or .owl (OWL)."
        ),
    ],
    file: File = None,
    name: Name = None,
    home: Home = None,
    graph: FromGraph = None,
    json_: Json = False,
) -> None:
    """Write an ontology in another format, and say what the format has no place for."""
    from kg.exchange.formats import format_of, lacks, write

    missing = lacks(format_of(out))
    ontology = read_source(file, name, graph, home)
    write(ontology, out)
    if json_:
        about = {"ontology": ontology.name, "file": str(out), "labels": len(ontology.labels)}
        print_json({**about, "ontology_hash": ontology.content_hash, "lacks": list(missing)})
        return
    _print_written([(ontology, out)], json_)
    for what in missing:
        _line(f"  has no place for {what}")


@app.command()
def preview(
    file: Annotated[Path, typer.Argument(help="Edited file: .obo.json, .sssom.tsv, .xlsx, .tsv, .ttl or .owl.")],
    against: Annotated[
        str,
        typer.Option(
            "--against", help="What it edits: 'graph', 'graph@N' for revision N, a shipped name, or another file."
        ),
    ] = GRAPH,
    save: Annotated[
        Path | None,
        typer.Option("--save", help="Write the changes as JSON, for `lesionkg ontology propose --file`."),
    ] = None,
    author: Author = "",
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the saved changes.")] = "",
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Show what an edited file would change and what the rules say of it; exit 1 when anything differs.

    What the format has no place for stays as it is.
    """
    from kg.curation.assessment import assess
    from kg.curation.between import changes_between
    from kg.curation.change_set import ChangeSet
    from kg.curation.describe import describe
    from kg.exchange.formats import Format, format_of, lacks, read_onto
    from kg.exchange.sheet import sheet_findings

    missing = lacks(format_of(file))
    base = named_ontology(against, graph_url(home, graph))
    after = read_onto(base, file)
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    changes = ChangeSet(changes_between(base, after), author, created, reason, file.name)
    found = assess(base, changes)
    listed = sheet_findings(base, file) if format_of(file) is Format.SHEET else []
    names = {label.id: label.name for label in (*after.labels, *base.labels)}
    lines = [describe(change, names) for change in changes.changes]
    if save is not None and changes.changes:
        _save(changes, save)
    if json_:
        print_json(
            {
                "file": str(file),
                "against": base.name,
                "change_set": changes.as_dict(),
                "lines": lines,
                "kept": list(missing),
                "file_findings": [finding.as_dict() for finding in listed],
                **found.as_dict(),
            }
        )
    else:
        _print_preview(base.name, lines, missing, [*listed, *found.new])
        if save is not None:
            _line(f"{save}: changes saved" if changes.changes else "nothing to save")
    if changes.changes:
        raise typer.Exit(1)


@app.command()
def report(which: Which = GRAPH, home: Home = None, graph: Graph = None, json_: Json = False) -> None:
    """Report on quality as before a release, rules and reasoner included; exit 1 on errors.

    Definitions, mappings, names, synonyms, deprecation, sources.
    """
    from kg.exchange.release import errors_of, examine

    ontology = named_ontology(which, graph_url(home, graph))
    lines = examine(ontology)
    if json_:
        print_json({"ontology": ontology.name, "lines": [line.as_dict() for line in lines]})
    else:
        _print_report(lines)
    if errors_of(lines):
        raise typer.Exit(1)


@app.command()
def release(
    out: Annotated[Path, typer.Argument(help="Folder to make; it must not exist, or be empty.")],
    version: Annotated[str, typer.Option("--version", help="Version of the release, e.g. 1.2.0.")],
    which: Annotated[
        str,
        typer.Option("--ontology", help="'graph', 'graph@N' for revision N, a shipped name, or a file."),
    ] = GRAPH,
    previous: Annotated[
        str | None,
        typer.Option(
            "--previous",
            help="The release before, named likewise: the change log begins after it, and a diff is added.",
            show_default=False,
        ),
    ] = None,
    date: Annotated[str, typer.Option("--date", help="Its date; default today, UTC.", show_default=False)] = "",
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Check an ontology, then write it as a release: all formats, matrices, report, change log, checksums.

    Refused when a rule, the report or the reasoner finds an error; the folder appears whole or not at all.
    """
    from kg.exchange.release import release as make

    url = graph_url(home, graph)
    ontology, history = _with_history(which, url)
    before = named_ontology(previous, url) if previous is not None else None
    made = make(ontology, out, version, date or datetime.now(UTC).strftime("%Y-%m-%d"), history, before)
    if json_:
        about = {"ontology": ontology.name, "version": version, "folder": str(made.folder)}
        print_json({**about, "ontology_hash": made.ontology.content_hash, "checksums": made.checksums})
        return
    _line(f"{made.folder}: {ontology.name} {version}, {len(made.checksums)} files and their checksums")
    _print_report(made.lines)


def _with_history(which: str, url: str) -> tuple[Ontology, list[LogEntry]]:
    """An ontology and what is known of how it came about, newest first."""
    from kg.connect import open_store
    from kg.curation.history import read_revisions
    from kg.exchange.change_log import entries_of_change_sets, entries_of_revisions
    from kg.revision import verified
    from kg.shipped import CURATED, DEFAULT, curated_history, load_shipped

    if which == GRAPH:
        with open_store(url, read_only=True) as store:
            return store.read_transaction(lambda tx: (verified(tx)[1], entries_of_revisions(read_revisions(tx))))
    ontology = named_ontology(which, url)
    if which == CURATED:
        return ontology, entries_of_change_sets(load_shipped(DEFAULT), curated_history())
    if not which.startswith(f"{GRAPH}@"):
        return ontology, []
    with open_store(url, read_only=True) as store:
        revisions = store.read_transaction(read_revisions)
    number = int(which.removeprefix(f"{GRAPH}@"))
    return ontology, entries_of_revisions(r for r in revisions if r.sequence <= number)


def _print_report(lines: Sequence[ReportLine]) -> None:
    from kg.exchange.report import counts

    for (level, rule), number in counts(lines).items():
        _line(f"{level} {rule}: {number}")
        values = [
            f"{line.name}: {line.value}" if line.name and line.value else line.name or line.value
            for line in lines
            if (line.level, line.rule) == (level, rule)
        ]
        for value in values[:_MOST_LINES]:
            _line(f"    {value}")
        if number > _MOST_LINES:
            _line(f"    and {number - _MOST_LINES} more")
    if not lines:
        _line("nothing to report")


def _save(changes: ChangeSet, file: Path) -> None:
    try:
        file.write_text(changes.to_json() + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror}); choose another place") from error


def _print_preview(base: str, lines: list[str], missing: tuple[str, ...], findings: list[Finding]) -> None:
    from kg.rules import count

    _line(f"{count(len(lines), 'change')} of {base}" if lines else f"nothing differs from {base}")
    for line in lines:
        _line(f"  {line}")
    if missing:
        _line(f"kept, as the format has no place for it: {'; '.join(missing)}")
    _print_findings(findings, quiet=True)


def _line(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)

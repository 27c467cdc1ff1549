"""``lesionkg ontology``: write files for other tools, and see what an edited one would change."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import InputError
from kg.findings import Finding
from lesionkg.cli.context import Graph, Home, Json, console, graph_url, print_json
from lesionkg.cli.ontology.base import _DEFAULT, File, FromGraph, Name, _print_findings, _print_written, _read, app
from lesionkg.cli.ontology.curating import Author
from lesionkg.cli.ontology.diff import named_ontology

if TYPE_CHECKING:
    from kg.curation.change_set import ChangeSet

_GRAPH = "graph"


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
    name: Name = _DEFAULT,
    graph: FromGraph = None,
    json_: Json = False,
) -> None:
    """Write an ontology in another format, and say what the format has no place for."""
    from kg.exchange.formats import format_of, lacks, write

    missing = lacks(format_of(out))
    ontology = _read(file, name, graph)
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
    ] = _GRAPH,
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

"""``lesionkg ontology``: import, check, show, count, export and build."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from kg.errors import UsageError
from kg.findings import Finding, Severity, errors_in
from lesionkg.cli.context import Graph, Home, Json, console, graph_url, print_json
from lesionkg.cli.ontology.source import File, Name, read_source, require_one_source

if TYPE_CHECKING:
    from kg.card import Card
    from kg.ontology import Ontology

app = typer.Typer(
    no_args_is_help=True, help="Read, check, change, review, compare and exchange ontologies of lesion labels."
)

_MOST_NAMED = 8

FromGraph = Annotated[
    str | None,
    typer.Option(
        "--graph", help="Graph whose ontology to read: folder, bolt:// or neo4j:// address; default HOME/graph."
    ),
]
Repair = Annotated[bool, typer.Option("--repair", help="Apply the least repair to the released ontology first.")]


@app.command("import")
def import_(
    file: Annotated[
        Path | None,
        typer.Argument(help="Spreadsheet (.xlsx), OWL (.ttl, .owl, .rdf), .obo.json or tidy .tsv.", show_default=False),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help="Shipped ontology instead of a file; lesionkg-curated comes with its history."),
    ] = None,
    author: Annotated[str, typer.Option("--author", help="Who answers for it.")] = "",
    repair: Repair = False,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Make a file or a shipped ontology that of a graph. One that breaks a rule is refused with the findings."""
    from kg.connect import open_store
    from kg.curation.replay import replay
    from kg.graph_ontology import save_ontology
    from kg.ontology_file import load_file
    from kg.repair import repair as repaired
    from kg.rules import check as check_rules
    from kg.shipped import CURATED, DEFAULT, curated_history, load_shipped

    if (file is None) == (name is None):
        raise UsageError("ontology import: give a file, or --name of a shipped ontology")
    ontology = load_file(file) if file is not None else load_shipped(str(name))
    if repair:
        ontology = repaired(ontology)
    findings = check_rules(ontology)
    if errors_in(findings):
        if json_:
            print_json({"imported": False, "findings": [finding.as_dict() for finding in findings]})
        else:
            _print_findings(findings)
            told = f"{file or name}: not imported; mend the errors first"
            console.print(told, markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1)
    url = graph_url(home, graph)
    with open_store(url) as store:
        if name == CURATED and not repair:
            revision = replay(store, load_shipped(DEFAULT), curated_history(), author)
        else:
            revision = save_ontology(store, ontology, author, reason=f"import of {file.name if file else name}")
    if json_:
        print_json(
            {
                "imported": True,
                "ontology": ontology.name,
                "labels": len(ontology.labels),
                "revision": revision,
                "ontology_hash": ontology.content_hash,
                "findings": [finding.as_dict() for finding in findings],
            }
        )
        return
    _print_findings(findings, quiet=True)
    console.print(
        f"{ontology.name}: {len(ontology.labels)} labels, {len(ontology.relations)} relations, "
        f"{len(ontology.all_exclusive_pairs)} exclusive pairs; revision {revision} of {url}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def check(
    file: File = None,
    name: Name = None,
    home: Home = None,
    graph: FromGraph = None,
    label_set: Annotated[str | None, typer.Option(help="Only findings that name a label of this label set.")] = None,
    radlex: Annotated[
        Path | None, typer.Option(help="RadLex as CSV: also check that every mapped term is there and in use.")
    ] = None,
    reason: Annotated[
        bool, typer.Option("--reason", help="Also let the reasoner classify the strict profile.")
    ] = False,
    json_: Json = False,
) -> None:
    """Check an ontology against the rules and explain each finding by its chain of relations; exit 1 on errors."""
    from kg.ontology_file import check_file
    from kg.rules import check as check_rules

    require_one_source(file, name, graph)
    if file is not None:
        checked = check_file(file)
        ontology, findings = checked.ontology, list(checked.findings)
    else:
        ontology = read_source(file, name, graph, home)
        findings = check_rules(ontology)
    if radlex is not None:
        from kg.radlex import check_mappings, read_radlex

        findings += check_mappings(ontology, read_radlex(radlex))
    if reason:
        from kg.reasoner_findings import check_with_reasoner

        findings += check_with_reasoner(ontology)
    if label_set is not None:
        inside = {ontology.by_id[i].name for i in ontology.label_set(label_set).members if i in ontology.by_id}
        findings = [finding for finding in findings if inside.intersection(finding.labels)]
    if json_:
        counts = {s.value: sum(f.severity is s for f in findings) for s in Severity}
        print_json({"ontology": ontology.name, **counts, "findings": [finding.as_dict() for finding in findings]})
    else:
        _print_findings(findings)
    if errors_in(findings):
        raise typer.Exit(1)


def _print_findings(findings: Sequence[Finding], quiet: bool = False) -> None:
    for finding in findings:
        style = "red" if finding.severity is Severity.ERROR else "yellow"
        console.print(
            f"[{style}]{finding.severity.value}[/] {escape(finding.rule)}: {escape(finding.message)}", soft_wrap=True
        )
        for step in finding.chain:
            console.print(f"    {step}", markup=False, highlight=False, soft_wrap=True)
    counts = Counter(finding.severity for finding in findings)
    if findings or not quiet:
        console.print(f"{counts[Severity.ERROR]} errors, {counts[Severity.WARNING]} warnings", highlight=False)


@app.command()
def show(
    label: Annotated[str, typer.Argument(help="Preferred name or id of a label.")],
    file: File = None,
    name: Name = None,
    home: Home = None,
    graph: FromGraph = None,
    json_: Json = False,
) -> None:
    """Show one label: names, RadLex term, parents, children, and what it is exclusive with and why."""
    from kg.card import card

    shown = card(read_source(file, name, graph, home), label)
    if json_:
        print_json(shown.as_dict())
        return
    _print_card(shown)


def _print_card(shown: Card) -> None:
    from kg.card import exclusive_by_pair

    label = shown.label
    console.print(f"[bold]{escape(label.name)}[/]  {label.id}  {label.label_class}", highlight=False)
    if label.definition:
        console.print(label.definition, markup=False, highlight=False)
    if label.deprecated:
        console.print(f"deprecated, replaced by {label.replaced_by or 'nothing'}", markup=False, highlight=False)
    sections: list[tuple[str, list[str]]] = [
        ("synonyms", [f"{s.text} ({s.scope})" for s in label.synonyms]),
        ("RadLex", [f"{m.object_id} {m.object_label} ({m.predicate})  {m.justification}" for m in label.mappings]),
        ("label sets", [f"{name}, column {position}" for name, position in shown.label_sets.items()]),
        ("parents", [f"{link.kind} {link.name}  ({link.evidence})" for link in shown.parents]),
        ("further ancestors", [f"{i.name}  ({', '.join(i.chain)})" for i in shown.further_ancestors]),
        ("children", [f"{link.name} {link.kind} this" for link in shown.children]),
        ("exclusive, asserted", [f"{link.name}  ({link.evidence})" for link in shown.exclusive]),
        (
            "exclusive, inherited",
            [f"{_first(names)}  (from {pair})" for pair, names in exclusive_by_pair(shown).items()],
        ),
        ("may meet nevertheless", [f"{link.name}  ({link.evidence})" for link in shown.exceptions]),
    ]
    for title, lines in sections:
        if lines:
            console.print(f"[bold]{title}[/]", highlight=False)
            for line in lines:
                console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)


def _first(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


@app.command()
def stats(
    label_set: Annotated[str | None, typer.Option(help="Count within this label set, e.g. lesanet-171.")] = None,
    file: File = None,
    name: Name = None,
    home: Home = None,
    graph: FromGraph = None,
    json_: Json = False,
) -> None:
    """Count labels, parent pairs and exclusive pairs, as listed, with all that follows, and the fewest."""
    from kg.repair import dropped_pairs
    from kg.statistics import statistics

    ontology = read_source(file, name, graph, home)
    counted = statistics(ontology, label_set)
    if json_:
        print_json(dict(counted))
        return
    table = Table(title=f"{ontology.name}, {label_set or 'all labels'}", title_justify="left", show_header=False)
    for key, value in counted.items():
        table.add_row(key.replace("_", " "), f"{value:,}")
    console.print(table)
    dropped = dropped_pairs(ontology, label_set)
    if any(dropped):
        console.print(
            f"As released: {counted['parent_pairs_listed'] + dropped.parents} listed parent pairs and "
            f"{counted['exclusive_pairs_listed'] + dropped.exclusive} listed exclusive pairs; "
            f"the repair dropped {dropped.parents} and {dropped.exclusive}.",
            highlight=False,
            soft_wrap=True,
        )


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="File to write: .ttl for Turtle, .owl or .rdf for RDF/XML.")],
    file: File = None,
    name: Name = None,
    home: Home = None,
    graph: FromGraph = None,
    repair: Repair = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Strict profile: exclusive labels as disjoint classes.")
    ] = False,
    json_: Json = False,
) -> None:
    """Write an ontology as OWL. Nothing is refused: a file with contradictions is converted as it is."""
    from kg.owl import write_owl
    from kg.repair import repair as repaired

    ontology = read_source(file, name, graph, home)
    if repair:
        ontology = repaired(ontology)
    write_owl(ontology, out, "strict" if strict else "training")
    _print_written([(ontology, out)], json_)


@app.command()
def build(
    spreadsheet: Annotated[Path, typer.Argument(help="The released spreadsheet, lesion_ontology_181022.xlsx.")],
    out: Annotated[Path, typer.Option(help="Folder of the shipped ontologies.")] = Path("ontologies"),
    json_: Json = False,
) -> None:
    """Regenerate the shipped OWL files: released, repaired, and curated by the change sets of its history."""
    from kg.curation.replay import history_from_json, states
    from kg.owl import write_owl
    from kg.repair import repair
    from kg.shipped import HISTORY
    from kg.spreadsheet import read_spreadsheet, to_ontology
    from kg.tables import shipped_text

    released = to_ontology(read_spreadsheet(spreadsheet))
    repaired = repair(released)
    curated = states(repaired, history_from_json(shipped_text(HISTORY), repaired, f"ontologies/{HISTORY}"))[-1]
    written = [(ontology, out / f"{ontology.name}.ttl") for ontology in (released, repaired, curated)]
    for ontology, file in written:
        write_owl(ontology, file)
    _print_written(written, json_)


def _print_written(written: Sequence[tuple[Ontology, Path]], json_: bool) -> None:
    if json_:
        print_json(
            [
                {"ontology": o.name, "file": str(file), "labels": len(o.labels), "ontology_hash": o.content_hash}
                for o, file in written
            ]
        )
        return
    for ontology, file in written:
        line = f"{file}: {ontology.name}, {len(ontology.labels)} labels, hash {ontology.content_hash[:12]}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)

"""``lesionkg mine --suggest REPORTS``: what reports say and the ontology lacks, for a curator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from kg.errors import UsageError
from lesionkg.cli.context import Graph, Home, Json, console, errors, print_json, progress
from lesionkg.cli.known import existing_vault, known_ontology
from lesionkg.cli.mine_reports import VaultAddress, shown

if TYPE_CHECKING:
    from ingest.mining.candidate import Candidate, Suggestions
    from ingest.mining.suggest import Suggester
    from ingest.reports.report import ReportProblem
    from kg.ontology import Ontology

_COLUMNS = ("kind", "candidate", "rid", "parents", "nearest", "mentions", "reports", "patients")


def command(
    reports: Annotated[Path, typer.Argument(help="CSV, JSON lines, a folder of texts, or DICOM SR.")],
    radlex: Annotated[
        Path | None, typer.Option("--radlex", help="RadLex as CSV: lists its terms that no label covers.")
    ] = None,
    min_patients: Annotated[
        int, typer.Option("--min-patients", help="Patients that a candidate must have; never fewer than five.")
    ] = 5,
    examples: Annotated[
        int,
        typer.Option("--examples", min=0, help="Show so many sentences each, of reports that were mined before."),
    ] = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Write all candidates to a CSV file, no sentences.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Candidates of each kind to show.")] = 25,
    rules: Annotated[Path | None, typer.Option("--rules", help="YAML file with phrases of your own.")] = None,
    text_column: Annotated[
        list[str] | None, typer.Option("--text-column", help="Column with the text; repeat it for several.")
    ] = None,
    id_column: Annotated[str, typer.Option("--id-column", help="Column with the report's id.")] = "",
    patient_column: Annotated[str, typer.Option("--patient-column", help="Column with the patient's id.")] = "",
    source: Annotated[
        str, typer.Option("--source", help="With --examples: name of the source the reports were mined as.")
    ] = "reports",
    vault: VaultAddress = None,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """List candidate labels that the ontology lacks, with counts; nothing that fewer than five patients have.

    Reports without a patient count as one patient's. The ontology is the graph's if there is one, else the one that
    ships. Exit code 1 when a report was left out.
    """
    from ingest.mining.candidate import MOST_PATIENTS
    from ingest.reports.columns import Columns
    from ingest.reports.read import read_reports

    if examples and json_:
        raise UsageError("--examples and --json: sentences are shown to a person only; drop one of them")
    if out is not None and not out.absolute().parent.is_dir():
        raise UsageError(f"{out}: its folder does not exist; create it first")
    address = existing_vault(vault, home) if examples else ""
    ontology = known_ontology(home, graph)
    suggester = _suggester(ontology, radlex, rules, min_patients, examples)
    found = read_reports(reports, Columns(id_column, tuple(text_column or ()), patient_column))
    with progress(json_) as display:
        task = display.add_task("reading reports", total=None)
        suggestions = suggester.read(found, _tell, lambda: display.advance(task))
    if out is not None:
        _write(suggestions, out)
    if json_:
        print_json(
            {
                "reports": suggestions.reports,
                "patients": suggestions.patients,
                "left_out": suggestions.left_out,
                "patients_counted_to": MOST_PATIENTS,
                "counts_are_lower_bounds": suggestions.pruned,
                "candidates": [dict(zip(_COLUMNS, _row(one), strict=True)) for one in suggestions.candidates],
            }
        )
    else:
        chosen = _print(suggestions, limit)
        if examples:
            _print_examples(chosen, address, source)
    if suggestions.left_out:
        raise typer.Exit(1)


def _suggester(
    ontology: Ontology, radlex: Path | None, rules: Path | None, min_patients: int, examples: int
) -> Suggester:
    from ingest.mining.lexicon import Lexicon
    from ingest.mining.matcher import Matcher
    from ingest.mining.rule_file import RuleFile, read_rules
    from ingest.mining.suggest import Suggester
    from kg.radlex import read_radlex

    terms = (read_radlex(radlex), Matcher(Lexicon.of_radlex(radlex))) if radlex else None
    matcher = Matcher(Lexicon.of_ontology(ontology, read_rules(rules) if rules else RuleFile()))
    return Suggester(ontology, matcher, terms, min_patients, examples)


def _row(one: Candidate) -> tuple[object, ...]:
    return (
        str(one.kind), one.text, one.rid, list(one.parents), one.nearest, one.mentions, one.reports, one.patients
    )  # fmt: skip


def _write(suggestions: Suggestions, out: Path) -> None:
    from queries.results import Format, Result, write

    rows = tuple(
        tuple("|".join(cell) if isinstance(cell, list) else cell for cell in _row(one))
        for one in suggestions.candidates
    )
    write(Result(_COLUMNS, rows), Format.CSV, out)
    errors.print(f"{out}: {len(rows):,} candidates written", markup=False, highlight=False, soft_wrap=True)


def _print(suggestions: Suggestions, limit: int) -> list[Candidate]:
    from ingest.mining.candidate import MOST_PATIENTS, CandidateKind

    chosen: list[Candidate] = []
    titles = {
        CandidateKind.RADLEX: "Terms of RadLex that no label covers",
        CandidateKind.WORD: "Words",
        CandidateKind.PHRASE: "Phrases",
    }
    for kind, title in titles.items():
        of_kind = [one for one in suggestions.candidates if one.kind == kind]
        if not of_kind:
            continue
        head = f"{title}: {len(of_kind):,}, the first {min(limit, len(of_kind))}"
        table = Table(*_COLUMNS[1:], title=head, title_justify="left", box=box.SIMPLE_HEAD)
        for one in of_kind[:limit]:
            patients = f"{one.patients:,}{'+' if one.patients == MOST_PATIENTS else ''}"
            cells = (one.text, one.rid, ", ".join(one.parents), one.nearest, f"{one.mentions:,}", f"{one.reports:,}")
            table.add_row(*map(Text, (*cells, patients)))
        console.print(table)
        chosen += of_kind[:limit]
    if not chosen:
        console.print(
            "No candidate: none is said of enough patients. Reports without a patient count as one patient's."
        )
    lower = "; rare words were forgotten on the way, so some counts may be too low" if suggestions.pruned else ""
    read = f"{suggestions.reports:,} reports of {suggestions.patients:,} patients"
    console.print(f"{read}, {suggestions.left_out:,} left out{lower}", highlight=False, soft_wrap=True)
    return chosen


def _print_examples(chosen: list[Candidate], address: str, source: str) -> None:
    from ingest.mining.examples import examples
    from ingest.vault import Vault

    with Vault(address) as opened:
        found = examples(opened, source, chosen)
    if not any(found.values()):
        console.print("No examples: these reports are not in the vault; mine them first.", highlight=False)
    for one, sentences in found.items():
        if sentences:
            console.print(Text(one.text, style="bold"))
        for sentence in sentences:
            console.print(Text(f"  {sentence}"), soft_wrap=True)


def _tell(problem: ReportProblem) -> None:
    line = f"report {shown(problem.report)}: {problem.reason}"
    errors.print(line, markup=False, highlight=False, soft_wrap=True)

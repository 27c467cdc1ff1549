"""``lesionkg mine findings``: what each report asserts, doubts and negates, for reports without bookmarks."""

from __future__ import annotations

import json
import sys
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kg.errors import UsageError
from lesionkg.cli.context import Graph, Home, errors, progress
from lesionkg.cli.known import known_ontology
from lesionkg.cli.mine_reports import shown


class Vocabulary(StrEnum):
    """Which findings to look for."""

    ONTOLOGY = "ontology"
    CHEST = "chest"


def command(
    reports: Annotated[Path, typer.Argument(help="CSV, JSON lines, a folder of texts, or DICOM SR.")],
    vocabulary: Annotated[
        Vocabulary, typer.Option("--vocabulary", help="The ontology's labels, or the 14 findings of ChestX-ray14.")
    ] = Vocabulary.ONTOLOGY,
    strict: Annotated[
        bool, typer.Option("--strict", help="Alternatives and probable findings are uncertain, not present.")
    ] = False,
    rules: Annotated[Path | None, typer.Option("--rules", help="YAML file with phrases and cues of your own.")] = None,
    text_column: Annotated[
        list[str] | None, typer.Option("--text-column", help="Column with the text; repeat it for several.")
    ] = None,
    id_column: Annotated[str, typer.Option("--id-column", help="Column with the report's id.")] = "",
    encoding: Annotated[str, typer.Option("--encoding", help="Encoding of text files and tables.")] = "utf-8",
    home: Home = None,
    graph: Graph = None,
) -> int:
    """Print one JSON object for each report: its id, and the findings it says are present, uncertain and absent.

    Nothing is stored. A finding that no sentence asserts is no finding: train on "present" alone, as ChestX-ray8 does.
    A label that a report does not mention is in none of the lists. Exit code 1 when a report was left out.
    """
    from ingest.mining.cues import shipped_cues
    from ingest.mining.findings import CERTAIN_HEDGES, Presence, chest_findings, report_findings
    from ingest.mining.lexicon import Lexicon
    from ingest.mining.matcher import Matcher
    from ingest.mining.rule_file import RuleFile, read_rules
    from ingest.mining.rule_relevance import RuleRelevance
    from ingest.mining.sentences import mined_sentences
    from ingest.reports.columns import Columns
    from ingest.reports.parse import document_problems, parse
    from ingest.reports.read import read_reports
    from ingest.reports.report import ReportProblem

    own = read_rules(rules) if rules else RuleFile()
    chest = vocabulary is Vocabulary.CHEST
    if chest and own.phrases:
        raise UsageError(f"{rules}: its phrases are for labels of the ontology; leave out --vocabulary chest")
    found = read_reports(reports, Columns(id_column, tuple(text_column or ())), encoding)
    lexicon = chest_findings() if chest else Lexicon.of_ontology(known_ontology(home, graph), own)
    matcher, relevance = Matcher(lexicon), RuleRelevance((*shipped_cues(), *own.cues))
    certain = frozenset() if strict else CERTAIN_HEDGES
    counts: Counter[Presence] = Counter()
    done = left_out = 0
    with progress() as display:
        task = display.add_task("reading reports", total=None)
        for report in found:
            display.advance(task)
            problems: tuple[ReportProblem, ...]
            if isinstance(report, ReportProblem):
                problems = (report,)
            else:
                document = parse(report.text)
                problems = document_problems(report.id, document)
            for problem in problems:
                errors.print(
                    f"report {shown(problem.report)}: {problem.reason}", markup=False, highlight=False, soft_wrap=True
                )
            if any(problem.left_out for problem in problems):
                left_out += 1
            if isinstance(report, ReportProblem) or not document.sentences:
                continue
            presence = report_findings(mined_sentences(document, matcher), relevance, certain)
            counts.update(presence.values())
            said = {
                kind.value: sorted(lexicon.names[label] for label, its in presence.items() if its == kind)
                for kind in Presence
            }
            sys.stdout.write(json.dumps({"report": report.id, **said}, ensure_ascii=False) + "\n")
            done += 1
    what = ", ".join(f"{counts[kind]:,} {kind}" for kind in Presence)
    errors.print(f"{done:,} reports: {what}; {left_out:,} left out", highlight=False)
    return 1 if left_out else 0

"""Negation and uncertainty: our own sentences, the public gold findings, and the papers' rules beside ours."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

from ingest.mining.agreement import Figures
from ingest.mining.cues import shipped_cues
from ingest.mining.findings import CERTAIN_HEDGES, chest_findings, positive, report_findings
from ingest.mining.gold_findings import findings_agreement, read_gold, read_indiana, taken_out_agreement
from ingest.mining.marked_sentences import read_marked, scope_agreement
from ingest.mining.matcher import Matcher
from ingest.mining.mention import MinedSentence, RelevanceModel
from ingest.mining.paper_rules import AdjacentRules, PaperRules
from ingest.mining.rule_file import CueKind
from ingest.mining.rule_relevance import RuleRelevance
from ingest.mining.sentences import mined_sentences
from ingest.reports.parse import parse

ROOT = Path(__file__).resolve().parents[1]
SENTENCES = ROOT / "tests" / "ingest" / "mining" / "negation_sentences.tsv"
DATA = Path(os.environ.get("LESIONKG_TEST_DATA", ROOT.parent / "shared" / "data")) / "reports"

CHESTX_RAY8 = {
    "Atelectasis": (0.99, 0.85, 0.91),
    "Cardiomegaly": (1.00, 0.79, 0.88),
    "Effusion": (0.93, 0.82, 0.87),
    "Infiltration": (0.74, 0.87, 0.80),
    "Mass": (0.75, 0.40, 0.52),
    "Nodule": (0.96, 0.62, 0.75),
    "Pneumonia": (0.66, 0.93, 0.77),
    "Pneumothorax": (0.90, 0.82, 0.86),
}
"""Precision, recall and F1 that ChestX-ray8 states for its own method on 2,435 OpenI reports (table 2), as cited."""


def models() -> list[tuple[str, RelevanceModel]]:
    """Rules with scopes, the same cues without scopes, and the papers' table."""
    return [
        ("rules", RuleRelevance()),
        ("same cues, next to the finding only", AdjacentRules("adjacent", shipped_cues())),
        ("the papers' rule table", PaperRules()),
    ]


def main() -> None:
    """Print all figures; F1 with 95 % bootstrap intervals."""
    _own_sentences()
    if not DATA.is_dir():
        print("the public reports are absent; set LESIONKG_TEST_DATA to the folder that holds reports/")
        return
    _gold_findings()


def _own_sentences() -> None:
    marked = read_marked(SENTENCES)
    print(f"Sentences written by us, one marked finding each ({SENTENCES.relative_to(ROOT)})")
    for half in ("development", "held-out"):
        rows = [row for row in marked if row.half == half]
        print(f"  {half} half, {len(rows)} sentences")
        for name, model in models():
            by_name = {row.name: row for row in scope_agreement(model, rows)}
            print(f"    {name:36s} negated {_f1(by_name['negated'])}   three classes, macro {_f1(by_name['macro'])}")


def _gold_findings() -> None:
    gold = read_gold(DATA / "negbio_examples" / "openi_gld_std14.csv")
    test = set((DATA / "negbio_examples" / "openi-testset.txt").read_text(encoding="utf-8").split())
    matcher = Matcher(chest_findings())
    texts = read_indiana(DATA / "indiana_reports.csv")
    sentences = {report: mined_sentences(parse(text), matcher) for report, text in texts.items()}
    count = sum(map(len, sentences.values()))
    print("Coded findings of the OpenI reports; phrases and policy were worked out on the reports outside the test set")
    for name, model in models():
        began = time.perf_counter()
        findings = {report: report_findings(of, model) for report, of in sentences.items()}
        rate = count / (time.perf_counter() - began)
        mined = {report: positive(of) for report, of in findings.items()}
        halves = {"test": gold.keys() & test, "development": gold.keys() - test}
        for half, reports in halves.items():
            rows = findings_agreement({report: gold[report] for report in reports}, mined)
            by_name = {row.name: row for row in rows}
            print(f"  {name}, {half}, {len(reports)} reports, {rate:,.0f} sentences/s judged")
            print(f"    micro {_f1(by_name['micro'])}   macro {_f1(by_name['macro'])}")
            taken_out = taken_out_agreement({report: gold[report] for report in reports}, findings)
            print(f"    mentioned findings taken out that nobody coded: {_f1(taken_out)}")
            if half == "development" and isinstance(model, RuleRelevance):
                _print_hedges(model, sentences, {report: gold[report] for report in reports})
            if half == "test" and isinstance(model, RuleRelevance):
                for row in rows:
                    _print(row)
                _print_policies(model, sentences, {report: gold[report] for report in reports})


def _print_policies(
    model: RelevanceModel, sentences: Mapping[str, tuple[MinedSentence, ...]], gold: Mapping[str, frozenset[str]]
) -> None:
    none: frozenset[str] = frozenset()
    for name, certain, uncertain in (
        ("every hedged finding removed", none, False),
        ("alternatives and probable ones kept (default)", CERTAIN_HEDGES, False),
        ("every hedged finding kept", none, True),
    ):
        mined = {
            report: positive(report_findings(of, model, certain), uncertain)
            for report, of in sentences.items()
            if report in gold
        }
        micro = next(row for row in findings_agreement(gold, mined) if row.name == "micro")
        print(f"    {name:48s} micro P {micro.precision:.3f} R {micro.recall:.3f} F1 {_f1(micro)}")


def _print_hedges(
    model: RelevanceModel, sentences: Mapping[str, tuple[MinedSentence, ...]], gold: Mapping[str, frozenset[str]]
) -> None:
    """How many of the findings that a report states under one kind of hedge only people coded."""
    rules = sorted({rule.id for rule in shipped_cues() if rule.kind == CueKind.UNCERTAINTY})
    strict = {report: positive(report_findings(sentences[report], model, ())) for report in gold}
    for rule in rules:
        more = {report: positive(report_findings(sentences[report], model, {rule})) - strict[report] for report in gold}
        coded = sum(len(more[report] & gold[report]) for report in gold)
        print(f"    stated under {rule} only: {sum(map(len, more.values()))}, coded {coded}")


def _print(row: Figures) -> None:
    cited = CHESTX_RAY8.get(row.name)
    beside = "   ChestX-ray8, cited: P {:.2f} R {:.2f} F1 {:.2f}".format(*cited) if cited else ""
    print(
        f"    {row.name:20s} {row.positives:4d} coded   P {row.precision:.3f} R {row.recall:.3f} F1 {_f1(row)}{beside}"
    )


def _f1(row: Figures) -> str:
    return f"{row.f1:.3f} [{row.low:.3f}, {row.high:.3f}]"


if __name__ == "__main__":
    main()

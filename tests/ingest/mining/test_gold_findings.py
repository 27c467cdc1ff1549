"""Mined findings against coded ones."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from ingest.mining.agreement import figures
from ingest.mining.findings import chest_findings, positive, report_findings
from ingest.mining.gold_findings import findings_agreement, read_gold, read_indiana, taken_out_agreement
from ingest.mining.matcher import Matcher
from ingest.mining.rule_relevance import RuleRelevance
from ingest.mining.sentences import mined_sentences
from ingest.reports.parse import parse
from kg.errors import InputError


def test_findings_agree_with_the_public_gold_on_its_test_reports(shared_data: Path) -> None:
    reports = shared_data / "reports"
    test = set((reports / "negbio_examples" / "openi-testset.txt").read_text(encoding="utf-8").split())
    gold = {k: v for k, v in read_gold(reports / "negbio_examples" / "openi_gld_std14.csv").items() if k in test}
    matcher, rules = Matcher(chest_findings()), RuleRelevance()
    findings = {
        report: report_findings(mined_sentences(parse(text), matcher), rules)
        for report, text in read_indiana(reports / "indiana_reports.csv").items()
        if report in test
    }
    mined = {report: positive(of) for report, of in findings.items()}
    by_name = {row.name: row for row in findings_agreement(gold, mined)}

    assert len(gold) == len(mined) == 771
    assert taken_out_agreement(gold, findings).f1 >= 0.98
    assert by_name["micro"].f1 >= 0.92
    assert by_name["Atelectasis"].f1 >= 0.91, "what ChestX-ray8 states"
    assert by_name["Cardiomegaly"].f1 >= 0.88
    assert by_name["Effusion"].f1 >= 0.87


def test_figures_are_those_of_a_small_table_worked_out_by_hand() -> None:
    said = np.array([[1, 0], [1, 0], [0, 1], [0, 0]], dtype=bool)
    found = np.array([[1, 0], [0, 0], [1, 1], [0, 0]], dtype=bool)
    first, second, micro, macro = figures(["a", "b"], said, found)

    assert (first.precision, first.recall, first.f1) == (0.5, 0.5, 0.5)
    assert (second.precision, second.recall, second.f1) == (1.0, 1.0, 1.0)
    assert micro.f1 == pytest.approx(2 / 3)
    assert macro.f1 == pytest.approx(0.75)
    assert micro.low <= micro.f1 <= micro.high
    assert [row.positives for row in (first, second, micro)] == [2, 1, 3]


def test_what_nobody_said_and_nobody_found_has_no_f1() -> None:
    said = np.array([[1, 0], [1, 0], [1, 0]], dtype=bool)

    assert math.isnan(figures(["a", "b"], said, said)[1].f1)


def test_only_reports_of_both_count_and_only_findings_that_were_coded() -> None:
    gold = {"CXR1": frozenset({"Mass"}), "CXR2": frozenset[str](), "CXR9": frozenset({"Mass"})}
    mined = {"CXR1": frozenset({"Mass", "Hernia"}), "CXR2": frozenset[str](), "CXR3": frozenset({"Mass"})}
    names = {row.name: row.positives for row in findings_agreement(gold, mined)}

    assert names == {"Mass": 1, "micro": 1, "macro": 1}


def test_a_table_without_the_column_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "reports.csv"
    file.write_text("uid,text\n1,x\n")

    with pytest.raises(InputError, match="no column 'findings'"):
        read_indiana(file)
    with pytest.raises(InputError, match="cannot be read"):
        read_gold(tmp_path / "absent.csv")

"""Findings that people coded for public chest x-ray reports, to measure mined findings against.

The gold is the OpenI table that travels with NegBio (public domain); the texts are the Indiana reports. A report counts
when it is in both, whether anything was found in it or not.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ingest.mining.agreement import Figures, figures
from ingest.mining.findings import Presence, positive
from kg.errors import InputError

Findings = Mapping[str, frozenset[str]]
"""Names of findings by report id."""


def read_gold(path: Path) -> dict[str, frozenset[str]]:
    """Coded findings by report id (``CXR<uid>``); the column ``normal`` is no finding.

    Raises:
        InputError: not readable, or not such a table.
    """
    return {
        row["filename"]: frozenset(k for k, value in row.items() if value == "1" and k not in ("filename", "normal"))
        for row in _rows(path, "filename", "normal")
    }


def read_indiana(path: Path) -> dict[str, str]:
    """Findings and impression of each Indiana report, by ``CXR<uid>``.

    Raises:
        InputError: not readable, or not such a table.
    """
    return {
        f"CXR{row['uid']}": f"FINDINGS: {row['findings']}\nIMPRESSION: {row['impression']}"
        for row in _rows(path, "uid", "findings", "impression")
    }


def findings_agreement(gold: Findings, mined: Findings, seed: int = 0) -> list[Figures]:
    """Agreement on each finding that was coded at least once, then over all of them.

    Args:
        gold: coded findings by report.
        mined: mined findings by report; only reports that both have count.
        seed: of the bootstrap over reports.
    """
    names = sorted(set().union(*gold.values()))
    reports = sorted(gold.keys() & mined.keys())
    said, found = (np.array([[name in of[report] for name in names] for report in reports]) for of in (gold, mined))
    return figures(names, said, found, seed)


def taken_out_agreement(gold: Findings, findings: Mapping[str, Mapping[str, Presence]], seed: int = 0) -> Figures:
    """How well the second stage tells, of what the reports mention, that which nobody coded.

    Args:
        gold: coded findings by report.
        findings: what each report says of what it mentions.
        seed: of the bootstrap over pairs of report and mentioned finding; only findings that were coded at least once
            count.
    """
    coded = frozenset().union(*gold.values())
    pairs = [(report, name) for report in sorted(gold) for name in findings[report] if name in coded]
    said = np.array([[name not in gold[report]] for report, name in pairs])
    found = np.array([[name not in positive(findings[report])] for report, name in pairs])
    return figures(["taken out"], said, found, seed)[0]


def _rows(path: Path, *columns: str) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}); give a CSV file in UTF-8") from error
    for column in columns:
        if not rows or column not in rows[0]:
            raise InputError(f"{path}: no column {column!r}; the table needs {', '.join(columns)}")
    return rows

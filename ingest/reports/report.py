"""A radiology report as its source hands it over."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Report:
    """One report. Everything in it but the id is kept out of ``repr``: identifiers and text go to the vault only.

    Attributes:
        id: the source's id of the report; unique in one batch.
        text: the report as it was read; every offset of mining counts characters of this string.
        patient: the source's patient id, "" when unknown.
        study: the source's study id (accession number or Study Instance UID), "" when unknown.
        date: date of the study, ISO 8601, "" when unknown.
    """

    id: str
    text: str = field(repr=False)
    patient: str = field(default="", repr=False)
    study: str = field(default="", repr=False)
    date: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ReportProblem:
    """Something wrong with one report; the batch goes on.

    Attributes:
        report: id of the report, or where it stands when it has none (``reports.csv, row 12``).
        reason: what is wrong and what to do, in one line; never text of the report.
        left_out: the report, or a part of what it says, was not mined.
    """

    report: str
    reason: str
    left_out: bool = True

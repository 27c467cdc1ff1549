"""Agreement of mined findings with findings that people coded, on public chest x-ray reports.

The gold is the OpenI table that travels with NegBio (public domain); texts are the Indiana reports. A report counts when
it is in both, whether anything was found in it or not.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kg.errors import InputError

MICRO = "micro average"
_REPLICATES = 1000


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % bootstrap interval over reports."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class FindingFigures:
    """Agreement on one finding, or over all pairs of report and finding.

    Attributes:
        finding: its name, or :data:`MICRO`.
        positives: reports (pairs) in which people coded it.
        precision: share of mined ones that people coded; nan when none was mined.
        recall: share of coded ones that were mined; nan when none was coded.
        f1: harmonic mean of both; nan when there is nothing to find and nothing was found.
        interval: of ``f1``.
    """

    finding: str
    positives: int
    precision: float
    recall: float
    f1: float
    interval: Interval


def read_gold(path: Path) -> dict[str, frozenset[str]]:
    """Coded findings by report id (``CXR<uid>``); the column ``normal`` is no finding.

    Raises:
        InputError: not readable, or not such a table.
    """
    gold = {}
    for row in _rows(path, "filename"):
        gold[row["filename"]] = frozenset(
            name for name, value in row.items() if value == "1" and name not in ("filename", "normal")
        )
    return gold


def read_indiana(path: Path) -> dict[str, str]:
    """Findings and impression of each Indiana report, by ``CXR<uid>``.

    Raises:
        InputError: not readable, or not such a table.
    """
    return {
        f"CXR{row['uid']}": f"FINDINGS: {row['findings']}\nIMPRESSION: {row['impression']}"
        for row in _rows(path, "uid", "findings", "impression")
    }


def agreement(
    gold: Mapping[str, frozenset[str]], mined: Mapping[str, frozenset[str]], findings: Sequence[str], seed: int = 0
) -> list[FindingFigures]:
    """Agreement on each finding, then over all of them.

    Args:
        gold: coded findings by report.
        mined: mined findings by report; reports that are not in ``gold`` do not count.
        findings: names to score.
        seed: of the bootstrap over reports.
    """
    reports = sorted(set(gold) & set(mined))
    coded = np.array([[name in gold[report] for name in findings] for report in reports])
    found = np.array([[name in mined[report] for name in findings] for report in reports])
    counts = np.stack([coded & found, ~coded & found, coded & ~found]).astype(np.int64)  # (3, reports, findings)
    counts = np.concatenate([counts, counts.sum(axis=2, keepdims=True)], axis=2)
    weights = np.random.default_rng(seed).multinomial(
        len(reports), np.full(len(reports), 1 / len(reports)), size=_REPLICATES
    )
    low, high = np.nanpercentile(_f1(np.einsum("br,crf->cbf", weights, counts)), [2.5, 97.5], axis=0)
    tp, fp, fn = counts.sum(axis=1)
    f1 = _f1(np.stack([tp, fp, fn]))
    return [
        FindingFigures(
            name,
            int(tp[i] + fn[i]),
            float(_ratio(tp, tp + fp)[i]),
            float(_ratio(tp, tp + fn)[i]),
            float(f1[i]),
            Interval(float(low[i]), float(high[i])),
        )
        for i, name in enumerate([*findings, MICRO])
    ]


def _f1(counts: np.ndarray) -> np.ndarray:
    tp, fp, fn = counts
    return _ratio(2 * tp, 2 * tp + fp + fn)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole != 0)


def _rows(path: Path, *columns: str) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}); give a CSV file in UTF-8") from error
    missing = [column for column in columns if not rows or column not in rows[0]]
    if missing:
        raise InputError(f"{path}: no column {missing[0]!r}; the table needs {', '.join(columns)}")
    return rows

"""Terms that reports use, kept between readings of the reports: counts only, no text of a report.

``lesionkg mine suggest REPORTS --out FILE`` counts them and shows nothing that fewer than five patients have.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import delete, insert, select

from kg.curation.queues import Term
from kg.curation.queues_tables import TERMS
from kg.errors import InputError
from kg.relational import Database

LEAST_PATIENTS = 5
"""What fewer patients have may be a name."""

_KINDS = ("radlex", "word", "phrase")


def read_candidates(path: Path, source: str) -> tuple[Term, ...]:
    """The candidates that ``lesionkg mine suggest --out`` wrote.

    Args:
        path: the CSV file.
        source: name of the reports they were counted in.

    Raises:
        InputError: no such file, no such columns, or a value out of range.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return tuple(_term(row, source) for row in csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, TypeError, ValueError) as error:
        reason = str(error) if isinstance(error, ValueError) else type(error).__name__
        raise InputError(f"{path}: no table of candidates ({reason}); write it by `lesionkg mine suggest`") from error


def _term(row: dict[str, str], source: str) -> Term:
    mentions, reports, patients = (int(row[name]) for name in ("mentions", "reports", "patients"))
    if row["kind"] not in _KINDS or not row["candidate"].strip() or not patients <= reports <= mentions:
        raise ValueError(f"candidate {row['rid'] or row['kind']!r} has impossible values")
    if patients < LEAST_PATIENTS:
        raise ValueError(f"a candidate of fewer than {LEAST_PATIENTS} patients may be a name")
    parents = tuple(filter(None, row["parents"].split("|")))
    return Term(row["kind"], row["candidate"], row["rid"], parents, row["nearest"], mentions, reports, patients, source)


def keep_terms(database: Database, source: str, terms: Iterable[Term]) -> int:
    """Keep the terms of a source in place of those that it had before; returns how many."""
    rows = [
        {
            "source": source, "kind": t.kind, "text": t.text, "rid": t.rid, "parents": json.dumps(t.parents),
            "nearest": t.nearest, "mentions": t.mentions, "reports": t.reports, "patients": t.patients,
        }
        for t in terms
    ]  # fmt: skip
    with database.write() as connection:
        connection.execute(delete(TERMS).where(TERMS.c.source == source))
        if rows:
            connection.execute(insert(TERMS), rows)
    return len(rows)


def kept_terms(database: Database) -> tuple[Term, ...]:
    """The terms of all sources."""
    statement = select(TERMS).order_by(TERMS.c.source, TERMS.c.kind, TERMS.c.text, TERMS.c.rid)
    with database.read() as connection:
        rows = connection.execute(statement).mappings().all()
    return tuple(Term(**{**row, "parents": tuple(json.loads(row["parents"]))}) for row in rows)

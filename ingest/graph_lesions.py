"""Lesions that were marked in a table or in a report: their nodes, under surrogates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ingest.vault import Mark
from kg.errors import StoreError
from kg.store import GraphStore, Row, Transaction

SOURCE = "reports"
"""``source`` of patients and lesions that came from a lesion table or a report."""

_PATH = (
    "(p:Patient {id: row.patient})-[:HAS_STUDY]->(t:Study {id: row.study})"
    "-[:HAS_SERIES]->(e:Series {id: row.series})-[:HAS_LESION]->(l:Lesion {id: row.lesion})"
)


def known_lesions(store: GraphStore, lesions: Iterable[str]) -> set[str]:
    """Those of the lesion ids that the graph holds."""
    return store.read_transaction(lambda tx: lesions_in(tx, lesions))


def lesions_in(tx: Transaction, lesions: Iterable[str]) -> set[str]:
    """As :func:`known_lesions`, inside an open transaction."""
    found = tx.run(
        "UNWIND $ids AS id MATCH (l:Lesion {id: id}) RETURN l.id AS id ORDER BY id", {"ids": sorted(set(lesions))}
    )
    return {row["id"] for row in found}


def write_lesions(tx: Transaction, marks: Sequence[Mark]) -> int:
    """Make sure that the graph holds the marked lesions, with patient, study and series.

    Lesions that somebody else brought (``Mark.outside``) are left as they are.

    Returns:
        Number of lesions written or changed.

    Raises:
        StoreError: the result is not what was wanted; the transaction must not commit.
    """
    wanted = _rows(marks)
    keys = [{name: row[name] for name in ("patient", "study", "series", "lesion")} for row in wanted]
    read = (
        f"UNWIND $rows AS row MATCH {_PATH} "
        "RETURN l.id AS lesion, e.id AS series, l.long_mm AS long, l.short_mm AS short ORDER BY lesion, series"
    )
    there = {(row["lesion"], row["series"]): (row["long"], row["short"]) for row in tx.run(read, {"rows": keys})}
    changed = [
        row for row in wanted if there.get((row["lesion"], row["series"]), ()) != (row["long_mm"], row["short_mm"])
    ]
    for label, key in (("Patient", "patient"), ("Lesion", "lesion")):
        tx.run_many(
            f"UNWIND $rows AS row MERGE (n:{label} {{id: row.{key}}}) SET n.source = $source",
            changed,
            {"source": SOURCE},
        )
    tx.run_many("UNWIND $rows AS row MERGE (t:Study {id: row.study})", changed)
    tx.run_many("UNWIND $rows AS row MERGE (e:Series {id: row.series})", changed)
    tx.run_many(
        "UNWIND $rows AS row MATCH (l:Lesion {id: row.lesion}) SET l.long_mm = row.long_mm, l.short_mm = row.short_mm",
        changed,
    )
    for start, kind, end in (
        ("Patient", "HAS_STUDY", "Study"),
        ("Study", "HAS_SERIES", "Series"),
        ("Series", "HAS_LESION", "Lesion"),
    ):
        pairs = {(row[start.lower()], row[end.lower()]) for row in changed}
        tx.run_many(
            f"UNWIND $rows AS row MATCH (a:{start} {{id: row.a}}) MATCH (b:{end} {{id: row.b}}) "
            f"MERGE (a)-[:{kind}]->(b)",
            [{"a": a, "b": b} for a, b in sorted(pairs)],
        )
    if changed and len(tx.run(read, {"rows": keys})) != len(keys):
        raise StoreError("lesions of reports: not all of them could be stored, so nothing was; verify the graph")
    return len(changed)


def _rows(marks: Sequence[Mark]) -> list[Row]:
    """One row for each lesion and series, with the lesion's greatest size."""
    size: dict[str, tuple[float, float]] = {}
    for mark in marks:
        here = (mark.long_mm or 0.0, mark.short_mm or 0.0)
        size[mark.lesion] = max(here, size.get(mark.lesion, here))
    rows: dict[tuple[str, str], Row] = {}
    for mark in marks:
        if not mark.outside:
            long, short = size[mark.lesion]
            rows[mark.lesion, mark.series] = {
                "patient": mark.patient,
                "study": mark.study,
                "series": mark.series,
                "lesion": mark.lesion,
                "long_mm": long or None,
                "short_mm": short or None,
            }
    return list(rows.values())

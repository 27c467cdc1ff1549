"""Cohorts and models of the graph that were made with other relations than it holds now."""

from __future__ import annotations

from dataclasses import dataclass

from kg.revision import find_head
from kg.store import Transaction


@dataclass(frozen=True, slots=True)
class Behind:
    """What fell behind the newest revision.

    Attributes:
        cohorts: ids by name, of the newest cohort of each name.
        models: ids.
    """

    cohorts: dict[str, str]
    models: tuple[str, ...]


def fallen_behind(tx: Transaction) -> Behind:
    """Cohorts and models whose matrix hash is not the newest revision's of their label set."""
    head = find_head(tx)
    now = dict(head.matrix_hashes) if head is not None else {}
    cohorts = tx.run(
        "MATCH (c:Cohort) RETURN c.name AS name, c.id AS id, c.label_set AS label_set, c.matrix_hash AS hash "
        "ORDER BY c.created, id"
    )
    newest = {row["name"]: row for row in cohorts}
    models = tx.run("MATCH (m:Model) RETURN m.id AS id, m.label_set AS label_set, m.matrix_hash AS hash ORDER BY id")
    return Behind(
        {name: row["id"] for name, row in newest.items() if now.get(row["label_set"]) not in (None, row["hash"])},
        tuple(row["id"] for row in models if now.get(row["label_set"]) not in (None, row["hash"])),
    )

"""Which graph it is, and which proposals it carries out: what a curation store must know of a graph."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from kg.errors import UsageError
from kg.store import Transaction


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """A revision that carries out a proposal.

    Attributes:
        sequence: its number.
        in_force: it was not taken back, or taken back and made again.
    """

    sequence: int
    in_force: bool


def graph_identity(tx: Transaction) -> str:
    """What tells one graph from another: a hash of its first revision, which backups share.

    Raises:
        UsageError: the graph holds no ontology yet.
    """
    first = tx.run(
        "MATCH (r:Revision) RETURN r.sequence AS sequence, r.created AS created, r.author AS author, "
        "r.ontology_hash AS hash ORDER BY sequence LIMIT 1"
    )
    if not first:
        raise UsageError("graph: holds no ontology yet; `lesionkg ontology import` loads one")
    text = "\n".join(str(first[0][name]) for name in ("sequence", "created", "author", "hash"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def carried_out(tx: Transaction) -> Mapping[str, CarriedOut]:
    """The revisions that carry out proposals, by id of the proposal."""
    rows = tx.run(
        "MATCH (r:Revision) WHERE r.proposal <> '' OR r.undoes > 0 "
        "RETURN r.sequence AS sequence, r.proposal AS proposal, r.undoes AS undoes ORDER BY sequence DESC"
    )
    back: set[int] = set()
    found: dict[str, CarriedOut] = {}
    for row in rows:  # newest first: what takes a revision back is newer, and may be taken back itself
        in_force = row["sequence"] not in back
        if row["undoes"] and in_force:
            back.add(row["undoes"])
        if row["proposal"]:
            found[row["proposal"]] = CarriedOut(row["sequence"], in_force)
    return found


def label_names(tx: Transaction) -> dict[str, str]:
    """Preferred names by label id, whatever else is in the graph."""
    return {row["id"]: row["name"] for row in tx.run("MATCH (l:Label) RETURN l.id AS id, l.name AS name ORDER BY id")}


def named_label(names: Mapping[str, str], label: str) -> str:
    """The id of a label by its preferred name or id; empty for an empty name.

    Raises:
        UsageError: there is no such label.
    """
    if not label or label in names:
        return label
    found = next((key for key, name in names.items() if name == label), None)
    if found is None:
        raise UsageError(f"label {label!r}: there is none; give a preferred name or an id")
    return found

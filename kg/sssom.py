"""Mappings from labels to RadLex, kept as SSSOM (Simple Standard for Sharing Ontological Mappings) in its TSV form.

A label says something about a lesion; the RadLex entity it is mapped to is what it speaks of. The justification tells
how the match came about: ``semapv:LexicalMatching`` where RadLex has the label's name or exact synonym as a name of the
term, ``semapv:ManualMappingCuration`` where a person chose it, with the reason in the comment.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from kg.errors import InputError
from kg.ontology import MatchKind, TermMapping
from kg.tables import read_tsv, shipped_text

_FILE = "radlex.sssom.tsv"
COLUMNS = (
    "subject_id",
    "subject_label",
    "predicate_id",
    "object_id",
    "object_label",
    "mapping_justification",
    "comment",
)
"""The columns that are read."""
PREFIX = "radlex:"
"""What SSSOM files put before RadLex identifiers."""


def read_mappings(text: str, name: str) -> dict[str, tuple[TermMapping, ...]]:
    """Mappings by label id from the text of an SSSOM file.

    Args:
        text: the whole file; its metadata are the lines that begin with ``#``.
        name: what to call the file in an error.

    Raises:
        InputError: a column is missing, a predicate is unknown, or an object is not a ``radlex:RID...`` identifier.
    """
    mappings: dict[str, list[TermMapping]] = {}
    for row in read_tsv(text, COLUMNS, name):
        mappings.setdefault(row["subject_id"], []).append(mapping_of(row, name))
    return {label_id: tuple(sorted(found)) for label_id, found in mappings.items()}


def mapping_of(row: Mapping[str, str], name: str) -> TermMapping:
    """The mapping in one row of an SSSOM file.

    Args:
        row: cells by column.
        name: what to call the file in an error.

    Raises:
        InputError: the predicate is unknown, or the object is not a ``radlex:RID...`` identifier.
    """
    label, predicate, target = row["subject_label"], row["predicate_id"], row["object_id"]
    if predicate not in set(MatchKind):
        raise InputError(f"{name}: {label!r} has predicate {predicate!r}; use one of {', '.join(MatchKind)}")
    if not target.startswith(PREFIX + "RID"):
        raise InputError(f"{name}: {label!r} is mapped to {target!r}; give a RadLex term as {PREFIX}RID...")
    reason = f": {row['comment']}" if row["comment"] else ""
    return TermMapping(
        object_id=target.removeprefix(PREFIX),
        object_label=row["object_label"],
        predicate=MatchKind(predicate),
        justification=row["mapping_justification"] + reason,
    )


@cache
def shipped_mappings() -> Mapping[str, tuple[TermMapping, ...]]:
    """The reviewed RadLex mappings by label id.

    Raises:
        InputError: the shipped file is missing or damaged.
    """
    return read_mappings(shipped_text(_FILE), f"ontologies/{_FILE}")

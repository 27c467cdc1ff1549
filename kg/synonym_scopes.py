"""Scopes of the released synonyms: exact, unless the reviewed table says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from kg.errors import InputError
from kg.ontology import SynonymScope
from kg.tables import shipped_table

_FILE = "synonym_scopes.tsv"


@cache
def reviewed_scopes() -> Mapping[tuple[str, str], SynonymScope]:
    """Reviewed scopes by (label name, synonym).

    Raises:
        InputError: the shipped table is damaged.
    """
    scopes: dict[tuple[str, str], SynonymScope] = {}
    for row in shipped_table(_FILE, ("label", "synonym", "scope", "reason")):
        if row["scope"] not in set(SynonymScope):
            raise InputError(f"ontologies/{_FILE}: scope {row['scope']!r}; use one of {', '.join(SynonymScope)}")
        scopes[row["label"], row["synonym"]] = SynonymScope(row["scope"])
    return scopes


def scope_of(label: str, synonym: str) -> SynonymScope:
    """The scope of a synonym of a label."""
    return reviewed_scopes().get((label, synonym), SynonymScope.EXACT)

"""What RadLex says about labels, where its table lies in the data folder: a second opinion for reviewers."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from kg.ontology import Ontology
from kg.radlex.linked import candidates, linked
from kg.radlex.reference import FILE, Reference, load_reference

_MOST = 5


@lru_cache(maxsize=2)
def _load(file: Path, changed: int) -> Reference:
    return load_reference(file)


def radlex_of(home: Path) -> Reference | None:
    """RadLex as it was imported into a data folder; None where it was not.

    Raises:
        InputError: the file is damaged.
    """
    file = home / FILE
    return _load(file, file.stat().st_mtime_ns) if file.exists() else None


def ways_between(ontology: Ontology, reference: Reference, a: str, b: str) -> tuple[str, ...]:
    """How RadLex gets from one label's term up to the other's, in words; none where it does not.

    Args:
        ontology: has the mappings.
        reference: RadLex.
        a: id of a label.
        b: of another.
    """
    rids = linked(ontology, reference)
    found = []
    for low, high in ((a, b), (b, a)):
        if low in rids and high in rids:
            ways = reference.ways_up(rids[low], [rids[high]])
            found += [reference.text(rids[low], way) for way in ways.values()]
    return tuple(found)


def terms_for(ontology: Ontology, reference: Reference, label: str) -> tuple[tuple[str, str], ...]:
    """RadLex terms that share a name with a label: id and name, those of the preferred names first."""
    found = candidates(ontology, reference, [label])[:_MOST]
    return tuple((one.term.rid, one.term.name) for one in found)

"""RadLex terms read from a table, to check what the ontology says about them.

RadLex does not ship with the project; whoever has a copy as CSV (columns ``rid preferred_label alt_labels parents
synonyms part_of contained_by``, lists separated by ``|``) can check the mappings and the RadLex paths against it.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kg.errors import InputError
from kg.findings import Finding, Severity
from kg.ontology import Label, Ontology, SynonymScope, TermMapping

_COLUMNS = ("rid", "preferred_label", "alt_labels", "parents", "synonyms", "part_of", "contained_by")
_OBSOLETE_ROOT = "RID15849"
"""RadLex moves withdrawn terms below this one, "Obsolete Radlex Term"."""

_STEPS = {"is_a": "parents", "part_of": "part_of", "contained_by": "contained_by"}


@dataclass(frozen=True)
class RadLex:
    """Terms by RID.

    Attributes:
        names: every name of a term, the preferred one first.
        steps: for each term the terms above it, as (``is_a``, ``part_of`` or ``contained_by``; RID).
    """

    names: Mapping[str, tuple[str, ...]]
    steps: Mapping[str, frozenset[tuple[str, str]]]

    @cached_property
    def obsolete(self) -> frozenset[str]:
        """Withdrawn terms."""
        below: dict[str, list[str]] = defaultdict(list)
        for rid, steps in self.steps.items():
            for step, above in steps:
                if step == "is_a":
                    below[above].append(rid)
        found = {_OBSOLETE_ROOT}
        queue = [_OBSOLETE_ROOT]
        while queue:
            new = set(below[queue.pop()]) - found
            found |= new
            queue.extend(new)
        return frozenset(found)

    def holds(self, path: str) -> bool:
        """Whether every step of a path such as ``RID1315 part_of RID1302 is_a RID1301`` is in RadLex."""
        words = path.split()
        triples = zip(words[::2], words[1::2], words[2::2], strict=False)
        return (
            len(words) >= 3 and len(words) % 2 == 1 and all((how, b) in self.steps.get(a, ()) for a, how, b in triples)
        )


def read_radlex(path: Path | str) -> RadLex:
    """Read RadLex from a CSV file.

    Raises:
        InputError: no such file, not UTF-8 text, or a column is missing.
    """
    file = Path(path)
    names: dict[str, tuple[str, ...]] = {}
    steps: dict[str, frozenset[tuple[str, str]]] = {}
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            missing = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise InputError(f"{file}: column {missing[0]!r} is missing; choose a RadLex table")
            for row in reader:
                others = [*_items(row["alt_labels"]), *_items(row["synonyms"])]
                names[row["rid"]] = tuple(dict.fromkeys([row["preferred_label"], *others]))
                steps[row["rid"]] = frozenset(
                    (how, above) for how, column in _STEPS.items() for above in _items(row[column])
                )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file}: cannot be read as CSV ({type(error).__name__}); choose a RadLex table") from error
    return RadLex(names, steps)


def _items(cell: str | None) -> list[str]:
    return [item.strip() for item in (cell or "").split("|") if item.strip()]


def check_mappings(ontology: Ontology, radlex: RadLex) -> list[Finding]:
    """Mappings that RadLex does not bear out: unknown or obsolete terms, other names, matches that are not lexical."""
    return [
        finding
        for label in ontology.labels
        for mapping in label.mappings
        for finding in _check_mapping(label, mapping, radlex)
    ]


def _check_mapping(label: Label, mapping: TermMapping, radlex: RadLex) -> Iterator[Finding]:
    link = (f"{label.name} {mapping.predicate} {mapping.object_id} ({mapping.object_label})",)
    where = f"{label.name!r} is mapped to {mapping.object_id}"
    names = radlex.names.get(mapping.object_id)
    if names is None:
        message = f"{where}, which RadLex does not have; choose another term"
        yield Finding("unknown-radlex-term", Severity.ERROR, (label.name,), message, link)
        return
    if mapping.object_id in radlex.obsolete:
        message = f"{where}, which RadLex has withdrawn; choose another term"
        yield Finding("obsolete-radlex-term", Severity.ERROR, (label.name,), message, link)
    if mapping.object_label != names[0]:
        message = f"{where} as {mapping.object_label!r}, but RadLex calls it {names[0]!r}; write that name"
        yield Finding("radlex-name-differs", Severity.ERROR, (label.name,), message, link)
    own = {label.name, *(s.text for s in label.synonyms if s.scope is SynonymScope.EXACT)}
    if mapping.justification.startswith("semapv:LexicalMatching") and not _folded(own) & _folded(names):
        message = f"{where} as a lexical match, but they share no name; justify it as a manual choice"
        yield Finding("not-a-lexical-match", Severity.ERROR, (label.name,), message, link)


def _folded(names: set[str] | tuple[str, ...]) -> set[str]:
    return {" ".join(name.casefold().replace("-", " ").split()) for name in names}

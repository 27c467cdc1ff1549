"""What joins an ontology with RadLex: mappings that say a label and a term are one, and new ones by their names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kg.curation.change_set import Change
from kg.curation.edits import add_mapping
from kg.errors import UsageError
from kg.ontology import Label, MatchKind, Ontology, SynonymScope, TermMapping
from kg.radlex.reference import Reference, Term
from kg.radlex.search import fold

LEXICAL = "semapv:LexicalMatching"
MANUAL = "semapv:ManualMappingCuration"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A term that a label could be mapped to, because they share a name.

    Attributes:
        label: the label.
        term: the term.
        name: the shared name, as RadLex writes it.
        alone: no other term has one of the label's names as good.
    """

    label: Label
    term: Term
    name: str
    alone: bool

    @property
    def justification(self) -> str:
        """How the match came about, as SSSOM says it."""
        if fold(self.name) == fold(self.label.name) and self.name == self.term.name:
            return LEXICAL
        whose = "RadLex synonym" if self.name != self.term.name else "by the synonym"
        return f'{LEXICAL}: {whose} "{self.name}"'


def linked(ontology: Ontology, reference: Reference) -> dict[str, str]:
    """RID by label id, for labels in use that one current term is the exact match of."""
    found: dict[str, str] = {}
    for label in ontology.labels:
        exact = [m.object_id for m in label.mappings if m.predicate is MatchKind.EXACT]
        known = [rid for rid in exact if rid in reference.terms and not reference.terms[rid].obsolete]
        if not label.deprecated and len(known) == 1:
            found[label.id] = known[0]
    return found


def candidates(ontology: Ontology, reference: Reference, labels: Iterable[str] = ()) -> list[Candidate]:
    """Terms that share a name with labels; by label, preferred names of both before synonyms.

    Args:
        ontology: whose labels.
        reference: all terms.
        labels: ids or names; all in use without any mapping when none is given: where one was chosen that is not exact,
            somebody looked already.

    Raises:
        UsageError: no such label.
    """
    chosen = [ontology.label(key) for key in labels] or [
        label for label in ontology.labels if not label.deprecated and not label.mappings
    ]
    by_name: Mapping[str, list[tuple[Term, str]]] = _by_name(reference)
    found: list[Candidate] = []
    for label in chosen:
        own = [label.name, *(s.text for s in label.synonyms if s.scope is SynonymScope.EXACT)]
        ranked: dict[str, tuple[tuple[int, bool], Term, str]] = {}
        for rank, text in enumerate(own):
            for term, name in by_name.get(fold(text), ()):
                key = (min(rank, 1), name != term.name)
                if term.rid not in ranked or key < ranked[term.rid][0]:
                    ranked[term.rid] = key, term, name
        mapped = {m.object_id for m in label.mappings}
        rows = sorted(ranked.values(), key=lambda row: (row[0], row[1].rid))
        best = [row for row in rows if row[0] == rows[0][0]]
        found += [
            Candidate(label, term, name, len(best) == 1 and term is best[0][1])
            for _, term, name in rows
            if term.rid not in mapped
        ]
    return found


def map_to(ontology: Ontology, reference: Reference, label: str, rid: str, match: MatchKind, why: str = "") -> Change:
    """Map a label to a term.

    Args:
        ontology: what it is made on.
        reference: all terms.
        label: id or preferred name.
        rid: the term.
        match: how it compares with the label.
        why: the reason; a shared name is one.

    Raises:
        UsageError: no such label or term, the term is withdrawn, they are mapped already, or nothing justifies it.
    """
    term = reference.term(rid)
    if term.obsolete:
        raise UsageError(f"RadLex term {rid}: RadLex has withdrawn it; choose another term")
    shared = next((c for c in candidates(ontology, reference, [label]) if c.term.rid == rid), None)
    if why.strip():
        justification = f"{MANUAL}: {why.strip()}"
    elif shared is not None:
        justification = shared.justification
    else:
        raise UsageError(f"label {label!r} and {rid} {term.name!r}: share no name; say why they match")
    return add_mapping(ontology, label, TermMapping(rid, term.name, match, justification))


def _by_name(reference: Reference) -> Mapping[str, list[tuple[Term, str]]]:
    found: dict[str, list[tuple[Term, str]]] = defaultdict(list)
    for term in reference.terms.values():
        if not term.obsolete:
            for name in term.names:
                found[fold(name)].append((term, name))
    return found

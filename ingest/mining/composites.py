"""What the ontology says of labels that are made of parts: which modifiers make which label of a head, and which sides.

"hepatic mass" is a phrase of *liver mass*, which is a *mass*, and "hepatic" is a phrase of *liver*: so *liver* and
*mass* together make *liver mass*, wherever both stand in a sentence. "inguinal node" likewise for *groin lymph node*;
a finding located in a lymph node (lymphadenopathy) is a head there too. *left kidney* is *kidney* with a side. A
modifier that is no label ("paracaval") becomes a fragment: a phrase without a label of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from ingest.mining.term import STRENGTH, Rank, Term
from ingest.mining.tokens import words
from kg import algebra
from kg.algebra import BoolMatrix
from kg.closures import Closures
from kg.ontology import LabelClass, Ontology, RelationKind, SynonymScope

Words = tuple[str, ...]
FRAGMENT = "~"


@dataclass(frozen=True)
class Composites:
    """How labels combine; empty for a lexicon without an ontology.

    Attributes:
        made: for (head label, modifier label or fragment) the label they make together.
        sided: for (label or fragment, side) the label on that side.
        heads: labels that something in ``made`` is a kind of.
        organs: body-part labels.
        ancestors: strict ancestors of each label.
        excluded: pairs listed as never both on one lesion, either way, but for exceptions.
    """

    made: Mapping[tuple[str, str], str] = field(default_factory=dict)
    sided: Mapping[tuple[str, str], str] = field(default_factory=dict)
    heads: frozenset[str] = frozenset()
    organs: frozenset[str] = frozenset()
    ancestors: Mapping[str, frozenset[str]] = field(default_factory=dict)
    excluded: frozenset[tuple[str, str]] = frozenset()


def compositions(ontology: Ontology, terms: Collection[Term], sides: Collection[str]) -> tuple[Composites, list[Term]]:
    """How the ontology's labels combine, and the fragments that their phrases need.

    Args:
        ontology: its relations decide what may be combined.
        terms: phrases of its labels.
        sides: words for a side.
    """
    closures = Closures(ontology)
    builder = _Builder(closures, terms)
    for term in sorted(terms, key=lambda term: (term.rank, STRENGTH[term.scope], term.label, term.text)):
        parts = tuple(words(term.text))
        if "of" in parts:
            continue
        if parts[0] in sides:
            builder.add_side(term.label, parts)
        else:
            for cut in range(1, len(parts)):
                builder.add_made(term.label, parts[:cut], parts[cut:])
    listed = algebra.as_bool(closures.asserted_exclusive.multiply(closures.exclusive))
    excluded = frozenset((ontology.labels[i].id, ontology.labels[j].id) for i, j in algebra.to_pairs(listed))
    composites = Composites(
        builder.made,
        builder.sided,
        frozenset(head for head, _ in builder.made),
        frozenset(builder.organs),
        builder.ancestors,
        excluded,
    )
    return composites, list(builder.fragments.values())


class _Builder:
    def __init__(self, closures: Closures, terms: Collection[Term]) -> None:
        ontology = closures.ontology
        self.made: dict[tuple[str, str], str] = {}
        self.sided: dict[tuple[str, str], str] = {}
        self.fragments: dict[Words, Term] = {}
        self.organs = {label.id for label in ontology.labels if label.label_class is LabelClass.BODYPART}
        self.ancestors = _above(ontology, closures.ancestors)
        self._labels: dict[Words, set[str]] = defaultdict(set)
        # without narrow phrases: "vein" is one of blood vessel, but not every vessel of a kidney is a renal vein
        self._whole: dict[Words, set[str]] = defaultdict(set)
        for term in terms:
            if term.scope is not SynonymScope.RELATED:
                self._labels[tuple(words(term.text))].add(term.label)
                if term.scope is not SynonymScope.NARROW:
                    self._whole[tuple(words(term.text))].add(term.label)
        self._by_name = {label.name: label.id for label in ontology.labels}
        is_a = tuple(r for r in ontology.relations if r.kind is RelationKind.IS_A)
        self._kinds_of = _above(ontology, Closures(replace(ontology, relations=is_a)).ancestors)
        self._findings: dict[str, set[str]] = defaultdict(set)
        for relation in ontology.relations:
            if relation.kind is RelationKind.LOCATED_IN and relation.child not in self.organs:
                self._findings[relation.parent].add(relation.child)

    def add_side(self, label: str, parts: Words) -> None:
        """``parts`` is a side and what has sides."""
        text = " ".join(parts[1:])
        known = self._labels.get(parts[1:], set())
        whole = {base for base in known if base in self.ancestors[label] or self._by_name.get(text) == base}
        for base in whole or ([] if known else [self._fragment(parts[1:])]):
            self.sided.setdefault((base, parts[0]), label)

    def add_made(self, label: str, modifier: Words, head: Words) -> None:
        """``modifier`` and ``head`` are the two parts of a phrase of ``label``."""
        for base in self._whole.get(head, set()) & self.ancestors[label]:
            if base in self.organs and not (self._findings[base] and base in self._kinds_of[label]):
                continue
            for above in (base, *(self._findings[base] if base in self.organs else ())):
                for part in self._labels.get(modifier) or [self._fragment(modifier)]:
                    self.made.setdefault((above, part), label)

    def _fragment(self, parts: Words) -> str:
        text = " ".join(parts)
        self.fragments.setdefault(parts, Term(text, FRAGMENT + text, "fragment", rank=Rank.FRAGMENT))
        return FRAGMENT + text


def _above(ontology: Ontology, ancestors: BoolMatrix) -> dict[str, frozenset[str]]:
    """Ancestors of each label by its id."""
    ids = [label.id for label in ontology.labels]
    return {
        label: frozenset(ids[i] for i in ancestors.indices[ancestors.indptr[row] : ancestors.indptr[row + 1]])
        for row, label in enumerate(ids)
    }

"""The ontology model: labels, their relations, and label sets, as immutable values.

A label is a statement about a lesion ("the lesion is in the liver"), not the anatomy itself. Strict relations drive
label expansion and reliable negatives; soft relations never do.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from kg.errors import OntologyError, UsageError


class LabelClass(StrEnum):
    """The three classes of labels (LesaNet, section 3.1)."""

    BODYPART = "bodypart"
    TYPE = "type"
    ATTRIBUTE = "attribute"


class RelationKind(StrEnum):
    """Strict hierarchical relations; the value is the relationship type in the graph."""

    IS_A = "IS_A"
    PART_OF = "PART_OF"
    LOCATED_IN = "LOCATED_IN"
    INHERES_IN = "INHERES_IN"
    HAS_ATTRIBUTE = "HAS_ATTRIBUTE"


class SoftKind(StrEnum):
    """Relations that never enter expansion; the value is the relationship type in the graph."""

    TYPICALLY_LOCATED_IN = "TYPICALLY_LOCATED_IN"
    TYPICALLY_HAS = "TYPICALLY_HAS"
    CONFUSABLE_WITH = "CONFUSABLE_WITH"
    CONTRALATERAL_OF = "CONTRALATERAL_OF"


class SynonymScope(StrEnum):
    """How a synonym's meaning compares with the label's (the scopes of OBO)."""

    EXACT = "exact"
    NARROW = "narrow"
    BROAD = "broad"
    RELATED = "related"


class MatchKind(StrEnum):
    """How a mapped term compares with the label (the SKOS predicates that SSSOM uses)."""

    EXACT = "skos:exactMatch"
    CLOSE = "skos:closeMatch"
    BROAD = "skos:broadMatch"
    NARROW = "skos:narrowMatch"
    RELATED = "skos:relatedMatch"


@dataclass(frozen=True, slots=True, order=True)
class Synonym:
    """Another name of a label."""

    text: str
    scope: SynonymScope = SynonymScope.EXACT
    source: str = ""


@dataclass(frozen=True, slots=True, order=True)
class TermMapping:
    """A label's counterpart in RadLex, e.g. object_id ``RID1301``."""

    object_id: str
    object_label: str
    predicate: MatchKind
    justification: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """One label; ``id`` is opaque and stable (``LKG:0000012``), ``name`` may change."""

    id: str
    name: str
    label_class: LabelClass
    synonyms: tuple[Synonym, ...] = ()
    definition: str = ""
    mappings: tuple[TermMapping, ...] = ()
    deprecated: bool = False
    replaced_by: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "synonyms", tuple(sorted(set(self.synonyms))))
        object.__setattr__(self, "mappings", tuple(sorted(set(self.mappings))))


@dataclass(frozen=True, slots=True, order=True)
class Relation:
    """A strict hierarchical relation, as its source asserts it: whatever has ``child`` has ``parent`` (label ids)."""

    child: str
    kind: RelationKind
    parent: str
    source: str = ""
    author: str = ""
    created: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True, order=True)
class ExclusivePair:
    """Two labels never both on one lesion; symmetric, stored once with ``a <= b`` (label ids)."""

    a: str
    b: str
    source: str = ""
    author: str = ""
    created: str = ""
    evidence: str = ""

    def __post_init__(self) -> None:
        if self.a > self.b:
            a, b = self.b, self.a
            object.__setattr__(self, "a", a)
            object.__setattr__(self, "b", b)


@dataclass(frozen=True, slots=True, order=True)
class ExclusionException:
    """Two labels that may meet on one lesion although they inherit an exclusion; stored once with ``a <= b``.

    An exclusion is a hypothesis about descendants (LesaNet, section 3.1). The pair, and every pair of labels above it,
    is taken out of the computed exclusion; what lies below or beside it stays exclusive.
    """

    a: str
    b: str
    source: str = ""
    author: str = ""
    created: str = ""
    evidence: str = ""

    def __post_init__(self) -> None:
        if self.a > self.b:
            a, b = self.b, self.a
            object.__setattr__(self, "a", a)
            object.__setattr__(self, "b", b)


@dataclass(frozen=True, slots=True, order=True)
class ExclusiveGroup:
    """Labels of which a lesion has at most one."""

    id: str
    members: tuple[str, ...]
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", tuple(sorted(set(self.members))))


@dataclass(frozen=True, slots=True, order=True)
class SoftRelation:
    """A relation that informs people and models but never expansion."""

    subject: str
    kind: SoftKind
    object: str
    source: str = ""
    author: str = ""
    created: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True, order=True)
class LabelSet:
    """An immutable ordered list of label ids: the columns a model predicts."""

    name: str
    members: tuple[str, ...]
    version: str = "1"


@dataclass(frozen=True)
class Ontology:
    """All labels and relations of one ontology revision.

    Tuples are sorted on construction, so equal content compares and hashes equal however it was read.

    Attributes:
        foreign: OWL statements that the model has no place for, kept to be given back: each one connected set of
            N-Triples lines in a canonical form.
    """

    name: str
    labels: tuple[Label, ...]
    relations: tuple[Relation, ...] = ()
    exclusive_pairs: tuple[ExclusivePair, ...] = ()
    exclusive_groups: tuple[ExclusiveGroup, ...] = ()
    soft_relations: tuple[SoftRelation, ...] = ()
    label_sets: tuple[LabelSet, ...] = ()
    notices: tuple[str, ...] = field(default=(), compare=False)
    version: str = "1"
    exceptions: tuple[ExclusionException, ...] = ()
    foreign: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "labels", tuple(sorted(self.labels, key=lambda label: label.id)))
        for name in (
            "relations", "exclusive_pairs", "exclusive_groups", "soft_relations", "label_sets", "exceptions", "foreign",
        ):  # fmt: skip
            object.__setattr__(self, name, tuple(sorted(set(getattr(self, name)))))

    @cached_property
    def by_id(self) -> Mapping[str, Label]:
        """Labels by id."""
        return {label.id: label for label in self.labels}

    @cached_property
    def by_name(self) -> Mapping[str, Label]:
        """Labels by preferred name."""
        return {label.name: label for label in self.labels}

    def label(self, key: str) -> Label:
        """The label with this id or preferred name.

        Raises:
            UsageError: no such label.
        """
        found = self.by_id.get(key) or self.by_name.get(key)
        if found is None:
            raise UsageError(f"label {key!r}: not in ontology {self.name}; `lesionkg ontology show` lists the labels")
        return found

    def label_set(self, name: str) -> LabelSet:
        """The label set of this name.

        Raises:
            UsageError: no such label set.
        """
        for label_set in self.label_sets:
            if label_set.name == name:
                return label_set
        known = ", ".join(s.name for s in self.label_sets) or "none"
        raise UsageError(f"label set {name!r}: not in ontology {self.name}; it has: {known}")

    @cached_property
    def all_exclusive_pairs(self) -> frozenset[tuple[str, str]]:
        """Asserted exclusive pairs of label ids (smaller first), those of n-ary groups included."""
        pairs = {(p.a, p.b) for p in self.exclusive_pairs}
        for group in self.exclusive_groups:
            members = sorted(group.members)
            pairs.update((a, b) for i, a in enumerate(members) for b in members[i + 1 :])
        return frozenset(pairs)

    @cached_property
    def exception_pairs(self) -> frozenset[tuple[str, str]]:
        """Pairs of label ids that may meet: the exceptions, also for what was merged into one of their labels.

        A deprecated label that kept relations of its own is more than another name, and is left out.
        """
        own = {relation.child for relation in self.relations}
        merged: dict[str, list[str]] = {}
        for label in self.labels:
            if label.deprecated and label.replaced_by and label.id not in own:
                merged.setdefault(label.replaced_by, []).append(label.id)

        def names(label_id: str) -> list[str]:
            found = [label_id]
            for one in found:  # grows while it is walked, so that chains of merges are followed
                found += [other for other in merged.get(one, ()) if other not in found]
            return found

        return frozenset((a, b) for x in self.exceptions for a in names(x.a) for b in names(x.b))

    @cached_property
    def parent_pairs(self) -> frozenset[tuple[str, str]]:
        """Child and parent ids, whatever kind relates them; a merged label counts as a child of its replacement."""
        merged = ((label.id, label.replaced_by) for label in self.labels if label.deprecated and label.replaced_by)
        return frozenset({*((r.child, r.parent) for r in self.relations), *merged})

    def require_resolved(self) -> None:
        """Check that every reference names a label of this ontology and that ids are unique.

        Raises:
            OntologyError: naming the first dangling reference or duplicate.
        """
        if len(self.by_id) != len(self.labels):
            twice = next(i for i, n in Counter(label.id for label in self.labels).items() if n > 1)
            raise OntologyError(f"label id {twice}: used twice in {self.name}; give each label its own id")
        references: list[tuple[str, tuple[str, ...]]] = [
            *((f"{r.kind} relation", (r.child, r.parent)) for r in self.relations),
            *(("exclusive pair", (p.a, p.b)) for p in self.exclusive_pairs),
            *((f"exclusive group {g.id}", g.members) for g in self.exclusive_groups),
            *(("exception to exclusion", (x.a, x.b)) for x in self.exceptions),
            *((f"replacement of {k.id}", (k.replaced_by,)) for k in self.labels if k.deprecated and k.replaced_by),
            *((f"{s.kind} relation", (s.subject, s.object)) for s in self.soft_relations),
            *((f"label set {s.name}", s.members) for s in self.label_sets),
        ]
        for what, ids in references:
            for label_id in ids:
                if label_id not in self.by_id:
                    raise OntologyError(
                        f"{what} in {self.name}: {label_id} is not a label; add the label or drop the reference"
                    )

    @cached_property
    def content_hash(self) -> str:
        """The ontology hash: SHA-256 over everything but licence notices, independent of the order of reading."""
        return _digest(
            [
                [
                    [label.id, label.name, label.label_class, label.definition, label.deprecated, label.replaced_by,
                     label.source,
                     [[s.text, s.scope, s.source] for s in label.synonyms],
                     [[m.object_id, m.object_label, m.predicate, m.justification] for m in label.mappings]]
                    for label in self.labels
                ],
                [[r.child, r.kind, r.parent, r.source, r.author, r.created, r.evidence] for r in self.relations],
                [[p.a, p.b, p.source, p.author, p.created, p.evidence] for p in self.exclusive_pairs],
                [[g.id, list(g.members), g.source] for g in self.exclusive_groups],
                [[s.subject, s.kind, s.object, s.source, s.author, s.created, s.evidence] for s in self.soft_relations],
                [[s.name, s.version, list(s.members)] for s in self.label_sets],
                *([["exceptions", *([x.a, x.b, x.source, x.author, x.created, x.evidence] for x in self.exceptions)]]
                  if self.exceptions else []),
                *([["foreign", *self.foreign]] if self.foreign else []),
            ]
        )  # fmt: skip


def _digest(content: object) -> str:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()

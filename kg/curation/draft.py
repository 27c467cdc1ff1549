"""An ontology under change: facts by key, so that a change finds what it replaces at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kg.curation.facts import (
    Fact,
    Foreign,
    Header,
    Key,
    LabelField,
    LabelMapping,
    LabelStatus,
    LabelSynonym,
    LabelText,
    key_of,
)
from kg.ontology import (
    ExclusionException,
    ExclusiveGroup,
    ExclusivePair,
    Label,
    LabelClass,
    LabelSet,
    Ontology,
    Relation,
    SoftRelation,
)


class Draft:
    """A mutable copy of an ontology.

    Facts are looked up under their key. A label's texts, status, synonyms and mappings are facts of their own, besides
    the label as a whole.
    """

    def __init__(self, ontology: Ontology) -> None:
        self._labels = dict(ontology.by_id)
        self._facts: dict[Key, Fact] = {key_of(fact): fact for fact in _relations_of(ontology)}
        self._header = Header(ontology.name, ontology.version, ontology.notices)

    def find(self, like: Fact) -> Fact | None:
        """The fact that stands under the key of another; None when none does."""
        match like:
            case Header():
                return self._header
            case Label():
                return self._labels.get(like.id)
            case LabelText() | LabelStatus() | LabelSynonym() | LabelMapping():
                label = self._labels.get(like.label)
                return None if label is None else _part(label, like)
            case _:
                return self._facts.get(key_of(like))

    def remove(self, fact: Fact) -> None:
        """Take out a fact that is there."""
        match fact:
            case Label():
                del self._labels[fact.id]
            case LabelSynonym():
                label = self._labels[fact.label]
                kept = tuple(s for s in label.synonyms if s != fact.synonym)
                self._labels[label.id] = replace(label, synonyms=kept)
            case LabelMapping():
                label = self._labels[fact.label]
                left = tuple(m for m in label.mappings if m != fact.mapping)
                self._labels[label.id] = replace(label, mappings=left)
            case LabelText() | LabelStatus() | Header():
                pass  # always replaced by another, never gone
            case _:
                del self._facts[key_of(fact)]

    def add(self, fact: Fact) -> None:
        """Put in a fact whose key is free."""
        match fact:
            case Header():
                self._header = fact
            case Label():
                self._labels[fact.id] = fact
            case LabelText():
                label = self._labels[fact.label]
                if fact.field is LabelField.CLASS:
                    label = replace(label, label_class=LabelClass(fact.text))
                elif fact.field is LabelField.NAME:
                    label = replace(label, name=fact.text)
                elif fact.field is LabelField.DEFINITION:
                    label = replace(label, definition=fact.text)
                else:
                    label = replace(label, source=fact.text)
                self._labels[label.id] = label
            case LabelStatus():
                label = self._labels[fact.label]
                self._labels[label.id] = replace(label, deprecated=fact.deprecated, replaced_by=fact.replaced_by)
            case LabelSynonym():
                label = self._labels[fact.label]
                self._labels[label.id] = replace(label, synonyms=(*label.synonyms, fact.synonym))
            case LabelMapping():
                label = self._labels[fact.label]
                self._labels[label.id] = replace(label, mappings=(*label.mappings, fact.mapping))
            case _:
                self._facts[key_of(fact)] = fact

    def has_label(self, label_id: str) -> bool:
        """Whether a label is there."""
        return label_id in self._labels

    def finish(self) -> Ontology:
        """The ontology as it is now."""
        facts = list(self._facts.values())
        return Ontology(
            name=self._header.name,
            version=self._header.version,
            notices=self._header.notices,
            labels=tuple(self._labels.values()),
            relations=tuple(f for f in facts if isinstance(f, Relation)),
            exclusive_pairs=tuple(f for f in facts if isinstance(f, ExclusivePair)),
            exclusive_groups=tuple(f for f in facts if isinstance(f, ExclusiveGroup)),
            exceptions=tuple(f for f in facts if isinstance(f, ExclusionException)),
            soft_relations=tuple(f for f in facts if isinstance(f, SoftRelation)),
            label_sets=tuple(f for f in facts if isinstance(f, LabelSet)),
            foreign=tuple(f.statement for f in facts if isinstance(f, Foreign)),
        )


def facts_of(ontology: Ontology) -> Iterator[Fact]:
    """All facts of an ontology, labels as wholes, in a fixed order."""
    yield Header(ontology.name, ontology.version, ontology.notices)
    yield from ontology.labels
    yield from _relations_of(ontology)


def label_facts(label: Label) -> Iterator[Fact]:
    """The facts that a label consists of, one by one."""
    for text_field, text in zip(LabelField, _texts(label), strict=True):
        yield LabelText(label.id, text_field, text)
    yield LabelStatus(label.id, label.deprecated, label.replaced_by)
    for synonym in label.synonyms:
        yield LabelSynonym(label.id, synonym)
    for mapping in label.mappings:
        yield LabelMapping(label.id, mapping)


def _relations_of(ontology: Ontology) -> Iterator[Fact]:
    yield from ontology.relations
    yield from ontology.exclusive_pairs
    yield from ontology.exclusive_groups
    yield from ontology.exceptions
    yield from ontology.soft_relations
    yield from ontology.label_sets
    yield from map(Foreign, ontology.foreign)


def _texts(label: Label) -> tuple[str, str, str, str]:
    return label.name, label.label_class.value, label.definition, label.source


def _part(label: Label, like: LabelText | LabelStatus | LabelSynonym | LabelMapping) -> Fact | None:
    wanted = key_of(like)
    return next((fact for fact in label_facts(label) if key_of(fact) == wanted), None)

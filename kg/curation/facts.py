"""Facts: the smallest parts of an ontology that a change adds, removes or replaces.

A fact has a key. Two facts with one key cannot stand beside each other, so two changes that touch one key depend on
each other.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from kg.errors import InputError
from kg.names import folded
from kg.ontology import (
    ExclusionException,
    ExclusiveGroup,
    ExclusivePair,
    Label,
    LabelClass,
    LabelSet,
    MatchKind,
    Relation,
    RelationKind,
    SoftKind,
    SoftRelation,
    Synonym,
    SynonymScope,
    TermMapping,
)


class LabelField(StrEnum):
    """A single text of a label."""

    NAME = "name"
    CLASS = "class"
    DEFINITION = "definition"
    SOURCE = "source"


@dataclass(frozen=True, slots=True, order=True)
class LabelText:
    """One text of a label."""

    label: str
    field: LabelField
    text: str


@dataclass(frozen=True, slots=True, order=True)
class LabelStatus:
    """Whether a label is still to be used, and what replaces it."""

    label: str
    deprecated: bool = False
    replaced_by: str = ""


@dataclass(frozen=True, slots=True, order=True)
class LabelSynonym:
    """One synonym of a label."""

    label: str
    synonym: Synonym


@dataclass(frozen=True, slots=True, order=True)
class LabelMapping:
    """One mapping of a label."""

    label: str
    mapping: TermMapping


@dataclass(frozen=True, slots=True, order=True)
class Foreign:
    """An OWL statement outside the model, see :attr:`kg.ontology.Ontology.foreign`."""

    statement: str


@dataclass(frozen=True, slots=True, order=True)
class Header:
    """What the ontology is called, and the licence notices that travel with it."""

    name: str
    version: str
    notices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "notices", tuple(sorted(self.notices)))


Fact: TypeAlias = (
    Label | LabelText | LabelStatus | LabelSynonym | LabelMapping | Relation | ExclusivePair | ExclusiveGroup
    | ExclusionException | SoftRelation | LabelSet | Foreign | Header
)  # fmt: skip

Key: TypeAlias = tuple[str, ...]

NAMES: dict[str, type[Any]] = {
    "label": Label,
    "label-text": LabelText,
    "label-status": LabelStatus,
    "synonym": LabelSynonym,
    "mapping": LabelMapping,
    "relation": Relation,
    "exclusive-pair": ExclusivePair,
    "exclusive-group": ExclusiveGroup,
    "exception": ExclusionException,
    "soft-relation": SoftRelation,
    "label-set": LabelSet,
    "foreign": Foreign,
    "header": Header,
}
"""Every kind of fact by its name in JSON."""

_NAME_OF = {kind: name for name, kind in NAMES.items()}


def name_of(fact: Fact) -> str:
    """The name of the fact's kind."""
    return _NAME_OF[type(fact)]


def key_of(fact: Fact) -> Key:
    """The key of a fact."""
    kind = name_of(fact)
    match fact:
        case Label():
            return kind, fact.id
        case LabelText():
            return kind, fact.label, fact.field
        case LabelStatus():
            return kind, fact.label
        case LabelSynonym():
            return kind, fact.label, folded(fact.synonym.text)
        case LabelMapping():
            return kind, fact.label, fact.mapping.object_id
        case Relation():
            return kind, fact.child, fact.kind, fact.parent, fact.source
        case ExclusivePair() | ExclusionException():
            return kind, fact.a, fact.b, fact.source
        case ExclusiveGroup():
            return kind, fact.id
        case SoftRelation():
            return kind, fact.subject, fact.kind, fact.object, fact.source
        case LabelSet():
            return kind, fact.name
        case Foreign():
            return kind, fact.statement
        case Header():
            return (kind,)


def labels_of(fact: Fact) -> frozenset[str]:
    """Ids of the labels a fact is about; of a label set none: it names all of its columns."""
    match fact:
        case Label():
            return frozenset({fact.id})
        case LabelText() | LabelSynonym() | LabelMapping():
            return frozenset({fact.label})
        case LabelStatus():
            return frozenset({fact.label, fact.replaced_by} - {""})
        case Relation():
            return frozenset({fact.child, fact.parent})
        case ExclusivePair() | ExclusionException():
            return frozenset({fact.a, fact.b})
        case ExclusiveGroup():
            return frozenset(fact.members)
        case SoftRelation():
            return frozenset({fact.subject, fact.object})
        case LabelSet() | Foreign() | Header():
            return frozenset()


def to_json(fact: Fact | None) -> dict[str, Any] | None:
    """A fact as plain values."""
    return None if fact is None else asdict(fact)


def from_json(name: str, value: Any) -> Fact | None:
    """The inverse of :func:`to_json`.

    Raises:
        InputError: no such kind of fact, or a value is missing, unknown or of the wrong type.
    """
    if value is None:
        return None
    if name not in NAMES:
        raise InputError(f"change of {name!r}: unknown; use one of {', '.join(NAMES)}")
    try:
        fact: Fact = NAMES[name](**{key: _value(key, item) for key, item in value.items()})
        _require_types(fact)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"change of {name!r}: not readable ({reason}); write it as `history --json` shows") from error
    return fact


_ENUMS: dict[str, type[StrEnum]] = {
    "label_class": LabelClass,
    "scope": SynonymScope,
    "predicate": MatchKind,
    "field": LabelField,
}


def _value(key: str, item: Any) -> Any:
    if key == "synonyms":
        return tuple(_synonym(one) for one in item)
    if key == "mappings":
        return tuple(_mapping(one) for one in item)
    if key == "synonym":
        return _synonym(item)
    if key == "mapping":
        return _mapping(item)
    if key == "kind":
        return RelationKind(item) if item in set(RelationKind) else SoftKind(item)
    if key in _ENUMS:
        return _ENUMS[key](item)
    return tuple(item) if isinstance(item, list) else item


def _synonym(item: Any) -> Synonym:
    return Synonym(**{key: _value(key, value) for key, value in item.items()})


def _mapping(item: Any) -> TermMapping:
    return TermMapping(**{key: _value(key, value) for key, value in item.items()})


def _require_types(fact: Fact) -> None:
    """Texts are text, flags are flags, and relations are of their own kinds."""
    if isinstance(fact, Relation) and not isinstance(fact.kind, RelationKind):
        raise ValueError(f"{fact.kind} is no strict relation")
    if isinstance(fact, SoftRelation) and not isinstance(fact.kind, SoftKind):
        raise ValueError(f"{fact.kind} is no soft relation")
    parts: list[Any] = [fact]
    match fact:
        case Label():
            parts += [*fact.synonyms, *fact.mappings]
        case LabelSynonym():
            parts.append(fact.synonym)
        case LabelMapping():
            parts.append(fact.mapping)
        case _:
            pass
    for part in parts:
        for name in part.__dataclass_fields__:
            value = getattr(part, name)
            many = name in ("members", "notices")
            if name == "deprecated":
                fits = isinstance(value, bool)
            elif many:
                fits = isinstance(value, tuple) and all(isinstance(one, str) for one in value)
            else:
                fits = name in ("synonyms", "mappings", "synonym", "mapping") or isinstance(value, str)
            if not fits:
                raise ValueError(f"{name} is of the wrong type")

"""Single edits of an ontology, checked against it: each function gives the change, and changes nothing itself.

Labels are named by id or preferred name. What the rules say is for :mod:`kg.curation.assessment`; here only that the
edit makes sense: what it names is there, what it adds is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TypeVar

from kg.curation.change_set import Change
from kg.curation.describe import describe
from kg.curation.draft import Draft
from kg.curation.facts import Fact, LabelField, LabelMapping, LabelStatus, LabelSynonym, LabelText
from kg.errors import UsageError
from kg.label_ids import shipped_ids
from kg.names import folded
from kg.ontology import (
    ExclusionException,
    ExclusiveGroup,
    ExclusivePair,
    Label,
    LabelClass,
    LabelSet,
    Ontology,
    Relation,
    RelationKind,
    SoftKind,
    SoftRelation,
    Synonym,
    SynonymScope,
    TermMapping,
)

_PREFIX = "LKG:"
_F = TypeVar("_F", Relation, SoftRelation, ExclusivePair, ExclusionException)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a fact comes from.

    Attributes:
        source: what asserts it, e.g. ``RadLex 4.2``.
        author: who made it.
        created: when, ISO 8601.
        evidence: what speaks for it.
    """

    source: str = ""
    author: str = ""
    created: str = ""
    evidence: str = ""

    def values(self) -> tuple[str, str, str, str]:
        """In the order in which relations and pairs take them."""
        return self.source, self.author, self.created, self.evidence


UNKNOWN = Provenance()


# ---- labels ----------------------------------------------------------------------------------------------------------


def new_label_id(ontology: Ontology, used_ids: Iterable[str] = ()) -> str:
    """The next free id (``LKG:0000334``): above every one of the ontology, of those that ship, and of ``used_ids``."""
    taken = {*ontology.by_id, *shipped_ids().values(), *used_ids}
    numbers = (i.removeprefix(_PREFIX) for i in taken if i.startswith(_PREFIX))
    return f"{_PREFIX}{1 + max((int(n) for n in numbers if n.isdecimal()), default=0):07d}"


def add_label(
    ontology: Ontology,
    name: str,
    label_class: LabelClass,
    label_id: str = "",
    synonyms: Iterable[Synonym] = (),
    definition: str = "",
    mappings: Iterable[TermMapping] = (),
    source: str = "",
    used_ids: Iterable[str] = (),
) -> Change:
    """A new label; its id is the next free one unless given.

    Raises:
        UsageError: the name is blank or another label's, or the id is taken.
    """
    label_id = label_id or new_label_id(ontology, used_ids)
    _require_free_name(ontology, name)
    label = Label(label_id, name, LabelClass(label_class), tuple(synonyms), definition, tuple(mappings), source=source)
    return _added(ontology, label)


def rename(ontology: Ontology, label: str, name: str) -> Change:
    """Another preferred name; the id stays.

    Raises:
        UsageError: no such label, or the name is blank, the same, or another label's.
    """
    found = ontology.label(label)
    if folded(found.name) != folded(name):
        _require_free_name(ontology, name)
    return _text(found.id, LabelField.NAME, found.name, name)


def define(ontology: Ontology, label: str, definition: str) -> Change:
    """Another definition; an empty one takes it away.

    Raises:
        UsageError: no such label, or it is defined like that already.
    """
    found = ontology.label(label)
    return _text(found.id, LabelField.DEFINITION, found.definition, definition)


def reclassify(ontology: Ontology, label: str, label_class: LabelClass) -> Change:
    """Another class.

    Raises:
        UsageError: no such label, or it is of that class already.
    """
    found = ontology.label(label)
    return _text(found.id, LabelField.CLASS, found.label_class.value, LabelClass(label_class).value)


def revive(ontology: Ontology, label: str) -> Change:
    """Make a deprecated label one to be used again.

    Raises:
        UsageError: no such label, or it is not deprecated.
    """
    found = ontology.label(label)
    if not found.deprecated:
        raise UsageError(f"label {found.name!r}: is not deprecated; nothing is to be done")
    return Change(LabelStatus(found.id, True, found.replaced_by), LabelStatus(found.id))


def add_synonym(
    ontology: Ontology, label: str, text: str, scope: SynonymScope = SynonymScope.EXACT, source: str = ""
) -> Change:
    """Another synonym.

    Raises:
        UsageError: no such label, the text is blank, or the label has it already, be it as its name.
    """
    found = ontology.label(label)
    if not text.strip() or folded(text) == folded(found.name):
        raise UsageError(f"synonym {text!r} of {found.name!r}: is blank, or its name; give another text")
    return _added(ontology, LabelSynonym(found.id, Synonym(text, SynonymScope(scope), source)))


def change_synonym(ontology: Ontology, label: str, text: str, synonym: Synonym) -> Change:
    """Another wording, scope or source of a synonym.

    Raises:
        UsageError: no such label, or it has no such synonym.
    """
    return Change(_synonym(ontology, label, text), LabelSynonym(ontology.label(label).id, synonym))


def remove_synonym(ontology: Ontology, label: str, text: str) -> Change:
    """One synonym less.

    Raises:
        UsageError: no such label, or it has no such synonym.
    """
    return Change(_synonym(ontology, label, text), None)


def add_mapping(ontology: Ontology, label: str, mapping: TermMapping) -> Change:
    """Another counterpart in RadLex.

    Raises:
        UsageError: no such label, or it is mapped to that term already.
    """
    return _added(ontology, LabelMapping(ontology.label(label).id, mapping))


def remove_mapping(ontology: Ontology, label: str, object_id: str) -> Change:
    """One counterpart less.

    Raises:
        UsageError: no such label, or it is not mapped to that term.
    """
    found = ontology.label(label)
    for mapping in found.mappings:
        if mapping.object_id == object_id:
            return Change(LabelMapping(found.id, mapping), None)
    raise UsageError(f"label {found.name!r}: is not mapped to {object_id}; `lesionkg ontology show` lists its mappings")


# ---- relations -------------------------------------------------------------------------------------------------------


def add_relation(ontology: Ontology, child: str, kind: RelationKind, parent: str, by: Provenance = UNKNOWN) -> Change:
    """Another strict relation: whatever has ``child`` has ``parent``.

    Raises:
        UsageError: no such label, or the source says so already.
    """
    ids = ontology.label(child).id, ontology.label(parent).id
    return _added(ontology, Relation(ids[0], RelationKind(kind), ids[1], *by.values()))


def remove_relation(
    ontology: Ontology, child: str, kind: RelationKind, parent: str, source: str | None = None
) -> Change:
    """One strict relation less; ``source`` tells which, where several say so.

    Raises:
        UsageError: no such label or relation, or several sources have it and none is named.
    """
    ids = ontology.label(child).id, ontology.label(parent).id
    return _removed(
        ontology, ontology.relations, lambda r: (r.child, r.parent) == ids and r.kind == kind, (child, parent), source
    )


def add_soft(ontology: Ontology, subject: str, kind: SoftKind, object_: str, by: Provenance = UNKNOWN) -> Change:
    """Another soft relation, which never enters expansion.

    Raises:
        UsageError: no such label, or the source says so already.
    """
    ids = ontology.label(subject).id, ontology.label(object_).id
    return _added(ontology, SoftRelation(ids[0], SoftKind(kind), ids[1], *by.values()))


def remove_soft(ontology: Ontology, subject: str, kind: SoftKind, object_: str, source: str | None = None) -> Change:
    """One soft relation less.

    Raises:
        UsageError: as :func:`remove_relation`.
    """
    ids = ontology.label(subject).id, ontology.label(object_).id
    return _removed(
        ontology,
        ontology.soft_relations,
        lambda s: (s.subject, s.object) == ids and s.kind == kind,
        (subject, object_),
        source,
    )


def add_exclusive(ontology: Ontology, a: str, b: str, by: Provenance = UNKNOWN) -> Change:
    """Another exclusive pair: never both on one lesion.

    Raises:
        UsageError: no such label, or the source says so already.
    """
    return _added(ontology, ExclusivePair(ontology.label(a).id, ontology.label(b).id, *by.values()))


def remove_exclusive(ontology: Ontology, a: str, b: str, source: str | None = None) -> Change:
    """One exclusive pair less.

    Raises:
        UsageError: as :func:`remove_relation`.
    """
    like = ExclusivePair(ontology.label(a).id, ontology.label(b).id)
    return _removed(ontology, ontology.exclusive_pairs, lambda p: (p.a, p.b) == (like.a, like.b), (a, b), source)


def add_exception(ontology: Ontology, a: str, b: str, by: Provenance = UNKNOWN) -> Change:
    """Two labels may meet on one lesion although they inherit an exclusion.

    Raises:
        UsageError: no such label, or the source says so already.
    """
    return _added(ontology, ExclusionException(ontology.label(a).id, ontology.label(b).id, *by.values()))


def remove_exception(ontology: Ontology, a: str, b: str, source: str | None = None) -> Change:
    """One exception less.

    Raises:
        UsageError: as :func:`remove_relation`.
    """
    like = ExclusionException(ontology.label(a).id, ontology.label(b).id)
    return _removed(ontology, ontology.exceptions, lambda x: (x.a, x.b) == (like.a, like.b), (a, b), source)


def add_group(ontology: Ontology, group_id: str, members: Iterable[str], source: str = "") -> Change:
    """Another exclusive group: a lesion has at most one of its labels.

    Raises:
        UsageError: no such label, fewer than two, or the id is taken.
    """
    return _added(ontology, _group(ontology, group_id, members, source))


def change_group(ontology: Ontology, group_id: str, members: Iterable[str]) -> Change:
    """Other members of an exclusive group.

    Raises:
        UsageError: no such group or label, or fewer than two labels.
    """
    before = _find_group(ontology, group_id)
    return Change(before, _group(ontology, group_id, members, before.source))


def remove_group(ontology: Ontology, group_id: str) -> Change:
    """One exclusive group less.

    Raises:
        UsageError: no such group.
    """
    return Change(_find_group(ontology, group_id), None)


# ---- label sets ------------------------------------------------------------------------------------------------------


def add_set(ontology: Ontology, name: str, members: Iterable[str], version: str = "1") -> Change:
    """A new label set; the order of its members is that of the columns.

    Raises:
        UsageError: no such label, one is named twice, or there is a label set of this name.
    """
    ids = tuple(ontology.label(m).id for m in members)
    twice = next((i for i, number in Counter(ids).items() if number > 1), None)
    if twice is not None:
        raise UsageError(f"label set {name}: names {ontology.by_id[twice].name!r} twice; a label has one column")
    return _added(ontology, LabelSet(name, ids, version))


def new_set_version(
    ontology: Ontology, name: str, version: str, add: Iterable[str] = (), drop: Iterable[str] = ()
) -> Change:
    """A label set under a new version: columns dropped, then others added at the end.

    Raises:
        UsageError: no such label or label set, the version is the same, or a label is there already, named twice, or
            not there.
    """
    before = ontology.label_set(name)
    added, dropped = [ontology.label(k) for k in add], {ontology.label(k).id for k in drop}
    odd = [k.name for k in added if k.id in before.members or added.count(k) > 1]
    odd += sorted(ontology.by_id[i].name for i in dropped - set(before.members))
    if odd or version == before.version:
        what = f"{odd[0]!r} is in it already, twice, or not in it" if odd else "its version is the same"
        raise UsageError(f"label set {name}: {what}; name what changes, and the next version")
    members = (*(m for m in before.members if m not in dropped), *(k.id for k in added))
    return Change(before, LabelSet(name, members, version))


# ---- shared ----------------------------------------------------------------------------------------------------------


def _added(ontology: Ontology, fact: Fact) -> Change:
    if Draft(ontology).find(fact) is not None:
        change = Change(None, fact)
        raise UsageError(f"{_described(ontology, change)}: is there already; change that one instead")
    return Change(None, fact)


def _described(ontology: Ontology, change: Change) -> str:
    return describe(change, {label.id: label.name for label in ontology.labels})


def _removed(
    ontology: Ontology,
    facts: Collection[_F],
    fits: Callable[[_F], bool],
    labels: tuple[str, str],
    source: str | None,
) -> Change:
    found = [fact for fact in facts if fits(fact)]
    named = [fact for fact in found if source is None or fact.source == source]
    names = " and ".join(repr(ontology.label(label).name) for label in labels)
    if not named:
        raise UsageError(f"{names}: no such relation to remove; `lesionkg ontology show` lists what there is")
    if len(named) > 1:
        sources = ", ".join(repr(fact.source) for fact in named)
        raise UsageError(f"{names}: several sources say so ({sources}); name the one to remove")
    return Change(named[0], None)


def _text(label_id: str, field: LabelField, before: str, after: str) -> Change:
    if before == after:
        raise UsageError(f"label {label_id}: its {field} is {after!r} already; nothing is to be done")
    return Change(LabelText(label_id, field, before), LabelText(label_id, field, after))


def _synonym(ontology: Ontology, label: str, text: str) -> LabelSynonym:
    found = ontology.label(label)
    for synonym in found.synonyms:
        if folded(synonym.text) == folded(text):
            return LabelSynonym(found.id, synonym)
    raise UsageError(f"label {found.name!r}: has no synonym {text!r}; `lesionkg ontology show` lists them")


def _require_free_name(ontology: Ontology, name: str) -> None:
    if not name.strip():
        raise UsageError("label name: is blank; give it some text")
    for label in ontology.labels:
        if folded(label.name) == folded(name):
            raise UsageError(f"label name {name!r}: is that of {label.id} already; give another one, or merge the two")


def _group(ontology: Ontology, group_id: str, members: Iterable[str], source: str) -> ExclusiveGroup:
    group = ExclusiveGroup(group_id, tuple(ontology.label(m).id for m in members), source)
    if len(group.members) < 2:
        raise UsageError(f"exclusive group {group_id!r}: has fewer than two labels; name more")
    return group


def _find_group(ontology: Ontology, group_id: str) -> ExclusiveGroup:
    for group in ontology.exclusive_groups:
        if group.id == group_id:
            return group
    known = ", ".join(g.id for g in ontology.exclusive_groups) or "none"
    raise UsageError(f"exclusive group {group_id!r}: there is none; the ontology has: {known}")

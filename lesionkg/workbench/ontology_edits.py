"""The dialogs in which curators edit a label; each gives one change that piles up with the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from kg.curation import composites, edits
from kg.curation.change_set import Change, Composite
from kg.curation.edits import Provenance
from kg.ontology import (
    Label,
    LabelClass,
    MatchKind,
    Ontology,
    RelationKind,
    SoftKind,
    Synonym,
    SynonymScope,
    TermMapping,
)
from lesionkg.server.people import Role
from lesionkg.workbench import ontology_work
from lesionkg.workbench.frame import confirm, in_thread, place, user
from lesionkg.workbench.ontology_dialog import Field, Values, ask
from queries.label_view import Statement


class Page(Protocol):
    """What a dialog needs of the page it opens on."""

    async def changed(self) -> None:
        """Show that there is another pending change."""


def _named(values: Sequence[str]) -> dict[str, str]:
    return {value: value.removeprefix("skos:").replace("_", " ").lower() for value in values}


_KINDS = _named([k.value for k in RelationKind])
_SOFT = _named([k.value for k in SoftKind])
_SCOPES = _named([k.value for k in SynonymScope])
_MATCHES = {k.value: k.value.removeprefix("skos:") for k in MatchKind}
_CLASSES = _named([k.value for k in LabelClass])


class Editor:
    """Edits of one label, for curators.

    Args:
        page: where the dialogs open.
        ontology: the newest revision.
        label: the label.
    """

    def __init__(self, page: Page, ontology: Ontology, label: Label) -> None:
        self._page, self._ontology, self._label = page, ontology, label
        self._id, self._name = label.id, label.name

    @property
    def allowed(self) -> bool:
        """Whether the user may edit."""
        return user().role >= Role.CURATOR

    def rename(self) -> None:
        """Another name."""
        self._ask(
            f"Rename {self._name}",
            [Field("name", "Preferred name", self._name)],
            lambda o, v: edits.rename(o, self._id, v["name"]),
        )

    def define(self) -> None:
        """Another definition."""
        self._ask(
            f"Definition of {self._name}",
            [Field("text", "Definition", self._label.definition, long=True)],
            lambda o, v: edits.define(o, self._id, v["text"]),
        )

    def reclassify(self) -> None:
        """Another class."""
        self._ask(
            f"Class of {self._name}",
            [Field("class", "Class", self._label.label_class.value, _CLASSES)],
            lambda o, v: edits.reclassify(o, self._id, LabelClass(v["class"])),
        )

    def add_synonym(self) -> None:
        """One synonym more."""
        self._ask(
            f"Synonym of {self._name}",
            [Field("text", "Synonym"), Field("scope", "Scope", SynonymScope.EXACT.value, _SCOPES)],
            lambda o, v: edits.add_synonym(o, self._id, v["text"], SynonymScope(v["scope"])),
        )

    def change_synonym(self, synonym: Synonym) -> None:
        """Another wording or scope."""
        self._ask(
            f"Synonym of {self._name}",
            [Field("text", "Synonym", synonym.text), Field("scope", "Scope", synonym.scope.value, _SCOPES)],
            lambda o, v: edits.change_synonym(
                o, self._id, synonym.text, Synonym(v["text"], SynonymScope(v["scope"]), synonym.source)
            ),
        )

    async def remove_synonym(self, synonym: Synonym) -> None:
        """One synonym less."""
        await self._add(lambda o: edits.remove_synonym(o, self._id, synonym.text))

    def add_mapping(self) -> None:
        """One code more."""
        self._ask(
            f"Code of {self._name}",
            [
                Field("id", "Code, e.g. RID1301"),
                Field("name", "Name of the term"),
                Field("match", "Match", MatchKind.EXACT.value, _MATCHES),
                Field("why", "Why"),
            ],
            lambda o, v: edits.add_mapping(
                o, self._id, TermMapping(v["id"], v["name"], MatchKind(v["match"]), v["why"])
            ),
        )

    async def remove_mapping(self, mapping: TermMapping) -> None:
        """One code less."""
        await self._add(lambda o: edits.remove_mapping(o, self._id, mapping.object_id))

    def add_parent(self) -> None:
        """One parent more."""
        self._ask(
            f"Parent of {self._name}",
            [
                Field("kind", "Kind", RelationKind.IS_A.value, _KINDS),
                self._other("Parent"),
                Field("evidence", "Evidence"),
            ],
            lambda o, v: edits.add_relation(
                o, self._id, RelationKind(v["kind"]), v["other"], Provenance(evidence=v["evidence"])
            ),
        )

    def add_child(self) -> None:
        """One child more."""
        self._ask(
            f"Child of {self._name}",
            [
                Field("kind", "Kind", RelationKind.IS_A.value, _KINDS),
                self._other("Child"),
                Field("evidence", "Evidence"),
            ],
            lambda o, v: edits.add_relation(
                o, v["other"], RelationKind(v["kind"]), self._id, Provenance(evidence=v["evidence"])
            ),
        )

    def add_exclusive(self) -> None:
        """One exclusive label more."""
        self._ask(
            f"Never together with {self._name}",
            [self._other("Exclusive label"), Field("evidence", "Evidence")],
            lambda o, v: edits.add_exclusive(o, self._id, v["other"], Provenance(evidence=v["evidence"])),
        )

    def add_exception(self) -> None:
        """One label more that it may meet."""
        self._ask(
            f"May meet {self._name} all the same",
            [self._other("Label"), Field("evidence", "Evidence")],
            lambda o, v: edits.add_exception(o, self._id, v["other"], Provenance(evidence=v["evidence"])),
        )

    def add_soft(self) -> None:
        """One soft relation more."""
        self._ask(
            f"Soft relation of {self._name}",
            [
                Field("kind", "Kind", SoftKind.TYPICALLY_LOCATED_IN.value, _SOFT),
                self._other("Label"),
                Field("evidence", "Evidence"),
            ],
            lambda o, v: edits.add_soft(
                o, self._id, SoftKind(v["kind"]), v["other"], Provenance(evidence=v["evidence"])
            ),
        )

    async def remove(self, said: Statement, child: bool = False) -> None:
        """One relation less.

        Args:
            said: the relation.
            child: whether the other label is a child.
        """
        ends = (self._id, said.id) if said.outgoing and not child else (said.id, self._id)

        def edit(ontology: Ontology) -> Change:
            match said.kind:
                case "EXCLUSIVE_WITH":
                    return edits.remove_exclusive(ontology, *ends, source=said.source)
                case "COMPATIBLE_WITH":
                    return edits.remove_exception(ontology, *ends, source=said.source)
                case kind if kind in set(SoftKind):
                    return edits.remove_soft(ontology, ends[0], SoftKind(kind), ends[1], said.source)
                case kind:
                    return edits.remove_relation(ontology, ends[0], RelationKind(kind), ends[1], said.source)

        await self._add(edit)

    def deprecate(self) -> None:
        """Out of use, with what stands in its place."""
        other = self._other("Replaced by (may stay empty)")
        self._ask(
            f"Deprecate {self._name}", [other], lambda o, v: composites.deprecate(o, self._id, v["other"]), ("other",)
        )

    async def revive(self) -> None:
        """In use again."""
        await self._add(lambda o: edits.revive(o, self._id))

    def merge(self) -> None:
        """One label of two."""
        self._ask(
            f"Merge {self._name} into another label",
            [self._other("Label that stays")],
            lambda o, v: composites.merge(o, self._id, v["other"]),
        )

    def new_label(self) -> None:
        """A new label."""
        where = place()
        self._ask(
            "New label",
            [
                Field("name", "Preferred name"),
                Field("class", "Class", self._label.label_class.value, _CLASSES),
                Field("definition", "Definition", long=True),
            ],
            lambda o, v: edits.add_label(
                o, v["name"], LabelClass(v["class"]), ontology_work.free_id(where, o), definition=v["definition"]
            ),
        )

    def _other(self, title: str) -> Field:
        labels = (k for k in self._ontology.labels if k.id != self._id and not k.deprecated)
        named = sorted((k.name, k.id) for k in labels)
        return Field("other", title, options={label_id: f"{name} ({label_id})" for name, label_id in named})

    def _ask(
        self,
        title: str,
        fields: Sequence[Field],
        make: Callable[[Ontology, Values], Change | Composite],
        optional: Sequence[str] = ("evidence", "definition", "why", "name of the term", "text"),
    ) -> None:
        """Open a dialog; what it gives is put to the pending changes."""
        user().require(Role.CURATOR)

        async def add(values: Values) -> None:
            await self._add(lambda o: make(o, values))

        ask(title, fields, add, optional)

    async def _add(self, edit: Callable[[Ontology], Change | Composite]) -> None:
        worked = await in_thread(ontology_work.add, place(), user(), edit)
        confirm(f"Added to your changes ({len(worked.pending.entries)}); nothing is saved yet")
        await self._page.changed()

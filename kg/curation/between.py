"""The changes that turn one ontology into another."""

from __future__ import annotations

from kg.curation.change_set import Change
from kg.curation.draft import facts_of, label_facts
from kg.curation.facts import Fact, Header, Key, key_of
from kg.ontology import Label, Ontology

EMPTY = Ontology(name="", labels=(), version="")
"""The ontology before the first revision."""


def changes_between(before: Ontology, after: Ontology) -> tuple[Change, ...]:
    """The fewest changes from one ontology to another, in a fixed order that can be made one by one.

    Relations are taken away first, then labels; labels are added and edited before relations are added.
    """
    old, new = _facts(before), _facts(after)
    gone = [Change(old[key], None) for key in old if key not in new]
    come = [Change(None, new[key]) for key in new if key not in old]
    edits = [Change(old[key], new[key]) for key in old if key in new and old[key] != new[key]]
    within = [change for edit in edits for change in _apart(edit)]
    labels, others = _split(gone)
    made, added = _split(come)
    return (*others, *made, *within, *added, *labels)


def _facts(ontology: Ontology) -> dict[Key, Fact]:
    return {key_of(fact): fact for fact in facts_of(ontology)}


def _split(changes: list[Change]) -> tuple[list[Change], list[Change]]:
    """Changes of whole labels, and the others."""
    labels = [change for change in changes if isinstance(change.fact, Label)]
    return labels, [change for change in changes if not isinstance(change.fact, Label)]


def _apart(edit: Change) -> list[Change]:
    """An edited label as edits of its parts, where these have a key each; anything else as it is."""
    if not isinstance(edit.before, Label) or not isinstance(edit.after, Label):
        # Notices and order do not enter comparison of ontologies, but a header knows them.
        return [] if isinstance(edit.fact, Header) and edit.before == edit.after else [edit]
    before, after = list(label_facts(edit.before)), list(label_facts(edit.after))
    old, new = ({key_of(fact): fact for fact in facts} for facts in (before, after))
    if len(old) < len(before) or len(new) < len(after):
        return [edit]  # two synonyms or mappings share a key ("CT", "ct"): by its parts, one would be lost
    return [
        *(Change(old[key], None) for key in old if key not in new),
        *(Change(old[key], new[key]) for key in old if key in new and old[key] != new[key]),
        *(Change(None, new[key]) for key in new if key not in old),
    ]

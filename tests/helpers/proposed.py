"""Small change sets on the made ontology, and proposals of them; synthetic, for tests."""

from __future__ import annotations

from typing import Any

from kg.curation.change_set import Change, ChangeSet, Composite
from kg.curation.facts import LabelField, LabelSynonym, LabelText
from kg.curation.proposal import Proposal
from kg.curation.proposals import propose, review
from kg.ontology import Synonym
from kg.relational import Database
from kg.store import GraphStore


def synonym(label: str, text: str) -> Change:
    """A new synonym."""
    return Change(None, LabelSynonym(label, Synonym(text, source="test")))


def rename(label: str, before: str, after: str) -> Change:
    """Another name."""
    return Change(LabelText(label, LabelField.NAME, before), LabelText(label, LabelField.NAME, after))


def by(author: str, *changes: Change | Composite, reason: str = "a test", **more: Any) -> ChangeSet:
    """A change set with its author and reason."""
    return ChangeSet(changes, author, reason=reason, **more)


def accepted(database: Database, store: GraphStore, change_set: ChangeSet, reviewer: str = "bob") -> Proposal:
    """A proposal that waits to be applied."""
    made = propose(database, store, change_set)
    return review(database, made.id, True, reviewer, "looks right")

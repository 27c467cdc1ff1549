"""One proposal: a change set, where it stands, and everything that happened to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import RowMapping

from kg.curation.change_set import ChangeSet, change_set_from_json


class Status(StrEnum):
    """Where a proposal stands."""

    DRAFT = "draft"
    """Its author still works on it; it need not keep the rules."""
    PROPOSED = "proposed"
    """It waits for a review."""
    ACCEPTED = "accepted"
    """It may be applied."""
    REJECTED = "rejected"
    """A reviewer said no, for good."""
    APPLIED = "applied"
    """A revision of the graph carries it out."""
    WITHDRAWN = "withdrawn"
    """It was taken back before it was applied, for good."""


class EventKind(StrEnum):
    """What can happen to a proposal."""

    CREATED = "created"
    REVISED = "revised"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    BEGAN = "began"
    """Somebody began to apply it."""
    APPLIED = "applied"
    """A revision carries it out."""
    REFUSED = "refused"
    """The graph refused it; the comment says why."""
    ROLLED_BACK = "rolled back"
    """Whoever applied it was stopped before the graph took it; the graph is as before."""
    LOST = "lost"
    """The graph no longer holds the revision, e.g. because an older backup was restored."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a proposal.

    Attributes:
        number: from 1.
        kind: what happened.
        actor: who did it.
        created: when, ISO 8601, UTC.
        comment: what was said.
        status: of the proposal, afterwards.
        revision: the revision it is about; 0 for none.
        change_set: the change set that came with it; None when none did.
    """

    number: int
    kind: EventKind
    actor: str
    created: str
    comment: str
    status: Status
    revision: int = 0
    change_set: ChangeSet | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "change_set"}
        return plain | {"change_set": self.change_set.as_dict() if self.change_set else None}


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal.

    Attributes:
        number: what people call it, from 1 in each curation store.
        token: random; tells it from proposals with the same number in other stores.
        graph: the graph it was made for (:func:`kg.curation.graph_identity.graph_identity`).
        base: the revision it was made on.
        base_hash: ontology hash of that revision.
        status: where it stands.
        change_set: what it changes.
        revision: the revision that carries it out; 0 for none.
        worker: the process that is applying it now; empty for none.
        working_since: since when, ISO 8601, UTC; empty for none.
        events: what happened to it, oldest first.
    """

    number: int
    token: str
    graph: str
    base: int
    base_hash: str
    status: Status
    change_set: ChangeSet
    revision: int
    worker: str
    working_since: str
    events: tuple[Event, ...]

    @property
    def id(self) -> str:
        """What the revision that carries it out is stamped with."""
        return f"{self.number}-{self.token}"

    @property
    def author(self) -> str:
        """Who answers for the change set."""
        return self.change_set.author

    @property
    def created(self) -> str:
        """When it was made, ISO 8601, UTC."""
        return self.events[0].created

    @property
    def authors(self) -> frozenset[str]:
        """Everybody who wrote a version of its change set."""
        return frozenset({self.author, *(event.actor for event in self.events if event.change_set is not None)})

    @property
    def review(self) -> Event | None:
        """The acceptance that holds; None when there is none."""
        kinds = (EventKind.ACCEPTED, EventKind.REVISED)
        newest = next((event for event in reversed(self.events) if event.kind in kinds), None)
        return newest if newest is not None and newest.kind is EventKind.ACCEPTED else None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "number": self.number,
            "id": self.id,
            "status": self.status.value,
            "author": self.author,
            "created": self.created,
            "base": self.base,
            "revision": self.revision,
            "change_set": self.change_set.as_dict(),
            "events": [event.as_dict() for event in self.events],
        }


def proposal_from_rows(row: RowMapping, events: Sequence[RowMapping]) -> Proposal:
    """A proposal from its row and the rows of its events, oldest first."""
    return Proposal(
        number=row["number"],
        token=row["token"],
        graph=row["graph"],
        base=row["base"],
        base_hash=row["base_hash"],
        status=Status(row["status"]),
        change_set=change_set_from_json(row["changes"]),
        revision=row["revision"],
        worker=row["worker"],
        working_since=row["working_since"],
        events=tuple(
            Event(
                one["number"],
                EventKind(one["kind"]),
                one["actor"],
                one["created"],
                one["comment"],
                Status(one["status"]),
                one["revision"],
                change_set_from_json(one["changes"]) if one["changes"] else None,
            )
            for one in events
        ),
    )

"""What a revision keeps of the change that made it, on its node in the graph.

Written in the transaction of the change, so that the graph alone holds the whole history: the ontology of any revision
is what the payloads up to it make of nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kg.curation.change_set import ChangeSet, change_set_from_dict
from kg.errors import InputError, StaleRevisionError
from kg.store import Row


class RevisionKind(StrEnum):
    """How a revision came about."""

    IMPORT = "import"
    """An ontology was loaded in place of what was there."""
    ADOPT = "adopt"
    """Somebody's direct edits were taken over."""
    CHANGE = "change"
    """A change set was applied."""
    UNDO = "undo"
    """An earlier revision's changes were taken back."""


@dataclass(frozen=True)
class Payload:
    """The change behind a revision.

    Attributes:
        kind: how it came about.
        change_set: what it changed.
        base: the changes start from nothing, not from the revision before.
        undoes: number of the revision whose changes it takes back; 0 for none.
        proposal: id of the proposal that it carries out; empty for none.
    """

    kind: RevisionKind
    change_set: ChangeSet = field(default_factory=lambda: ChangeSet(()))
    base: bool = False
    undoes: int = 0
    proposal: str = ""

    def as_properties(self) -> Row:
        """Properties of the revision's node."""
        content = self.change_set.as_dict()
        return {
            "kind": self.kind.value,
            "base": self.base,
            "undoes": self.undoes,
            "proposal": self.proposal,
            "reason": self.change_set.reason,
            "source": self.change_set.source,
            "labels": sorted(self.change_set.labels),
            "changes": json.dumps(content, ensure_ascii=False, separators=(",", ":")),
        }


COLUMNS = (
    "r.kind AS kind, r.base AS base, r.undoes AS undoes, r.proposal AS proposal, r.changes AS changes, "
    "r.sequence AS sequence"
)
"""What :func:`payload_of` reads, to be returned of a revision ``r``."""


def payload_of(row: Mapping[str, Any]) -> Payload:
    """The inverse of :meth:`Payload.as_properties`.

    Raises:
        StaleRevisionError: the payload was damaged, or the revision is older than payloads.
    """
    if row["changes"] is None:
        raise StaleRevisionError(
            f"revision {row['sequence']}: was made by a version that kept no changes; look at a newer revision"
        )
    try:
        return Payload(
            RevisionKind(row["kind"]),
            change_set_from_dict(json.loads(row["changes"])),
            bool(row["base"]),
            int(row["undoes"]),
            str(row["proposal"]),
        )
    except (InputError, ValueError, TypeError) as error:
        raise StaleRevisionError(
            f"revision {row['sequence']}: its changes were damaged ({error}); restore a backup of the graph"
        ) from error

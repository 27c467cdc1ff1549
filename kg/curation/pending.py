"""Changes that somebody works on and has not proposed yet, kept in the curation store for each person and graph.

They are kept as the lines of KGCL that people read and write, without provenance: who, when and on what they rest is
added when they are proposed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from sqlalchemy import Column, Integer, MetaData, Table, Text, delete, select

from kg.curation.change_set import Change, ChangeSet, Composite
from kg.curation.kgcl_parser import parse_changes
from kg.errors import UsageError
from kg.ontology import Ontology
from kg.relational import Database

METADATA = MetaData()

PENDING = Table(
    "pending_changes",
    METADATA,
    Column("graph", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("base", Integer, nullable=False, comment="The revision that they were made on."),
    Column("lines", Text, nullable=False, comment="KGCL, one change a line or block."),
    Column("reason", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("overrides", Text, nullable=False, comment="Reasons for going against warnings by rule, JSON."),
    comment="What people work on before they propose it.",
)

_BEGIN, _END = "lkg:begin", "lkg:end"


@dataclass(frozen=True)
class Pending:
    """Changes that somebody works on.

    Attributes:
        base: the revision that they were made on; 0 when there are none.
        entries: KGCL, one text for each change.
        reason: why.
        source: what they rest on.
        overrides: reasons for going against warnings, by rule.
    """

    base: int = 0
    entries: tuple[str, ...] = ()
    reason: str = ""
    source: str = ""
    overrides: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All entries as one text."""
        return "".join(f"{entry}\n" for entry in self.entries)

    def changes(
        self, ontology: Ontology, author: str = "", created: str = "", source: str = ""
    ) -> tuple[Change | Composite, ...]:
        """The changes, one for each entry.

        Args:
            ontology: of the revision that they were made on.
            author: who makes them.
            created: when, ISO 8601.
            source: what asserts them.

        Raises:
            InputError: an entry cannot be read, or does not fit the ontology.
        """
        return parse_changes(self.text, ontology, author, created, source)

    def change_set(self, ontology: Ontology, author: str) -> ChangeSet:
        """The changes as somebody proposes them now.

        Raises:
            InputError: as :meth:`changes`.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        changes = self.changes(ontology, author, now, self.source)
        return ChangeSet(changes, author, now, self.reason, self.source, dict(self.overrides))

    def with_entries(self, entries: tuple[str, ...], base: int) -> Pending:
        """Other entries; those that follow on none are made on another revision."""
        return replace(self, entries=entries, base=self.base if self.entries and self.base else base)


def entries_of(text: str) -> tuple[str, ...]:
    """The changes of a text of KGCL, each for itself; remarks and empty lines are left out."""
    return tuple(_entries(text))


def _entries(text: str) -> Iterator[str]:
    block: list[str] = []
    for raw in text.split("\n"):
        line = raw.strip()
        word = line.split(maxsplit=1)[0] if line else "#"
        if block or word == _BEGIN:
            block.append(line)
            if word == _END:
                yield "\n".join(block)
                block = []
        elif not word.startswith("#"):
            yield line
    if block:
        yield "\n".join(block)  # not closed: its reader says so


class PendingChanges:
    """The pending changes of all people for one graph; its threads may share it.

    Args:
        database: the curation store.
        graph: from :func:`kg.curation.graph_identity.graph_identity`.
    """

    def __init__(self, database: Database, graph: str) -> None:
        self._database, self._graph = database, graph
        with database.write() as connection:
            METADATA.create_all(connection)

    def read(self, person: str) -> Pending:
        """What somebody works on."""
        statement = select(PENDING).where(PENDING.c.graph == self._graph, PENDING.c.person == person)
        with self._database.read() as connection:
            row = connection.execute(statement).mappings().one_or_none()
        if row is None:
            return Pending()
        overrides = json.loads(row["overrides"])
        return Pending(row["base"], entries_of(row["lines"]), row["reason"], row["source"], overrides)

    def keep(self, person: str, pending: Pending) -> None:
        """Put changes in place of what somebody worked on.

        Raises:
            UsageError: nobody named.
        """
        if not person.strip():
            raise UsageError("pending changes: somebody must answer for them; give a name")
        values = {
            "base": pending.base if pending.entries else 0,
            "lines": pending.text,
            "reason": pending.reason,
            "source": pending.source,
            "overrides": json.dumps(dict(pending.overrides), ensure_ascii=False),
        }
        statement = self._database.insert(PENDING).values(graph=self._graph, person=person, **values)
        with self._database.write() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["graph", "person"], set_=values))

    def clear(self, person: str) -> None:
        """Forget what somebody worked on."""
        with self._database.write() as connection:
            connection.execute(delete(PENDING).where(PENDING.c.graph == self._graph, PENDING.c.person == person))

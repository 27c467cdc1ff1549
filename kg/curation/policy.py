"""Who may review: the policy of a curation store."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from sqlalchemy import Connection, select

from kg.curation.proposal_tables import SETTINGS
from kg.errors import UsageError
from kg.names import folded
from kg.relational import Database

_NAME = "reviewer differs"


def reviewer_differs(connection: Connection) -> bool:
    """Whether nobody may accept what he or she wrote; False in a new store, where one person may work alone."""
    statement = select(SETTINGS.c.value).where(SETTINGS.c.name == _NAME)
    return connection.execute(statement).scalar_one_or_none() == "yes"


def read_policy(database: Database) -> bool:
    """As :func:`reviewer_differs`, of a store."""
    with database.read() as connection:
        return reviewer_differs(connection)


def set_policy(database: Database, differs: bool) -> None:
    """Choose whether the reviewer must differ from the authors; holds from the next review or apply on."""
    row = {"name": _NAME, "value": "yes" if differs else "no"}
    with database.write() as connection:
        statement = database.insert(SETTINGS)
        replaced = {"value": statement.excluded.value}
        connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=replaced), row)


def require_reviewer(connection: Connection, what: str, reviewer: str, authors: Iterable[str]) -> None:
    """Check that somebody may accept a change.

    Args:
        connection: to the curation store.
        what: names the change in the error, e.g. ``proposal 17``.
        reviewer: who accepts it.
        authors: who wrote it.

    Raises:
        UsageError: the policy says that the reviewer differs, and it is one of the authors.
    """
    if reviewer_differs(connection) and same_name(reviewer) in {same_name(author) for author in authors}:
        raise UsageError(
            f"{what}: {reviewer.strip() or 'nobody'} wrote it, and the policy says that another one reviews; "
            "ask somebody else"
        )


def same_name(name: str) -> str:
    """A name as it is compared: without case, extra spaces, ways to write a letter, and characters that nobody sees."""
    seen = "".join(c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf")
    return folded(seen)

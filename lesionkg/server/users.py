"""The users of a server, their tokens and the sessions of their browsers, in the curation store.

Tokens and session ids are random (256 bits) and shown once; the store holds their SHA-256 only, which for values of
that strength needs no salt and no slow hash.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from kg.errors import UsageError
from kg.relational import Database
from lesionkg.server.audit import Action, write_entry
from lesionkg.server.people import Role, User
from lesionkg.server.tables import SESSIONS, USERS, make_server_tables

SESSION_HOURS = 12
"""How long a browser stays signed in."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True)
class Account:
    """A user as the list of users shows one.

    Attributes:
        user: name and role.
        created: when he was added, ISO 8601, UTC.
    """

    user: User
    created: str


class Users:
    """Who may use the server; its threads, and other processes, may share the store."""

    def __init__(self, database: Database) -> None:
        """Make the tables that are absent.

        Raises:
            StoreError: the store cannot be written, or is that of a newer program.
        """
        make_server_tables(database)
        self._database = database
        self._latest: Mapping[str, User] = {}

    def add(self, name: str, role: Role, by: User) -> str:
        """Add a user; who did it is in the audit log, here as in the other changes.

        Returns:
            His token. It is not kept: who loses it gets a new one.

        Raises:
            UsageError: the name is taken, or is none.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(f"user {name!r}: write up to 64 letters, digits and . _ @ -, beginning with no sign")
        token = secrets.token_urlsafe(_RANDOM_BYTES)
        row = {"name": name, "role": str(role), "digest": _digest(token), "created": _now()}
        with self._database.write() as connection:
            if _row(connection, name) is not None:
                raise UsageError(f"user {name}: is there already; `lesionkg user token {name}` gives a new token")
            connection.execute(insert(USERS), row)
            write_entry(connection, by, Action.USER, name, {"done": "add", "role": str(role)})
        return token

    def remove(self, name: str, by: User) -> None:
        """Remove a user; his token and his sessions end at once.

        Raises:
            UsageError: no such user.
        """
        with self._database.write() as connection:
            self._require(connection, name)
            connection.execute(delete(SESSIONS).where(SESSIONS.c.name == name))
            connection.execute(delete(USERS).where(USERS.c.name == name))
            write_entry(connection, by, Action.USER, name, {"done": "remove"})

    def renew(self, name: str, by: User) -> str:
        """Give a user a new token; the old one and his sessions end at once.

        Raises:
            UsageError: no such user.
        """
        token = secrets.token_urlsafe(_RANDOM_BYTES)
        with self._database.write() as connection:
            self._require(connection, name)
            connection.execute(delete(SESSIONS).where(SESSIONS.c.name == name))
            connection.execute(update(USERS).where(USERS.c.name == name).values(digest=_digest(token)))
            write_entry(connection, by, Action.USER, name, {"done": "new token"})
        return token

    def change_role(self, name: str, role: Role, by: User) -> None:
        """Give a user another role; it counts from his next step on.

        Raises:
            UsageError: no such user.
        """
        with self._database.write() as connection:
            self._require(connection, name)
            connection.execute(update(USERS).where(USERS.c.name == name).values(role=str(role)))
            write_entry(connection, by, Action.USER, name, {"done": "role", "role": str(role)})

    def accounts(self) -> tuple[Account, ...]:
        """All users, by name."""
        with self._database.read() as connection:
            rows = connection.execute(select(USERS.c.name, USERS.c.role, USERS.c.created).order_by(USERS.c.name))
            return tuple(Account(User(row.name, Role[row.role.upper()]), row.created) for row in rows)

    def with_token(self, token: str) -> User | None:
        """The user of a token; the comparison takes as long for a wrong one."""
        given = _digest(token)
        found = None
        with self._database.read() as connection:
            for row in connection.execute(select(USERS.c.name, USERS.c.role, USERS.c.digest)):
                if hmac.compare_digest(row.digest, given):
                    found = User(row.name, Role[row.role.upper()])
        return self._noted(found)

    def open_session(self, user: User) -> str:
        """Sign a browser in.

        Returns:
            The value of its cookie, which is not kept.

        Raises:
            UsageError: the user was removed meanwhile.
        """
        value = secrets.token_urlsafe(_RANDOM_BYTES)
        expires = _moment(datetime.now(UTC) + timedelta(hours=SESSION_HOURS))
        with self._database.write() as connection:
            self._require(connection, user.name)
            connection.execute(delete(SESSIONS).where(SESSIONS.c.expires <= _now()))
            connection.execute(insert(SESSIONS), {"digest": _digest(value), "name": user.name, "expires": expires})
        return value

    def with_session(self, value: str) -> User | None:
        """Who is signed in with a cookie's value; ``None`` after sign-out, expiry, or the removal of the user."""
        wanted = select(USERS.c.name, USERS.c.role).join_from(SESSIONS, USERS, SESSIONS.c.name == USERS.c.name)
        wanted = wanted.where(SESSIONS.c.digest == _digest(value), SESSIONS.c.expires > _now())
        with self._database.read() as connection:
            row = connection.execute(wanted).first()
        return self._noted(User(row.name, Role[row.role.upper()]) if row else None)

    def close_session(self, value: str) -> None:
        """Sign a browser out; nothing happens when it is not signed in."""
        with self._database.write() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == _digest(value)))

    def latest(self, user: User) -> User:
        """A user as last seen in the store: a page that is open for long learns of a new role by it."""
        return self._latest.get(user.name, user)

    def _noted(self, user: User | None) -> User | None:
        if user is not None and self._latest.get(user.name) != user:
            self._latest = {**self._latest, user.name: user}
        return user

    @staticmethod
    def _require(connection: Connection, name: str) -> None:
        if _row(connection, name) is None:
            raise UsageError(f"user {name!r}: there is none of this name; `lesionkg user list` shows all")


def _row(connection: Connection, name: str) -> object | None:
    return connection.execute(select(USERS.c.name).where(USERS.c.name == name)).first()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _now() -> str:
    return _moment(datetime.now(UTC))


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")

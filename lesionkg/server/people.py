"""Who uses the server, and what each may do."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from enum import IntEnum

from kg.errors import LesionKGError


class Role(IntEnum):
    """What somebody may do; each role may do all that the one before it may."""

    NONE = 0
    """Nothing but sign in."""
    READER = 1
    """Look, ask, export."""
    CURATOR = 2
    """Propose, review and apply changes, correct labels, register runs."""
    ADMIN = 3
    """Manage users and read the audit log."""

    def __str__(self) -> str:
        return self.name.lower()


class NotAllowedError(LesionKGError):
    """The user's role does not allow what was asked."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who is known to the server.

    Attributes:
        name: under which their changes are kept.
        role: what they may do.
    """

    name: str
    role: Role

    def require(self, role: Role) -> None:
        """Refuse unless the user has this role or a higher one.

        Raises:
            NotAllowedError: has not.
        """
        if self.role < role:
            raise NotAllowedError(f"{self.name} is {self.role}; this needs a {role}: ask an admin")


NOBODY = User("nobody", Role.NONE)
"""Who did not say who he is."""


def local_user() -> User:
    """Who works on this machine, where the server asks nobody for a token."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "local"
    return User(name, Role.ADMIN)

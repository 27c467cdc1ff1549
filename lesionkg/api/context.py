"""What every route gets: the workplace, and the user with the role the route asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from lesionkg.server.people import Role, User
from lesionkg.server.workplace import Workplace


def _workplace(request: Request) -> Workplace:
    workplace: Workplace = request.app.state.workplace
    return workplace


_BEARER = HTTPBearer(auto_error=False, description="Token of a user; a server on loopback may ask for none.")
"""Names the token in the OpenAPI document; the gate has checked it already."""


def _user(role: Role) -> Callable[..., User]:
    def user(request: Request, token: Annotated[object, Security(_BEARER)]) -> User:
        found: User = request.state.user
        found.require(role)
        return found

    return user


Place = Annotated[Workplace, Depends(_workplace)]
Reader = Annotated[User, Depends(_user(Role.READER))]
Curator = Annotated[User, Depends(_user(Role.CURATOR))]
Admin = Annotated[User, Depends(_user(Role.ADMIN))]

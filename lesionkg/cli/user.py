"""``lesionkg user``: who may use the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lesionkg.cli.context import Home, Json, console, errors, home_folder, print_json

if TYPE_CHECKING:
    from lesionkg.server.people import Role, User
    from lesionkg.server.users import Users

app = typer.Typer(no_args_is_help=True, help="Who may use the server, and what each may do.")


class RoleName(StrEnum):
    """What somebody may do; each may do all that the one before it may."""

    READER = "reader"
    CURATOR = "curator"
    ADMIN = "admin"

    @property
    def role(self) -> Role:
        """The role of this name."""
        from lesionkg.server.people import Role

        return Role[self.name]


Name = Annotated[str, typer.Argument(help="Name of the user, as in the history of changes.", show_default=False)]


@app.command()
def add(
    name: Name,
    role: Annotated[RoleName, typer.Option(help="What they may do.", show_default=False)],
    home: Home = None,
    json_: Json = False,
) -> None:
    """Add a user and print a token; it is shown this once."""
    with _opened(home) as (users, me):
        token = users.add(name, role.role, me)
    _tell(name, token, json_)


@app.command("list")
def list_(home: Home = None, json_: Json = False) -> None:
    """List the users."""
    from rich.table import Table

    with _opened(home) as (users, _):
        found = users.accounts()
    if json_:
        print_json([{"name": one.user.name, "role": str(one.user.role), "created": one.created} for one in found])
        return
    table = Table("user", "role", "added")
    for one in found:
        table.add_row(one.user.name, str(one.user.role), one.created)
    console.print(table)


@app.command()
def remove(name: Name, home: Home = None) -> None:
    """Remove a user; token and sessions end at once."""
    with _opened(home) as (users, me):
        users.remove(name, me)
    errors.print(f"user {name}: removed", markup=False, highlight=False)


@app.command()
def token(name: Name, home: Home = None, json_: Json = False) -> None:
    """Give a user a new token and print it; the old one and the sessions end at once."""
    with _opened(home) as (users, me):
        made = users.renew(name, me)
    _tell(name, made, json_)


@app.command()
def role(
    name: Name,
    role: Annotated[RoleName, typer.Argument(help="What they may do from now on.", show_default=False)],
    home: Home = None,
) -> None:
    """Give a user another role."""
    with _opened(home) as (users, me):
        users.change_role(name, role.role, me)
    errors.print(f"user {name}: {role.value} now", markup=False, highlight=False)


def _tell(name: str, token: str, as_json: bool) -> None:
    if as_json:
        print_json({"name": name, "token": token})
        return
    errors.print(f"user {name}: this token is not kept, and not shown again", markup=False, highlight=False)
    typer.echo(token)


@contextmanager
def _opened(home: Path | None) -> Iterator[tuple[Users, User]]:
    from kg.curation.proposal_tables import open_curation
    from lesionkg.server.people import local_user
    from lesionkg.server.users import Users

    with open_curation(home_folder(home)) as database:
        yield Users(database), local_user()

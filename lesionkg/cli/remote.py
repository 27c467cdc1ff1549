"""What commands share that work with a lesionkg server instead of a graph of their own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import UsageError

if TYPE_CHECKING:
    from queries.client import Client

DEFAULT = "LESIONKG_TOKEN"
"""Environment variable with the token that a server asks for; a token on the command line would be seen by others."""

Server = Annotated[
    str | None,
    typer.Option(
        "--server", metavar="URL", help="Address of a lesionkg server, instead of a graph.", show_default=False
    ),
]
TokenEnv = Annotated[
    str, typer.Option("--token-env", metavar="NAME", help="Environment variable with the token for --server.")
]


def connect(server: str, token_env: str, graph: str | None) -> Client:
    """A client of the server that the options name.

    Raises:
        UsageError: they name a graph too, or the token is in no variable of that name.
    """
    from queries.client import Client

    if graph is not None:
        raise UsageError("--server and --graph: they name different graphs; give one of them")
    token = os.environ.get(token_env)
    if token is None and token_env != DEFAULT:
        raise UsageError(f"--token-env {token_env}: there is no such environment variable; set it to the token")
    return Client(server, token)

"""``lesionkg serve``: the workbench and the HTTP API."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import UsageError
from lesionkg.cli.context import RESEARCH_USE_ONLY, Graph, Home, console, errors, graph_url, home_folder

if TYPE_CHECKING:
    from lesionkg.server.settings import Settings
    from lesionkg.server.workplace import Workplace


def command(
    host: Annotated[
        str, typer.Option(help="Address to listen on; another than loopback asks for tokens.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any that is free.")] = 8080,
    name: Annotated[
        list[str] | None,
        typer.Option(
            help="Name under which browsers reach it, besides the host; give several times.", show_default=False
        ),
    ] = None,
    ask_token: Annotated[
        bool, typer.Option("--ask-token", help="Ask for a token on loopback too: on a machine that others use.")
    ] = False,
    certificate: Annotated[
        Path | None, typer.Option(help="TLS certificate with its chain, PEM.", show_default=False)
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Key of the certificate, PEM.", show_default=False)] = None,
    warm_up: Annotated[
        bool, typer.Option(help="Read what the pages show first in the background as soon as it is up.")
    ] = True,
    open_: Annotated[bool, typer.Option("--open", help="Show it in the browser of this machine.")] = False,
    home: Home = None,
    graph: Graph = None,
) -> None:
    """Open the workbench in the browser, and the HTTP API for training jobs, until Ctrl-C.

    Other lesionkg commands go on working beside it.
    """
    from lesionkg.server.serving import run
    from lesionkg.server.settings import Settings
    from lesionkg.server.sockets import listen
    from lesionkg.server.starting import started
    from lesionkg.server.tls import require_certificate

    url = graph_url(home, graph)
    if "://" not in url and not Path(url).exists():
        raise UsageError(f"graph {url}: does not exist; `lesionkg demo` or `lesionkg ingest` makes one")
    require_certificate(certificate, key)
    settings = Settings(home_folder(home), url, host, port, tuple(name or ()), ask_token, certificate, key)
    with listen(host, port) as socket, started(settings) as (workplace, server):
        from lesionkg.workbench.warming import warmed  # the page framework must be loaded by then, told of its folder

        for line in [*workplace.told, *_warnings(settings, workplace)]:
            errors.print(line, markup=False, highlight=False, soft_wrap=True)
        address = _address(settings, socket.getsockname()[1])
        said = f"workbench at {address} ; Ctrl-C stops. {RESEARCH_USE_ONLY}"
        console.print(said, highlight=False, soft_wrap=True, markup=False)
        if open_:
            typer.launch(address)
        with warmed(workplace, server) if warm_up else nullcontext():
            run(server, socket)
    errors.print("stopped")


def _address(settings: Settings, port: int) -> str:
    from lesionkg.server.settings import ANYWHERE

    scheme = "https" if settings.certificate else "http"
    host = next(iter(settings.hosts), settings.host) if settings.host in ANYWHERE else settings.host
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/"


def _warnings(settings: Settings, workplace: Workplace) -> list[str]:
    from lesionkg.server.settings import LOOPBACK

    said = []
    if settings.host not in LOOPBACK and settings.certificate is None:
        said.append("warning: tokens and data cross the network in the clear; give --certificate and --key")
    if not settings.is_open and not workplace.users.accounts():
        said.append("nobody can sign in yet; `lesionkg user add NAME --role admin` makes a user and prints his token")
    return said

"""``lesionkg serve``: the workbench and the HTTP API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kg.errors import UsageError
from lesionkg.cli.context import RESEARCH_USE_ONLY, Graph, Home, console, errors, graph_url, home_folder


def command(
    host: Annotated[
        str, typer.Option(help="Address to listen on; another than loopback asks for tokens.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any that is free.")] = 8080,
    home: Home = None,
    graph: Graph = None,
) -> None:
    """Open the workbench in the browser, and the HTTP API for training jobs, until Ctrl-C.

    Other lesionkg commands go on working beside it.
    """
    import uvicorn

    from lesionkg.server.app import create_app
    from lesionkg.server.settings import Settings
    from lesionkg.server.sockets import listen
    from lesionkg.server.workplace import Workplace

    url = graph_url(home, graph)
    if "://" not in url and not Path(url).exists():
        raise UsageError(f"graph {url}: does not exist; `lesionkg demo` or `lesionkg ingest` makes one")
    settings = Settings(home_folder(home), url, host, port)
    with listen(host, port) as socket, Workplace(settings) as workplace:
        for line in workplace.told:
            errors.print(line, markup=False, highlight=False, soft_wrap=True)
        app = create_app(workplace)
        shown = f"[{host}]" if ":" in host else host
        console.print(
            f"workbench at http://{shown}:{socket.getsockname()[1]}/ ; Ctrl-C stops. {RESEARCH_USE_ONLY}",
            highlight=False,
            soft_wrap=True,
            markup=False,
        )
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, server_header=False))
        server.run(sockets=[socket])
    errors.print("stopped")

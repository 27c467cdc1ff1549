"""Starting a server: the graph is opened while the pages are imported."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import uvicorn

from lesionkg.server.app import create_app, load_pages
from lesionkg.server.serving import http_server
from lesionkg.server.settings import Settings
from lesionkg.server.workplace import Workplace


@contextmanager
def started(settings: Settings) -> Iterator[tuple[Workplace, uvicorn.Server]]:
    """A workplace and a server that is ready to run; both are released at the end.

    Raises:
        StoreError: the graph cannot be opened, or another process owns it.
    """
    with ExitStack() as stack:
        with ThreadPoolExecutor(1, "graph") as pool:
            opening = pool.submit(Workplace, settings)
            try:
                load_pages(settings.home)
            finally:
                workplace = stack.enter_context(opening.result())
        yield workplace, http_server(create_app(workplace), settings)

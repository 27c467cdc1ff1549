"""How quick the server is, and whether it holds under load: ``python benchmarks/server.py HOME [--seconds 60]``.

It serves a copy of a data folder that ``lesionkg demo`` made, measures the start, pages and API one at a time, and then
lets many readers ask at once: named queries, matrices, lesions, pages with web sockets. It ends with code 1 when an
answer was an error.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import httpx
import psutil
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

PAGES = ("/", "/ontology", "/review", "/lesions", "/lesions/DL:00100", "/query", "/conflicts", "/models")
LESIONS = 32_735
_CLIENT = re.compile(r"client_id['\"]: ['\"]([0-9a-f-]{36})")
_VERSION = re.compile(r"/_nicegui/([0-9.]+)/")


@dataclass
class Seen:
    """Seconds and errors by kind of request; threads share it."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def measure(self, kind: str, ask: Callable[[], str]) -> None:
        """Ask once; ``ask`` says what was wrong, or nothing."""
        began = time.perf_counter()
        try:
            wrong = ask()
        except (httpx.HTTPError, WebSocketException, OSError) as error:
            wrong = type(error).__name__
        self.seconds.setdefault(kind, []).append(time.perf_counter() - began)
        if wrong:
            self.errors.append(f"{kind}: {wrong}")

    def table(self) -> dict[str, dict[str, float]]:
        """Number and percentiles in milliseconds, by kind."""
        return {kind: percentiles(found) for kind, found in sorted(self.seconds.items())}


@dataclass
class Server:
    """A server that runs.

    Attributes:
        address: where.
        process: of it and its children.
        start_s: from the start of the process until it said where it is.
    """

    address: str
    process: psutil.Process
    start_s: float

    def memory_mb(self) -> int:
        """Resident memory of the server's own process."""
        return int(self.process.memory_info().rss / 1e6)


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    """``lesionkg serve`` on a copy of a data folder."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "home"
        shutil.copytree(home, copy)
        began = time.perf_counter()
        order = [sys.executable, "-m", "lesionkg", "serve", "--home", str(copy), "--port", "0"]
        with subprocess.Popen(order, stdout=subprocess.PIPE, text=True, cwd=folder) as process:
            assert process.stdout is not None
            found = re.search("http://[^ ]+(?=/ )", process.stdout.readline())
            if not found:
                raise SystemExit("the server did not start")
            try:
                yield Server(found[0], psutil.Process(process.pid), time.perf_counter() - began)
            finally:
                process.send_signal(signal.SIGINT)


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Number, median, 95th and 99th percentile and maximum, in milliseconds."""
    ordered = sorted(seconds)
    rank = {
        name: ordered[min(len(ordered) - 1, int(len(ordered) * part))] for name, part in (("p95", 0.95), ("p99", 0.99))
    }
    figures = {"p50": statistics.median(ordered), **rank, "max": ordered[-1]}
    return {"n": len(ordered), **{name: round(value * 1000, 1) for name, value in figures.items()}}


def named(client: httpx.Client) -> list[str]:
    """Paths of the named queries that need no parameter, and no lesion or model that this graph lacks."""
    listed = client.get("/api/query").json()
    paths = [
        f"/api/query/{quote(query['name'])}"
        for query in listed
        if all(given["default"] is not None for given in query["parameters"])
    ]
    return [path for path in paths if client.get(path).status_code not in (404, 422)]


def get(client: httpx.Client, path: str) -> str:
    """What was wrong with an answer."""
    answer = client.get(path)
    return "" if answer.status_code < 400 else f"{path} answers {answer.status_code}"


def visit(client: httpx.Client, path: str) -> str:
    """Load a page as a browser does: the page, then its web socket until the server greets."""
    answer = client.get(path)
    known, version = _CLIENT.search(answer.text), _VERSION.search(answer.text)
    if answer.status_code >= 400 or not known or not version:
        return f"{path} answers {answer.status_code}"
    address = str(client.base_url).replace("http", "ws", 1)
    query = f"client_id={known[1]}&next_message_id=0&tab_id={known[1]}&document_id={known[1]}&implicit_handshake=true"
    with connect(f"{address}/_nicegui_ws/socket.io/?EIO=4&transport=websocket&{query}", open_timeout=30) as socket:
        socket.recv(timeout=30)
        socket.send("40")
        greeting = str(socket.recv(timeout=30))
        return "" if greeting.startswith("40") else f"{path} greets {greeting[:40]}"


def alone(server: Server, seen: Seen, times: int) -> None:
    """Pages and API, one request at a time."""
    with httpx.Client(base_url=server.address, timeout=60) as client:
        for path in PAGES:
            for _ in range(times):
                seen.measure(f"page {path}", lambda path=path: get(client, path))  # type: ignore[misc]
        paths = ["/api/health", "/api/matrices/latest", "/api/lesions/DL:00100", *named(client)]
        for path in paths:
            for _ in range(times):
                seen.measure(path, lambda path=path: get(client, path))  # type: ignore[misc]


def read(server: Server, seen: Seen, queries: list[str], until: float, seed: int, lesions: int) -> None:
    """One reader: asks a mixture of everything, without a pause."""
    rng = random.Random(seed)
    with httpx.Client(base_url=server.address, timeout=60) as client:
        while time.monotonic() < until:
            lesion = f"/api/lesions/DL:{rng.randrange(lesions):05d}"
            kind, ask = rng.choice(
                [
                    ("query", lambda: get(client, rng.choice(queries))),
                    ("matrices", lambda: get(client, "/api/matrices/latest")),
                    ("lesion", lambda lesion=lesion: get(client, lesion)),
                    ("page", lambda: visit(client, rng.choice(PAGES))),
                ]
            )
            seen.measure(kind, ask)


def together(
    server: Server, seen: Seen, queries: list[str], readers: int, seconds: float, lesions: int
) -> dict[str, int]:
    """Many readers at once, who ask some queries and look at the first so many lesions.

    Returns:
        Memory of the server in MB: before, after a sixth of the time, and at the end.
    """
    memory = {"start": server.memory_mb()}
    until = time.monotonic() + seconds
    threads = [
        threading.Thread(target=read, args=(server, seen, queries, until, seed, lesions)) for seed in range(readers)
    ]
    for thread in threads:
        thread.start()
    time.sleep(seconds / 6)
    memory[f"after {seconds / 6:.0f} s"] = server.memory_mb()
    for thread in threads:
        thread.join()
    memory["end"] = server.memory_mb()
    return memory


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--times", type=int, default=7, help="requests of each page and route, one at a time")
    chosen = parser.parse_args()
    with serving(chosen.home) as server:
        first, single, loaded = Seen(), Seen(), Seen()
        with httpx.Client(base_url=server.address, timeout=60) as client:
            first.measure("first page", lambda: get(client, "/"))
            queries = named(client)
        alone(server, single, chosen.times)
        memory = together(server, loaded, queries, chosen.readers, chosen.seconds, LESIONS)
    errors = first.errors + single.errors + loaded.errors
    figures = {
        "start_s": round(server.start_s, 2),
        "first_page_ms": first.table()["first page"]["max"],
        "alone_ms": single.table(),
        "together_ms": loaded.table(),
        "memory_mb": memory,
        "errors": len(errors),
    }
    print(json.dumps(figures, indent=2))
    for error in sorted(set(errors))[:20]:
        print(f"{error} (x{errors.count(error)})", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())

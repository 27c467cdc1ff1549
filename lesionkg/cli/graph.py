"""``lesionkg graph``: own and serve the graph folder, check it, back it up, restore it, adopt direct edits."""

from __future__ import annotations

import signal
import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import UsageError
from lesionkg.cli.context import Graph, Home, Json, console, errors, graph_url, home_folder, print_json

if TYPE_CHECKING:
    from kg.backup_file import Manifest

app = typer.Typer(no_args_is_help=True, help="Serve the graph folder, check it, back it up and restore it.")


@app.command()
def serve(home: Home = None, graph: Graph = None) -> None:
    """Own the graph folder and serve it over Bolt, on this machine only, until Ctrl-C.

    Other lesionkg commands find it by themselves. For another Bolt client, user names and passwords are in the file
    that is named at the start; `reader` can change nothing. They are made up anew at each start.
    """
    from kg.owner import GraphOwner
    from kg.ownership import ownership_file

    url = graph_url(home, graph)
    if "://" in url:
        raise UsageError(f"graph {url}: is served already; give a graph folder")
    folder = Path(url).absolute()
    stop = threading.Event()
    with GraphOwner(folder, create=True) as owner:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        console.print(
            f"serving {folder} at {owner.url}, database {folder.name}; users reader and writer in "
            f"{ownership_file(folder)}; Ctrl-C stops",
            highlight=False,
            soft_wrap=True,
            markup=False,
        )
        while not stop.wait(3600):
            pass
    errors.print("stopped")


@app.command()
def verify(home: Home = None, graph: Graph = None, json_: Json = False) -> None:
    """Compare the graph's content with its stamped revision, and the relationships with both of their ends.

    Exits with 1 when somebody edited the ontology directly, or when the graph is damaged.
    """
    from kg import revision
    from kg.connect import open_store
    from kg.integrity import edge_counts

    with open_store(graph_url(home, graph), read_only=True) as store:
        head = revision.verify(store)
        counts = edge_counts(store)
    broken = [count for count in counts if not count.agrees]
    if json_:
        print_json(
            {
                "revision": head.sequence,
                "ontology": head.ontology,
                "ontology_hash": head.ontology_hash,
                "matrix_hashes": dict(head.matrix_hashes),
                "relationships": sum(count.stored for count in counts),
                "broken": [asdict(count) for count in broken],
            }
        )
    elif not broken:
        console.print(
            f"revision {head.sequence} ({head.ontology}) is what the graph holds; "
            f"{sum(count.stored for count in counts):,} relationships agree with both of their ends",
            highlight=False,
            soft_wrap=True,
        )
    for count in broken:
        errors.print(
            f"{count.kind}: {count.outgoing} seen from their start, {count.incoming} from their end, {count.stored} "
            "stored; the graph is damaged, restore a backup or load it afresh",
            highlight=False,
            soft_wrap=True,
        )
    if broken:
        raise typer.Exit(1)


@app.command()
def adopt(
    author: Annotated[str, typer.Option("--author", help="Who answers for the edit.")],
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Make what somebody wrote into the ontology directly the next revision, with closures computed anew."""
    from kg import graph_ontology
    from kg.connect import open_store
    from kg.revision import head

    with open_store(graph_url(home, graph), create=False) as store:
        before = head(store).sequence
        after = graph_ontology.adopt(store, author=author)
    if json_:
        print_json({"revision": after, "changed": after != before})
    elif after == before:
        console.print(f"revision {after} is what the graph holds; closures are computed from it", highlight=False)
    else:
        console.print(f"adopted as revision {after}", highlight=False)


@app.command()
def upgrade(home: Home = None, graph: Graph = None, json_: Json = False) -> None:
    """Bring a graph that an older version wrote up to this one's schema; make a backup first."""
    from kg.connect import open_store
    from kg.schema import READ_STAMP, SCHEMA_ID

    url = graph_url(home, graph)
    with open_store(url, create=False) as store:  # opening for writing is what upgrades
        version = store.read(READ_STAMP, {"id": SCHEMA_ID})[0]["version"]
    if json_:
        print_json({"graph": url, "schema_version": version})
    else:
        _say(f"{url}: schema version {version}")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="File to write, e.g. graph.zip; it must not exist.")],
    home: Home = None,
    graph: Graph = None,
    portable: Annotated[
        bool, typer.Option("--portable", help="Write lines that a Neo4j server can load, not the engine's own files.")
    ] = False,
    json_: Json = False,
) -> None:
    """Copy the graph to one file with checksums, while others write to it.

    A graph folder is copied by its engine, in the process that owns it; a graph behind a Bolt address is written as
    lines. The copy is read back before the file appears. Only the graph is in it: not the report texts, proposals,
    models and images beside it.
    """
    from kg.backup import backup as write_backup

    made = write_backup(graph_url(home, graph), file, portable)
    if json_:
        print_json({"file": str(file), **asdict(made)})
    else:
        _say(f"{file}: {_summary(made)}")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `lesionkg graph backup` wrote.")],
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Make a backup the graph of an empty home, or of an empty Bolt server; nothing appears unless all of it is there.

    The restored graph is read whole and compared with the hashes in the backup.
    """
    from kg.backup import restore as restore_folder
    from kg.backup import restore_to_server
    from kg.embedded import remove_partials

    url = graph_url(home, graph)
    folder = home_folder(home)
    remove_partials(folder / "graph")
    if graph is None and folder.exists() and any(folder.iterdir()):
        raise UsageError(f"home {folder}: is not empty; name another with --home")
    made = restore_to_server(file, url) if "://" in url else restore_folder(file, Path(url))
    if json_:
        print_json({"graph": url, **asdict(made)})
    else:
        _say(f"{url}: {_summary(made)}, as backed up on {made.created}")


def _summary(made: Manifest) -> str:
    held = f"revision {made.revision} ({made.ontology})" if made.revision else "no ontology"
    return f"{held}, {made.nodes:,} nodes and {made.relationships:,} relationships, hash {made.content_hash[:12]}"


def _say(line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)

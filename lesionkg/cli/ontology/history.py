"""``lesionkg ontology``: the history of changes, and taking them back."""

from __future__ import annotations

from typing import Annotated

import typer

from kg.errors import UsageError
from lesionkg.cli.context import Graph, Home, Json, console, print_json
from lesionkg.cli.ontology.base import app
from lesionkg.cli.ontology.curating import Author, curation


@app.command()
def history(
    revision: Annotated[
        int | None, typer.Argument(metavar="[N]", help="Only this revision, whole.", show_default=False)
    ] = None,
    words: Annotated[
        str, typer.Option("--search", help="Words that all occur in changes, reason, source, author or review.")
    ] = "",
    label: Annotated[str, typer.Option("--label", help="Only about this label: preferred name or id.")] = "",
    author: Annotated[str, typer.Option("--author", help="Only of this author.")] = "",
    since: Annotated[
        str, typer.Option("--since", help="From this day or time on, ISO 8601, UTC if no zone is given.")
    ] = "",
    until: Annotated[
        str, typer.Option("--until", help="Up to this day or time, ISO 8601, UTC if no zone is given.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 20,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """List the revisions of the ontology, newest first, or show one. Its JSON holds the change set."""
    from kg.curation.graph_identity import graph_identity, label_names, named_label
    from kg.curation.history import read_revisions
    from kg.curation.mirror import search
    from lesionkg.cli.ontology.changes_text import print_revision, print_revisions

    with curation(home, graph, read_only=True) as (database, store):
        identity, names = store.read_transaction(lambda tx: (graph_identity(tx), label_names(tx)))
        if revision is not None:
            newer = store.read_transaction(lambda tx: read_revisions(tx, after=revision - 1))
            found = [entry for entry in newer if entry.sequence == revision]
            if not found:
                raise UsageError(f"revision {revision}: there is none; `lesionkg ontology history` lists them")
        else:
            about = named_label(names, label)
            found = search(database, identity, words, about, author, since, until, limit)
    if revision is not None:
        if json_:
            print_json(found[0].as_dict())
        else:
            print_revision(found[0], names)
        return
    if json_:
        print_json([entry.as_dict() for entry in found])
        return
    print_revisions(found, names)


@app.command()
def undo(
    revision: Annotated[int, typer.Argument(metavar="N", help="Number of the revision to take back.")],
    author: Author = "",
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    reviewer: Annotated[
        str, typer.Option("--reviewer", help="Who agreed, where the policy says that another one reviews.")
    ] = "",
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Take back what a revision changed, as a new revision; refused where later changes depend on it."""
    from kg.curation.application import undo as take_back
    from kg.curation.policy import require_reviewer

    for name, value in (("--author", author), ("--reason", reason)):
        if not value.strip():
            raise UsageError(f"{name}: an undo needs one; give it")
    with curation(home, graph) as (database, store):
        with database.read() as connection:
            require_reviewer(connection, f"undo of revision {revision}", reviewer or author, [author])
        agreed = f" (reviewed by {reviewer})" if reviewer.strip() else ""
        applied = take_back(store, revision, author, f"{reason}{agreed}")
    if json_:
        print_json({"undone": revision, "revision": applied.sequence})
        return
    told = f"revision {revision}: taken back by revision {applied.sequence}"
    console.print(told, markup=False, highlight=False, soft_wrap=True)

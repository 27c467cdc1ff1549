"""``lesionkg ontology``: propose, review and apply changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import UsageError
from lesionkg.cli.context import Graph, Home, Json, console, home_folder, print_json
from lesionkg.cli.ontology import history
from lesionkg.cli.ontology.base import app
from lesionkg.cli.ontology.curating import (
    Author,
    By,
    Proposal,
    Reviewer,
    curation,
    overrides_of,
    somebody,
    telling_what_falls_behind,
)

if TYPE_CHECKING:
    from kg.curation import proposal
    from kg.curation.change_set import ChangeSet
    from kg.ontology import Ontology
    from kg.store import GraphStore

__all__ = ["apply", "history", "policy", "proposals", "propose", "review", "submit", "withdraw"]


@app.command()
def propose(
    lines: Annotated[
        list[str] | None,
        typer.Argument(help="Changes, one a line, e.g. \"rename 'lung' to 'lungs'\".", show_default=False),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Changes from a file: JSON (.json), or text with one a line.")
    ] = None,
    author: Author = "",
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    source: Annotated[str, typer.Option("--source", help="What it rests on, e.g. 'RadLex 4.2'.")] = "",
    override: Annotated[
        list[str] | None,
        typer.Option("--override", help="RULE=REASON: why to go against the warnings of a rule.", show_default=False),
    ] = None,
    base: Annotated[
        int | None, typer.Option("--base", help="Revision the changes were made on; default the newest.")
    ] = None,
    impact: Annotated[
        str, typer.Option("--impact", help="Measure the impact on this cohort, or 'official', and keep it.")
    ] = "",
    label_set: Annotated[str, typer.Option(help="Label set whose columns --impact counts.")] = "lesanet-171",
    draft: Annotated[bool, typer.Option("--draft", help="Keep it as a draft, whatever the rules say.")] = False,
    revises: Annotated[
        str, typer.Option("--revise", metavar="ID", help="Put these changes in place of a proposal's.")
    ] = "",
    apply_: Annotated[
        bool, typer.Option("--apply", help="Accept and apply it at once, where the policy lets authors do so.")
    ] = False,
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Propose changes; the ontology stays as it is until somebody accepted and applied them.

    Errors are refused with the way out; --draft keeps them nevertheless.
    """
    from kg.curation.graph_identity import graph_identity
    from kg.curation.policy import read_policy
    from kg.curation.proposal_application import apply as carry_out
    from kg.curation.proposals import proposals as listed
    from kg.curation.proposals import propose as keep
    from kg.curation.proposals import review as judge
    from kg.curation.proposals import revise
    from kg.revision import verified

    if apply_ and (draft or revises):
        raise UsageError("--apply: not together with --draft or --revise; give one of them")
    with curation(home, graph) as (database, store):
        if apply_ and read_policy(database):
            raise UsageError("--apply: the policy says that another one reviews; propose, and ask somebody")
        head, ontology, identity = store.read_transaction(lambda tx: (*verified(tx), graph_identity(tx)))
        taken = {label for one in listed(database, graph=identity) for label in one.change_set.labels}
        made = _change_set(lines or [], file, ontology, author, source, taken)
        made = replace(made, author=author or made.author, reason=reason or made.reason, source=source or made.source)
        made = replace(made, overrides={**made.overrides, **overrides_of(override)})
        if impact:
            made = replace(made, impact=_impact(store, ontology, made, impact, label_set))
        on = head.sequence if base is None else base
        kept = revise(database, store, revises, made, on) if revises else keep(database, store, made, on, draft)
        if apply_:
            judge(database, kept.id, True, kept.author, "applied by its author")
            with telling_what_falls_behind(store):
                kept = carry_out(database, store, kept.id, kept.author).proposal
        _show(store, kept, json_)


@app.command()
def submit(id_: Proposal, by: By = "", home: Home = None, graph: Graph = None, json_: Json = False) -> None:
    """Ask for a review of a draft."""
    from kg.curation.proposals import submit as ask

    with curation(home, graph) as (database, store):
        _show(store, ask(database, store, id_, somebody(by)), json_)


@app.command()
def proposals(
    id_: Annotated[str, typer.Argument(metavar="[ID]", help="Only this one, with all that happened to it.")] = "",
    status: Annotated[
        list[str] | None, typer.Option("--status", help="Only of this status; may be repeated.", show_default=False)
    ] = None,
    author: Annotated[str, typer.Option("--author", help="Only of this author.")] = "",
    label: Annotated[str, typer.Option("--label", help="Only about this label: preferred name or id.")] = "",
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """List proposals for this graph, newest first, or show one."""
    from kg.curation.graph_identity import graph_identity, label_names, named_label
    from kg.curation.proposal import Status
    from kg.curation.proposals import find
    from kg.curation.proposals import proposals as listed
    from lesionkg.cli.ontology.changes_text import print_proposals

    for one in status or []:
        if one not in set(Status):
            raise UsageError(f"--status {one!r}: unknown; use one of {', '.join(Status)}")
    with curation(home, graph, read_only=True) as (database, store):
        if id_:
            _show(store, find(database, id_), json_)
            return
        identity, names = store.read_transaction(lambda tx: (graph_identity(tx), label_names(tx)))
        found = listed(database, [Status(one) for one in status or []], author, named_label(names, label), identity)
    if json_:
        print_json([one.as_dict() for one in found])
        return
    print_proposals(found, names)


@app.command()
def review(
    id_: Proposal,
    accept: Annotated[bool, typer.Option("--accept", help="It may be applied.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="No, for good.")] = False,
    reviewer: Reviewer = "",
    comment: Annotated[str, typer.Option("--comment", help="Why; a rejection needs one.")] = "",
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Accept or reject a proposal."""
    from kg.curation.proposals import review as judge

    if accept == reject:
        raise UsageError(f"proposal {id_}: give one of --accept and --reject")
    with curation(home, graph) as (database, store):
        _show(store, judge(database, id_, accept, reviewer, comment), json_)


@app.command()
def apply(id_: Proposal, by: By = "", home: Home = None, graph: Graph = None, json_: Json = False) -> None:
    """Apply an accepted proposal: all of it, or nothing. Asked for again, it is not applied twice."""
    from kg.curation.proposal_application import apply as carry_out

    with curation(home, graph) as (database, store), telling_what_falls_behind(store):
        _show(store, carry_out(database, store, id_, somebody(by)).proposal, json_)


@app.command()
def withdraw(
    id_: Proposal,
    by: By = "",
    comment: Annotated[str, typer.Option("--comment", help="Why.")] = "",
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Take a proposal back before it is applied."""
    from kg.curation.proposals import withdraw as take_back

    with curation(home, graph) as (database, store):
        _show(store, take_back(database, id_, somebody(by), comment), json_)


@app.command()
def policy(
    differs: Annotated[
        bool | None,
        typer.Option(
            "--reviewer-differs/--reviewer-may-be-author", help="Whether the reviewer must be another than the author."
        ),
    ] = None,
    home: Home = None,
    json_: Json = False,
) -> None:
    """Show or set who may review."""
    from kg.curation.policy import read_policy, set_policy
    from kg.curation.proposal_tables import open_curation

    with open_curation(home_folder(home)) as database:
        if differs is not None:
            set_policy(database, differs)
        now = read_policy(database)
    if json_:
        print_json({"reviewer_differs": now})
        return
    told = "the reviewer must differ from the authors" if now else "authors may review their own changes"
    console.print(told, markup=False, highlight=False, soft_wrap=True)


def _change_set(
    lines: list[str], file: Path | None, ontology: Ontology, author: str, source: str, taken: set[str]
) -> ChangeSet:
    """The changes that somebody wrote, here or in a file; no new label gets an id that a proposal has taken."""
    from datetime import UTC, datetime

    from kg.curation.change_file import read_change_set
    from kg.curation.change_set import ChangeSet
    from kg.curation.kgcl_parser import parse_changes

    if bool(lines) == (file is not None):
        raise UsageError("ontology propose: what? give lines of changes, or --file, one of them")
    created = datetime.now(UTC).isoformat(timespec="seconds")
    if file is not None:
        return read_change_set(file, ontology, author, created, source, taken)
    return ChangeSet(parse_changes("\n".join(lines), ontology, author, created, source, taken), author, created)


def _impact(store: GraphStore, ontology: Ontology, change_set: ChangeSet, cohort: str, label_set: str) -> str:
    from kg.curation.impact import impact
    from kg.curation.incoherence import read_models
    from kg.curation.label_data import read_label_data

    after = change_set.apply(ontology)
    data, models = read_label_data(store, cohort), read_models(store)
    return f"{cohort}: {impact(ontology, after, data, label_set, models).summary}"


def _show(store: GraphStore, one: proposal.Proposal, json_: bool) -> None:
    from kg.curation.graph_identity import label_names
    from lesionkg.cli.ontology.changes_text import print_proposal

    if json_:
        print_json(one.as_dict())
        return
    print_proposal(one, store.read_transaction(label_names))

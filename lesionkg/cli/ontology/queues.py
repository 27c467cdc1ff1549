"""``lesionkg ontology``: what to look at next, ranked, and what was decided about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import UsageError
from kg.ontology import LabelClass, MatchKind, SoftKind, SynonymScope
from lesionkg.cli.context import Graph, Home, Json, console, home_folder, print_json
from lesionkg.cli.ontology.base import app
from lesionkg.cli.ontology.curating import Reviewer, curation, overrides_of

if TYPE_CHECKING:
    from kg.curation.decisions import Action
    from kg.curation.queues import QueueKind

_EACH, _ONE = 3, 20
"""Items shown of each of all queues, and of one."""

Model = Annotated[
    str, typer.Option("--model", help="Model whose correlations to take; default the newest.", show_default=False)
]
Cohort = Annotated[
    str, typer.Option("--cohort", help="Cohort whose lesions to count; 'official' takes all that have a label.")
]
Split = Annotated[str, typer.Option("--split", help="Count only lesions of this split.", show_default=False)]


@app.command()
def queue(
    kind: Annotated[
        str,
        typer.Argument(metavar="[QUEUE]", help="correlations, contradicted, confused, terms or unmapped; default all."),
    ] = "",
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Items to show; default 20 of one queue, 3 of each of all.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what was deferred, rejected or promoted.")] = False,
    candidates: Annotated[
        Path | None,
        typer.Option("--candidates", help="First take in terms that `lesionkg mine suggest --out FILE` counted."),
    ] = None,
    source: Annotated[str, typer.Option("--source", help="With --candidates: name of the reports.")] = "reports",
    model: Model = "",
    cohort: Cohort = "official",
    split: Split = "",
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """List what a model and labelled lesions suggest to change, most telling first, and what it would become.

    correlations: learned between labels that no relation connects; contradicted: exclusive pairs that lesions have
    both of; confused: positive correlations between exclusive labels; terms: said in reports, covered by no label;
    unmapped: labels without a RadLex id.
    """
    from kg.curation.decisions import latest, standing
    from kg.curation.queues import QueueKind
    from kg.curation.queues_graph import read_sources
    from kg.curation.queues_ranked import term_items
    from kg.curation.queues_tables import make_queue_tables
    from kg.curation.queues_terms import keep_terms, kept_terms, read_candidates
    from kg.curation.reconcile import failed
    from lesionkg.cli.ontology.queues_text import as_dict, print_queues

    chosen = [_queue(kind)] if kind else list(QueueKind)
    terms = read_candidates(candidates, source) if candidates else None
    with curation(home, graph, read_only=True) as (database, store):
        make_queue_tables(database)
        sources = read_sources(store, model, cohort, split)
        ontology = sources.lesions.ontology
        if terms is not None:
            keep_terms(database, source, terms)
        items = sources.items() | {QueueKind.TERMS: term_items(ontology, kept_terms(database))}
        decisions, nothing = latest(database, ontology), failed(database, store)
    today = datetime.now(UTC).date().isoformat()
    most = limit or (_ONE if kind else _EACH)
    listed = {each: standing(items[each], decisions, today, nothing) for each in chosen}
    shown = {each: [one for one in rows if one.open or everything][:most] for each, rows in listed.items()}
    if not json_:
        print_queues(sources, listed, shown)
        return
    print_json(
        {
            "revision": sources.revision,
            "model": sources.model,
            "lesions": {"of": sources.data, "split": split, "number": len(sources.lesions.ids)},
            "queues": {
                each.value: {
                    "items": len(rows),
                    "open": sum(one.open for one in rows),
                    "shown": [as_dict(one, ontology) for one in shown[each]],
                }
                for each, rows in listed.items()
            },
        }
    )


@app.command()
def decide(
    item: Annotated[str, typer.Argument(help="Id of an item, as `lesionkg ontology queue` shows it.")],
    promote: Annotated[bool, typer.Option("--promote", help="Propose the change that it becomes.")] = False,
    defer: Annotated[bool, typer.Option("--defer", help="Not now.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="Never again, whatever later models say.")] = False,
    reopen: Annotated[bool, typer.Option("--reopen", help="Take an earlier decision back.")] = False,
    reviewer: Reviewer = "",
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    until: Annotated[str, typer.Option("--until", help="With --defer: day on which it comes back, YYYY-MM-DD.")] = "",
    kind: Annotated[
        SoftKind | None, typer.Option("--kind", help="Soft relation to make, whatever lesions say.")
    ] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Drop a contradicted pair, make no exceptions.")] = False,
    rid: Annotated[str, typer.Option("--rid", help="RadLex id for a label without one.")] = "",
    rid_name: Annotated[str, typer.Option("--rid-name", help="RadLex's name of it.")] = "",
    match: Annotated[MatchKind, typer.Option("--match", help="How it compares with the label.")] = MatchKind.EXACT,
    synonym_of: Annotated[str, typer.Option("--synonym-of", help="Label that a term is a synonym of.")] = "",
    scope: Annotated[
        SynonymScope, typer.Option("--scope", help="How the synonym compares with the label.")
    ] = SynonymScope.EXACT,
    new_label: Annotated[
        LabelClass | None, typer.Option("--new-label", help="Class of the new label that a term becomes.")
    ] = None,
    override: Annotated[
        list[str] | None,
        typer.Option("--override", help="RULE=REASON: why to go against a warning of this rule. May be repeated."),
    ] = None,
    model: Model = "",
    cohort: Cohort = "official",
    split: Split = "",
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Decide about an item of a queue: promote it into a proposal, defer it, reject it for good, or reopen it.

    Promotion makes a soft relation unless lesions carry a strict one; what they do not carry is refused.
    The decision holds for every later model.
    """
    from kg.curation.decisions import Decision, latest, require_allowed
    from kg.curation.decisions import decide as keep
    from kg.curation.edits import new_label_id
    from kg.curation.proposals import proposals
    from kg.curation.queues_graph import read_sources, stamp_reviews
    from kg.curation.queues_promotion import Choice
    from kg.curation.queues_promotion import promote as change_set_of
    from kg.curation.queues_proposals import propose_item, require_no_open_proposal
    from kg.curation.queues_ranked import term_items
    from kg.curation.queues_tables import make_queue_tables
    from kg.curation.queues_terms import kept_terms
    from kg.curation.queues_text import why
    from lesionkg.cli.ontology.queues_text import decided

    action, overrides = _action(item, promote, defer, reject, reopen), overrides_of(override)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    made = Decision(item, action, reviewer, reason, now, until=_day(until, defer))
    with curation(home, graph) as (database, store):
        make_queue_tables(database)
        sources = read_sources(store, model, cohort, split)
        ontology = sources.lesions.ontology
        seen = latest(database, ontology).get(item)
        require_allowed(made, seen)
        queued = [*chain(*sources.items().values()), *term_items(ontology, kept_terms(database))]
        found = next((one for one in queued if one.id == item), None)
        if found is None and not reopen:
            raise UsageError(f"{item}: stands in no queue now; `lesionkg ontology queue --all` lists what does")
        if found is not None:
            made = replace(made, evidence=why(found))
        if found is not None and promote:
            proposed = {label for one in proposals(database) for label in one.change_set.labels}
            new_id = new_label_id(ontology, proposed) if new_label else ""
            choice = Choice(kind, drop, rid, rid_name, match, synonym_of, scope, new_label, new_id)
            change_set = change_set_of(found, ontology, reviewer, now, reason, choice)
            change_set = replace(change_set, overrides=overrides)
            kept = propose_item(database, store, change_set, made, seen, sources.revision)
        else:
            require_no_open_proposal(database, item, seen)
            kept = keep(database, made, seen)
        stamped = stamp_reviews(store, latest(database, ontology))
    if json_:
        print_json({**kept.as_dict(), "correlations_stamped": stamped})
        return
    console.print(f"{item}: {decided(kept)}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def decisions(
    item: Annotated[str, typer.Argument(help="Id of an item, as `lesionkg ontology queue` shows it.")],
    home: Home = None,
    json_: Json = False,
) -> None:
    """Show all that was decided about an item of a queue, the first decision first."""
    from kg.curation.decisions import decisions_about
    from kg.curation.proposal_tables import open_curation
    from kg.curation.queues_tables import make_queue_tables
    from lesionkg.cli.ontology.queues_text import decided

    with open_curation(home_folder(home)) as database:
        make_queue_tables(database)
        found = decisions_about(database, item)
    if json_:
        print_json([one.as_dict() for one in found])
        return
    for one in found or ():
        console.print(decided(one), markup=False, highlight=False, soft_wrap=True)
    if not found:
        console.print(f"{item}: nothing was decided", markup=False, highlight=False, soft_wrap=True)


def _queue(name: str) -> QueueKind:
    from kg.curation.queues import QueueKind

    if name not in set(QueueKind):
        raise UsageError(f"queue {name!r}: unknown; use one of {', '.join(QueueKind)}")
    return QueueKind(name)


def _action(item: str, promote: bool, defer: bool, reject: bool, reopen: bool) -> Action:
    from kg.curation.decisions import Action

    asked = {
        Action.PROMOTED: promote, Action.DEFERRED: defer, Action.REJECTED: reject, Action.REOPENED: reopen,
    }  # fmt: skip
    chosen = [action for action, wanted in asked.items() if wanted]
    if len(chosen) != 1:
        raise UsageError(f"{item}: give one of --promote, --defer, --reject and --reopen")
    return chosen[0]


def _day(until: str, defer: bool) -> str:
    if until and not defer:
        raise UsageError("--until: the day on which a deferred item comes back; give it with --defer")
    try:
        return date.fromisoformat(until).isoformat() if until else ""
    except ValueError as error:
        raise UsageError(f"--until {until!r}: no day; write YYYY-MM-DD") from error

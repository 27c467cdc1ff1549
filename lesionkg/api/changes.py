"""``/api/changes``: changes of the ontology, from their impact to the revision that carries them out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from sqlalchemy import Connection
from starlette.responses import JSONResponse

from kg.curation import proposal_application, proposals
from kg.curation.assessment import assess
from kg.curation.change_set import ChangeSet, change_set_from_dict
from kg.curation.graph_identity import graph_identity, label_names, named_label
from kg.curation.impact import impact
from kg.curation.incoherence import read_models
from kg.curation.kgcl_parser import parse_changes
from kg.curation.label_data import read_label_data
from kg.curation.policy import read_policy
from kg.curation.proposal import Proposal, Status
from kg.errors import CohortError, OntologyError, UsageError
from kg.ontology import Ontology
from kg.revision import verified
from lesionkg.api.change_bodies import (
    Judgement,
    MeasuredAnswer,
    MeasuredLines,
    MeasuredSet,
    ProposalAnswer,
    ProposedLines,
    ProposedSet,
)
from lesionkg.api.context import Curator, Place, Reader
from lesionkg.api.problems import found_or_404, problems
from lesionkg.server.audit import Action, write_entry
from lesionkg.server.people import User
from lesionkg.server.workplace import Workplace

router = APIRouter(prefix="/api/changes", tags=["changes"])

Number = Annotated[int, Path(ge=1, le=10**9, description="Number of a proposal.", examples=[1])]


@router.get("", responses=problems(404), response_model=list[ProposalAnswer])
def changes(
    place: Place,
    user: Reader,
    status: Annotated[list[Status] | None, Query(description="Of this status; may be repeated.")] = None,
    author: Annotated[str, Query(description="Of this author.")] = "",
    label: Annotated[str, Query(description="About this label: id or preferred name.")] = "",
    most: Annotated[int, Query(ge=1, le=1000, description="Number of proposals.")] = 100,
) -> JSONResponse:
    """Proposals for this graph, newest first."""
    with found_or_404():
        identity, names = place.store.read_transaction(lambda tx: (graph_identity(tx), label_names(tx)))
        about = named_label(names, label)
    found = proposals.proposals(place.database, status or [], author, about, identity)
    return JSONResponse([one.as_dict() for one in found[:most]])


@router.post(
    "",
    status_code=201,
    responses={**problems(409, 413), 201: {"description": "It was kept, and applied where that was asked for."}},
    response_model=ProposalAnswer,
)
def propose(place: Place, user: Curator, body: ProposedLines | ProposedSet) -> JSONResponse:
    """Propose changes; with `apply`, accept and apply them at once. Whoever sends them answers for them."""
    if body.apply and body.draft:
        raise UsageError("apply: not together with draft; give one of them")
    if body.apply and read_policy(place.database):
        raise UsageError("apply: the policy says that another one reviews; propose, and ask somebody")
    base, ontology, taken = _state(place)
    made = _change_set(body, ontology, user, taken)
    made = replace(made, reason=body.reason or made.reason, source=body.source or made.source)
    made = replace(made, overrides={**made.overrides, **body.overrides})
    if body.impact:
        measured = _impact(place, ontology, made.apply(ontology), body.impact, body.label_set)
        made = replace(made, impact=f"{body.impact}: {measured.summary}")
    base = base if body.base is None else body.base
    kept = proposals.propose(place.database, place.store, made, base, body.draft, _noting(user, "propose"))
    if body.apply:
        noting = _noting(user, "accept")
        proposals.review(place.database, kept.id, True, user.name, "applied by its author", beside=noting)
        kept = _carry_out(place, user, kept)
    return JSONResponse(kept.as_dict(), 201)


@router.post("/impact", responses=problems(409, 413), response_model=MeasuredAnswer)
def measure(place: Place, user: Reader, body: MeasuredLines | MeasuredSet) -> JSONResponse:
    """What changes would do before they are kept: findings of the rules, impact on label data and models."""
    _, ontology, taken = _state(place)
    assessment = assess(ontology, _change_set(body, ontology, user, taken))
    try:
        found: dict[str, Any] | None = _impact(place, ontology, assessment.after, body.cohort, body.label_set).as_dict()
    except OntologyError:
        if not assessment.errors:
            raise
        found = None
    return JSONResponse(
        {
            "before": ontology.content_hash,
            "after": assessment.after.content_hash,
            "assessment": assessment.as_dict(),
            "impact": found,
        }
    )


@router.get("/{number}", responses=problems(404), response_model=ProposalAnswer)
def change(place: Place, user: Reader, number: Number) -> JSONResponse:
    """A proposal with all that happened to it."""
    return JSONResponse(_found(place, number).as_dict())


@router.post("/{number}/review", responses=problems(404, 409), response_model=ProposalAnswer)
def review(place: Place, user: Curator, number: Number, body: Judgement) -> JSONResponse:
    """Accept or reject a proposal."""
    key, noting = _found(place, number).id, _noting(user, "accept" if body.accept else "reject")
    done = proposals.review(place.database, key, body.accept, user.name, body.comment, body.seen, noting)
    return JSONResponse(done.as_dict())


@router.post("/{number}/apply", responses=problems(404, 409), response_model=ProposalAnswer)
def apply(place: Place, user: Curator, number: Number) -> JSONResponse:
    """Apply an accepted proposal: all of it or nothing, and once, however often it is asked for."""
    return JSONResponse(_carry_out(place, user, _found(place, number)).as_dict())


def _found(place: Workplace, number: int) -> Proposal:
    with found_or_404():
        return proposals.find(place.database, str(number))


def _noting(user: User, step: str) -> proposals.Beside:
    """What writes the row of the audit log together with a step: when it cannot, the step does not happen."""

    def note(connection: Connection, done: Proposal) -> None:
        write_entry(connection, user, Action.CHANGE, str(done.number), {"step": step})

    return note


def _carry_out(place: Workplace, user: User, found: Proposal) -> Proposal:
    """Apply a proposal; the graph is another store, so that the row comes first. The proposal tells how it ended."""
    place.audit.record(user, Action.CHANGE, str(found.number), step="apply")
    return proposal_application.apply(place.database, place.store, found.id, user.name).proposal


def _state(place: Workplace) -> tuple[int, Ontology, set[str]]:
    """Newest revision, its ontology, and ids of labels that proposals are about, so that no new one takes them."""
    head, ontology, identity = place.store.read_transaction(lambda tx: (*verified(tx), graph_identity(tx)))
    kept = proposals.proposals(place.database, graph=identity)
    return head.sequence, ontology, {label for one in kept for label in one.change_set.labels}


def _change_set(
    body: ProposedLines | ProposedSet | MeasuredLines | MeasuredSet, ontology: Ontology, user: User, taken: set[str]
) -> ChangeSet:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    if isinstance(body, (ProposedSet, MeasuredSet)):
        return replace(change_set_from_dict(body.change_set), author=user.name)
    parsed = parse_changes("\n".join(body.lines), ontology, user.name, created, getattr(body, "source", ""), taken)
    return ChangeSet(parsed, user.name, created)


def _impact(place: Workplace, before: Ontology, after: Ontology, cohort: str, label_set: str) -> Any:
    try:
        data = read_label_data(place.store, cohort)
    except CohortError as error:
        raise UsageError(str(error)) from error
    return impact(before, after, data, label_set, read_models(place.store))

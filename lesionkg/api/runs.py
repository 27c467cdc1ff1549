"""``/api/runs``: models, those trained on other machines too."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi import Path as InPath
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from kg.errors import CohortError, ConflictError, InputError, StoreError, TrainingError
from kg.graph_cohort import list_cohorts
from learn.registered_runs import FILES, RegisteredRuns, Tensor
from lesionkg.api.context import Curator, Place, Reader
from lesionkg.api.problems import TooLargeError, problems
from lesionkg.api.run_bodies import Publication, PublishedAnswer, Registration, RunAnswer, RunEntry, TensorBody
from lesionkg.api.run_facts import REGISTERED, RunFacts
from lesionkg.publishing import publish_run
from lesionkg.server.audit import Action

router = APIRouter(prefix="/api/runs", tags=["training"])

RunId = Annotated[str, InPath(description="Id of a run.", examples=["metadata-e63549d673"], max_length=100)]
FileName = Annotated[str, InPath(description=f"One of {', '.join(FILES)}.", examples=["predictions.parquet"])]


def _registered(request: Request) -> RegisteredRuns:
    state = request.app.state
    if not hasattr(state, "registered_runs"):
        state.registered_runs = RegisteredRuns(state.workplace.settings.home / REGISTERED)
    runs: RegisteredRuns = state.registered_runs
    return runs


Registered = Annotated[RegisteredRuns, Depends(_registered)]


def _facts(place: Place, registered: Registered) -> RunFacts:
    return RunFacts(place, registered)


Runs = Annotated[RunFacts, Depends(_facts)]


@router.get("", responses=problems())
def runs(user: Reader, known: Runs) -> list[RunEntry]:
    """All runs of this server, the newest first."""
    return known.all()


@router.post(
    "",
    status_code=201,
    responses={
        **problems(409, 413),
        200: {"description": "It was registered before.", "model": RunEntry},
        201: {"description": "It is registered now."},
    },
    response_model=RunEntry,
)
def register(place: Place, user: Curator, registered: Registered, known: Runs, body: Registration) -> JSONResponse:
    """Register a run: its configuration, and names, types and shapes of its weights. Its files follow with `PUT`.

    Sending the same again changes nothing; the answer tells which files are missing.
    """
    if all(entry.id != body.config.cohort for entry in list_cohorts(place.store)):
        raise InputError(
            f"run {body.config.run_id}: this graph has no cohort {body.config.cohort}; train on one it has"
        )
    tensors = [Tensor(one.name, one.dtype, tuple(one.shape)) for one in body.weights]
    run, new = registered.register(body.config.model_dump(by_alias=True, exclude_unset=True), tensors)
    place.audit.record(user, Action.RUN, run.run_id, step="register", new=new)
    return JSONResponse(known.entries([known.find(run.run_id)])[0].model_dump(), 201 if new else 200)


@router.get("/{run_id}", responses=problems(404))
def run(user: Reader, known: Runs, run_id: RunId) -> RunAnswer:
    """A run with its configuration and metrics."""
    found = known.find(run_id)
    tensors = [TensorBody(name=one.name, dtype=one.dtype, shape=list(one.shape)) for one in found.run.tensors]
    return RunAnswer(
        **known.entries([found])[0].model_dump(),
        config=dict(found.run.config),
        metrics=found.metrics(),
        weights=tensors,
    )


@router.put(
    "/{run_id}/files/{name}",
    status_code=204,
    responses={**problems(404, 409, 413), 204: {"description": "It is there."}},
    response_class=Response,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def upload(
    request: Request, place: Place, user: Curator, registered: Registered, run_id: RunId, name: FileName
) -> None:
    """Send a file of a registered run.

    It is streamed to disk, and is there only when all of it arrived with the SHA-256 that was registered. Example:
    `curl -T predictions.parquet http://127.0.0.1:8080/api/runs/metadata-e63549d673/files/predictions.parquet`.
    """
    most = place.settings.upload_bytes
    arriving = registered.arriving(run_id, name)
    stream = await run_in_threadpool(arriving.__enter__)
    try:
        size = 0
        async for piece in request.stream():
            size += len(piece)
            if size > most:
                raise TooLargeError(f"run {run_id}: {name} is larger than the {most} bytes taken here; send less")
            await run_in_threadpool(stream.write, piece)
    except BaseException as error:
        await run_in_threadpool(arriving.__exit__, type(error), error, error.__traceback__)
        raise
    await run_in_threadpool(arriving.__exit__, None, None, None)
    await run_in_threadpool(place.audit.record, user, Action.RUN, run_id, step="upload", file=name, bytes=size)


@router.post("/{run_id}/publish", responses=problems(404, 409, 413), response_model=PublishedAnswer)
def publish(place: Place, user: Curator, known: Runs, run_id: RunId, body: Publication | None = None) -> JSONResponse:
    """Write a run into the graph, as `lesionkg publish` does: correlations, predictions and similar lesions.

    Publishing twice changes nothing.
    """
    read = known.read(run_id)
    place.audit.record(user, Action.RUN, run_id, step="publish")
    try:
        done = publish_run(place.store, place.database, read, body.min_weight if body else None)
    except (CohortError, TrainingError) as error:
        raise ConflictError(str(error)) from error
    except StoreError as error:
        if type(error) is StoreError:
            raise ConflictError(str(error)) from error
        raise
    return JSONResponse(done.as_dict())

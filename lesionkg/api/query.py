"""``/api/query``: named queries, and free Cypher that only reads."""

from __future__ import annotations

import io
import json
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi import Request as HttpRequest
from pyarrow import parquet
from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from kg.errors import QueryRefusedError, StoreError
from lesionkg.api.context import Place, Reader
from lesionkg.api.problems import found_or_404, problems
from lesionkg.server.audit import Action
from lesionkg.server.people import User
from lesionkg.server.workplace import Workplace
from queries.catalogue import catalogue, named
from queries.disclosure import disclosable
from queries.request import MOST_ROWS, Request
from queries.results import NOTICE, Result, as_arrow, as_json, write_csv

router = APIRouter(prefix="/api", tags=["queries"])

_OWN = ("format", "rows", "seconds")
"""Parameters of the route itself; no named query has one of these names."""


class Form(StrEnum):
    """Forms of a result."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


class QueryParameter(BaseModel):
    """A parameter of a named query."""

    name: str
    type: str
    default: JsonValue = Field(description="Null when a value must be given.")
    description: str


class QueryColumn(BaseModel):
    """A column of its result."""

    name: str
    meaning: str


class NamedQueryAnswer(BaseModel):
    """A named query."""

    name: str
    title: str
    question: str
    parameters: list[QueryParameter]
    columns: list[QueryColumn]


class ResultAnswer(BaseModel):
    """Rows of a query."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "notice": NOTICE,
                "columns": ["label", "lesions"],
                "rows": [{"label": "lung", "lesions": 1021}],
                "truncated": False,
                "notes": [],
                "seconds": 0.012,
                "memory_mb": 0,
            }
        }
    )

    notice: str
    columns: list[str]
    rows: list[dict[str, JsonValue]] = Field(description="Numbers that are not finite are null.")
    truncated: bool = Field(description="There were more rows than were allowed.")
    notes: list[str] = Field(description="What must be said beside it, e.g. that its model saw no pixels.")
    seconds: float
    memory_mb: float = Field(description="Most memory of the process of a free query; 0 for a named one.")


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    parameters: dict[str, JsonValue] = Field({}, description="Values by name, without `$`.")
    rows: int = Field(MOST_ROWS, ge=1, le=MOST_ROWS, description="Most rows.")
    seconds: float | None = Field(None, gt=0, le=3600, description="Less time than the server allows.")
    format: Form = Field(Form.JSON, strict=False)

    @field_validator("parameters")
    @classmethod
    def _written(cls, given: dict[str, JsonValue]) -> dict[str, JsonValue]:
        try:
            json.dumps(given, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("a text holds half of a surrogate pair") from None
        return given


class NamedQuestion(_Question):
    """A named query."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"name": "lesions-under-label", "parameters": {"label": "liver", "limit": 5}, "format": "json"}
        }
    )

    name: str = Field(min_length=1)


class FreeQuestion(_Question):
    """Free Cypher that only reads."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "cypher": "MATCH (c:Label) WHERE c.name STARTS WITH $start RETURN c.name AS name ORDER BY name",
                "parameters": {"start": "lung"},
                "rows": 10,
            }
        }
    )

    cypher: str = Field(min_length=1)


_ANSWERS = {
    **problems(404, 408, 413),
    200: {
        "description": "The rows.",
        "model": ResultAnswer,
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
        },
        "headers": {
            "X-Truncated": {"schema": {"type": "string"}, "description": "`true` when there were more rows."},
            "X-Notes": {"schema": {"type": "string"}, "description": "The notes of the result as JSON."},
        },
    },
}

_FREE_PARAMETERS = {
    "parameters": [
        {
            "name": "parameters",
            "in": "query",
            "style": "form",
            "explode": True,
            "description": "Parameters of the query by name; lists separated by commas.",
            "schema": {"type": "object", "additionalProperties": {"type": "string"}},
            "example": {"label": "liver", "limit": "5"},
        }
    ]
}


@router.get("/query", responses=problems())
def queries(user: Reader) -> list[NamedQueryAnswer]:
    """All named queries, with their parameters and columns."""
    return [NamedQueryAnswer(**query.as_dict()) for query in catalogue().values()]


@router.get("/query/{name}", responses=_ANSWERS, response_class=Response, openapi_extra=_FREE_PARAMETERS)
async def named_query(
    request: HttpRequest,
    place: Place,
    user: Reader,
    name: Annotated[str, Path(description="Name of a named query.", examples=["lesions-under-label"])],
    format: Annotated[Form, Query(description="Form of the result.")] = Form.JSON,
    rows: Annotated[int, Query(ge=1, le=MOST_ROWS, description="Most rows.")] = MOST_ROWS,
) -> Response:
    """Answer a named query.

    Its parameters are parameters of the address, e.g. `/api/query/lesions-under-label?label=liver&limit=5`.
    """
    with found_or_404():
        named(name)
    given = {key: value for key, value in request.query_params.items() if key not in _OWN}
    return await _answer(place, user, Request(name=name, parameters=given, rows=rows), format, None)


@router.post("/query", responses=_ANSWERS, response_class=Response)
async def ask(place: Place, user: Reader, question: NamedQuestion | FreeQuestion) -> Response:
    """Answer a named query or free Cypher, which may only read and is ended after the server's time limit."""
    name = question.name if isinstance(question, NamedQuestion) else ""
    cypher = question.cypher if isinstance(question, FreeQuestion) else ""
    if name:
        with found_or_404():
            named(name)
    request = Request(name, cypher, dict(question.parameters), question.rows)
    return await _answer(place, user, request, question.format, question.seconds)


async def _answer(place: Workplace, user: User, request: Request, form: Form, seconds: float | None) -> Response:
    what = {"parameters": dict(request.parameters), "rows": request.rows, "format": form.value}
    await run_in_threadpool(
        place.audit.record, user, Action.QUERY, request.name or "cypher", cypher=request.cypher, **what
    )
    try:
        result = await place.desk.answered(request, seconds)
    except StoreError as error:
        if type(error) is StoreError and request.cypher:
            raise QueryRefusedError(f"query: the graph refused it ({error}); correct it and ask again") from error
        raise
    if form is not Form.JSON:
        result = await run_in_threadpool(disclosable, result, request, place.settings.smallest_group, place.store)
        await run_in_threadpool(
            place.audit.record, user, Action.EXPORT, request.name or "cypher", format=form.value, rows=len(result.rows)
        )
    return await run_in_threadpool(_formed, result, form, request.name or "query")


def _formed(result: Result, form: Form, name: str) -> Response:
    headers = {"X-Truncated": json.dumps(result.truncated), "X-Notes": json.dumps(result.notes)}
    if form is Form.JSON:
        return Response(json.dumps(as_json(result)), 200, headers, "application/json")
    headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    if form is Form.CSV:
        text = io.StringIO(newline="")
        write_csv(result, text)
        return Response(text.getvalue().encode("utf-8", "replace"), 200, headers, "text/csv; charset=utf-8")
    stream = io.BytesIO()
    parquet.write_table(as_arrow(result), stream)
    return Response(stream.getvalue(), 200, headers, "application/vnd.apache.parquet")

"""``/api/audit``: who did what, for admins."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from lesionkg.api.context import Admin, Place
from lesionkg.api.problems import problems
from lesionkg.server.audit import Filter

router = APIRouter(prefix="/api", tags=["server"])


class AuditEntry(BaseModel):
    """One row of the audit log."""

    number: int
    moment: str
    person: str
    action: str
    subject: str
    details: dict[str, Any]


@router.get("/audit", responses=problems())
def entries(
    place: Place,
    user: Admin,
    person: Annotated[str, Query(description="Of this user only.")] = "",
    action: Annotated[str, Query(description="Of this kind only.")] = "",
    subject: Annotated[str, Query(description="About this id or name only.")] = "",
    since: Annotated[str, Query(description="From this moment on, ISO 8601; UTC without zone.")] = "",
    before: Annotated[int, Query(ge=0, le=2**31 - 1, description="With a smaller number only: the next page.")] = 0,
    most: Annotated[int, Query(ge=1, le=1000, description="Number of entries.")] = 100,
) -> list[AuditEntry]:
    """The audit log, the newest entry first."""
    found = place.audit.entries(Filter(person, action, subject, since, before, most))
    return [
        AuditEntry(
            number=entry.number,
            moment=entry.moment,
            person=entry.person,
            action=entry.action,
            subject=entry.subject,
            details=dict(entry.details),
        )
        for entry in found
    ]

"""Bodies and answers of ``/api/changes``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from kg.graph_cohort import DEFAULT_LABEL_SET

_STRICT = ConfigDict(extra="forbid", strict=True)
_LINES: list[JsonValue] = ["create exact synonym 'nodule of the lung' for 'lung nodule'"]

Line = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]


class _Lines(BaseModel):
    model_config = _STRICT

    lines: list[Line] = Field(
        min_length=1,
        max_length=10_000,
        description="Changes, one a line, as `lesionkg ontology propose` takes them.",
        examples=[_LINES],
    )


class _Set(BaseModel):
    model_config = _STRICT

    change_set: dict[str, JsonValue] = Field(
        description="A change set as `lesionkg ontology history --json` shows it; its author is who sends it.",
    )


class _Proposing(BaseModel):
    model_config = _STRICT

    reason: str = Field("", max_length=10_000, description="Why; a change set may hold its own.")
    source: str = Field("", max_length=10_000, description="What it rests on, e.g. `RadLex 4.2`.")
    overrides: dict[str, str] = Field({}, description="Reasons for going against warnings, by rule.")
    base: int | None = Field(None, ge=1, le=10**9, description="Revision it was made on; default the newest.")
    impact: str = Field(
        "", max_length=200, description="Measure the impact on this cohort, or `official`, and keep it."
    )
    label_set: str = Field(DEFAULT_LABEL_SET, description="Whose columns the impact counts.")
    draft: bool = Field(False, description="Keep it whatever the rules say.")
    apply: bool = Field(False, description="Accept and apply it at once, where the policy lets authors do so.")


class ProposedLines(_Lines, _Proposing):
    """Changes as lines, to be kept."""

    model_config = ConfigDict(json_schema_extra={"example": {"lines": _LINES, "reason": "reports write it so"}})


class ProposedSet(_Set, _Proposing):
    """Changes as a change set, to be kept."""


class _Measured(BaseModel):
    model_config = _STRICT

    cohort: str = Field("lesanet", description="Id or name of the cohort to count, or `official`.")
    label_set: str = Field(DEFAULT_LABEL_SET, description="Whose columns are counted.")


class MeasuredLines(_Lines, _Measured):
    """Changes as lines, to be measured."""

    model_config = ConfigDict(json_schema_extra={"example": {"lines": _LINES, "cohort": "lesanet"}})


class MeasuredSet(_Set, _Measured):
    """Changes as a change set, to be measured."""


class Judgement(BaseModel):
    """A review."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"example": {"accept": True, "comment": "as RadLex has it"}}
    )

    accept: bool
    comment: str = Field("", max_length=10_000, description="Why; a rejection needs one.")
    seen: int | None = Field(
        None, ge=1, le=10**9, description="How many events the reviewer saw; more than these is a conflict."
    )


class ChangeSetAnswer(BaseModel):
    """Changes made together."""

    author: str
    created: str
    reason: str
    source: str
    impact: str
    review: str
    overrides: dict[str, str]
    changes: list[dict[str, Any]]


class EventAnswer(BaseModel):
    """Something that happened to a proposal."""

    number: int
    kind: str
    actor: str
    created: str
    comment: str
    status: str
    revision: int
    change_set: ChangeSetAnswer | None


class ProposalAnswer(BaseModel):
    """A proposal and all that happened to it."""

    number: int
    id: str
    status: str = Field(description="draft, proposed, accepted, rejected, applied or withdrawn.")
    author: str
    created: str
    base: int = Field(description="Revision it was made on.")
    revision: int = Field(description="Revision that carries it out; 0 for none.")
    change_set: ChangeSetAnswer
    events: list[EventAnswer]


class FindingAnswer(BaseModel):
    """Something a rule says."""

    rule: str
    severity: str
    labels: list[str]
    message: str
    chain: list[str]


class AssessmentAnswer(BaseModel):
    """What the rules say about a change set."""

    errors: list[FindingAnswer]
    warnings: list[FindingAnswer]
    mended: list[FindingAnswer]
    remedy: dict[str, Any] = Field(description="The fewest statements to drop to get out of the errors.")


class ImpactAnswer(BaseModel):
    """What a change does to label data, relations and models."""

    summary: str = Field(description="The main figures in one line.")
    label_set: str
    data: str = Field(description="What was counted.")
    matrix_hash: dict[str, str]
    columns_added: list[str]
    columns_removed: list[str]
    splits: dict[str, dict[str, int]]
    labels: list[dict[str, Any]]
    matrix_cells: dict[str, list[list[str]]]
    becomes_contradictory: list[dict[str, Any]]
    stops_contradictory: list[dict[str, Any]]
    clashes: list[dict[str, Any]]
    left_without_negative: list[str]
    first_negatives: list[str]
    without_negative: list[str]
    junction_tree: dict[str, dict[str, Any]]
    models: list[dict[str, Any]]


class MeasuredAnswer(BaseModel):
    """A change set before it is kept: what the rules say, and what it would do."""

    before: str = Field(description="Ontology hash.")
    after: str = Field(description="Ontology hash.")
    assessment: AssessmentAnswer
    impact: ImpactAnswer | None = Field(description="Null when an error leaves nothing to count with.")

"""``/api/labelsets`` and ``/api/labels``: the vocabulary."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from kg.card import Card, card
from kg.matrices import RelationMatrices
from kg.ontology import LabelSet, Ontology
from kg.revision import head
from lesionkg.api.context import Place, Reader
from lesionkg.api.problems import found_or_404, problems

router = APIRouter(prefix="/api", tags=["ontology"])


class LabelSetEntry(BaseModel):
    """A label set without its labels."""

    name: str = Field(examples=["lesanet-171"])
    version: str
    labels: int = Field(description="How many it has.")
    member_hash: str = Field(description="SHA-256 of the ordered label ids.")
    matrix_hash: str = Field(description="SHA-256 of the ordered label ids and both closures.")


class Column(BaseModel):
    """A label in its place in a set."""

    position: int = Field(description="Column, from 0.")
    id: str = Field(examples=["LKG:0000012"])
    name: str
    label_class: str = Field(description="bodypart, type or attribute.")


class LabelSetAnswer(LabelSetEntry):
    """A label set: the columns that a model predicts."""

    revision: int
    ontology_hash: str
    columns: list[Column]


@router.get("/labelsets", responses=problems(404, 409))
def label_sets(place: Place, user: Reader) -> list[LabelSetEntry]:
    """All label sets of the newest revision."""
    with found_or_404():
        ontology = place.ontology()
    return [_entry(ontology, one) for one in ontology.label_sets]


@router.get("/labelsets/{name}", responses=problems(404, 409))
def label_set(
    place: Place, user: Reader, name: Annotated[str, Path(description="Its name.", examples=["lesanet-171"])]
) -> LabelSetAnswer:
    """A label set with its labels in the order of the columns."""
    with found_or_404():
        newest = head(place.store)
        ontology = place.ontology()
        found = ontology.label_set(name)
    columns = [
        Column(position=position, id=i, name=ontology.by_id[i].name, label_class=ontology.by_id[i].label_class.value)
        for position, i in enumerate(found.members)
    ]
    return LabelSetAnswer(
        **_entry(ontology, found).model_dump(),
        revision=newest.sequence,
        ontology_hash=ontology.content_hash,
        columns=columns,
    )


@router.get("/labels/{key}", responses=problems(404, 409))
def label(
    place: Place,
    user: Reader,
    key: Annotated[str, Path(description="Id or preferred name.", examples=["LKG:0000012", "lung nodule"])],
) -> Card:
    """Everything the ontology says about a label, with why for what it only implies."""
    with found_or_404():
        return card(place.ontology(), key)


def _entry(ontology: Ontology, one: LabelSet) -> LabelSetEntry:
    return LabelSetEntry(
        name=one.name,
        version=one.version,
        labels=len(one.members),
        member_hash=hashlib.sha256(json.dumps(one.members).encode()).hexdigest(),
        matrix_hash=RelationMatrices.from_ontology(ontology, one.name).matrix_hash,
    )

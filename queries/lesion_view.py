"""All that the graph knows of one lesion: what the lesion page and the API show."""

from __future__ import annotations

import math
from typing import TypeVar

from kg.errors import NotFoundError
from kg.store import GraphStore, Row, Transaction
from queries.lesion_facts import CohortPlace, Geometry, LabelRef, LesionView, Relative, SentenceRef
from queries.lesion_labels import clashes_of, labels_of
from queries.lesion_models import models_of

N = TypeVar("N", int, float)

_BY_ID = "MATCH (l:Lesion {id: $id}) RETURN properties(l) AS has ORDER BY l.id"
_BY_INDEX = "MATCH (l:Lesion {index: $index}) RETURN properties(l) AS has ORDER BY l.id LIMIT 1"
_PATH = """
MATCH (:Lesion {id: $id})<-[:HAS_LESION]-(e:Series)<-[:HAS_SERIES]-(s:Study)<-[:HAS_STUDY]-(p:Patient)
RETURN p.id AS patient, p.sex AS sex, s.id AS study, s.index AS number, s.age AS age, e.id AS series
ORDER BY patient, study, series LIMIT 1
"""
_COHORTS = """
MATCH (:Lesion {id: $id})-[r:IN_COHORT]->(c:Cohort)
RETURN c.id AS id, c.name AS name, r.split AS split, c.label_names AS names, r.relevant AS relevant,
       r.uncertain AS uncertain, r.irrelevant AS irrelevant
ORDER BY c.created DESC, id
"""
_RELATIVES = """
MATCH (:Patient {id: $patient})-[:HAS_STUDY]->(s:Study)-[:HAS_SERIES]->(:Series)-[:HAS_LESION]->(l:Lesion)
OPTIONAL MATCH (l)-[:HAS_LABEL]->(c:Label)
WITH s, l, c.name AS name
ORDER BY name
WITH s, l, collect(DISTINCT name) AS labels
RETURN s.id AS study, s.index AS number, s.age AS age, l.id AS lesion, l.long_mm AS long_mm, l.short_mm AS short_mm,
       labels
ORDER BY number, study, lesion
"""
_SAME = """
MATCH (:Lesion {id: $id})-[r:SAME_LESION_AS]-(o:Lesion)
RETURN o.id AS lesion, r.model AS model, r.distance AS distance ORDER BY distance, model, lesion
"""
_SENTENCES = """
MATCH (:Lesion {id: $id})<-[:DESCRIBES]-(s:Sentence)<-[:HAS_SENTENCE]-(r:Report)
OPTIONAL MATCH (s)-[m:MENTIONS]->(c:Label) WHERE m.lesion = $id
RETURN s.id AS sentence, r.id AS report, s.start AS begins, s.end AS ends, s.section AS section, c.id AS id,
       c.name AS name, c.class AS class, m.relevance AS relevance
ORDER BY report, begins, m.start, name
"""


def lesion_view(store: GraphStore, lesion: str) -> LesionView:
    """All that the graph knows of one lesion, read from one state of it.

    Args:
        store: the graph.
        lesion: its id, or its row in DL_info.csv, counted from 0.

    Raises:
        NotFoundError: the graph holds no such lesion.
    """

    def work(tx: Transaction) -> LesionView:
        has = _lesion(tx, lesion)
        found = str(has["id"])
        paths = tx.run(_PATH, {"id": found})
        path: Row = paths[0] if paths else {}
        labels = labels_of(tx, found)
        sex, age = path.get("sex") or has.get("sex"), path.get("age")
        return LesionView(
            id=found,
            index=has.get("index"),
            source=str(has.get("source") or ""),
            patient=path.get("patient", ""),
            study=path.get("study", ""),
            series=path.get("series", ""),
            study_order=path.get("number"),
            age=age if age is not None else has.get("age"),
            sex=sex,
            split=has.get("split"),
            geometry=_geometry(has),
            cohorts=tuple(_cohort(row) for row in tx.run(_COHORTS, {"id": found})),
            asserted=labels.asserted,
            inferred=labels.inferred,
            uncertain=labels.uncertain,
            not_about=labels.not_about,
            removed=labels.removed,
            superseded=labels.superseded,
            clashes=clashes_of(tx, labels),
            models=models_of(tx, found, labels),
            relatives=_relatives(tx, found, path.get("patient", "")),
            sentences=_sentences(tx, found),
        )

    return store.read_transaction(work)


def lesion_id(store: GraphStore, lesion: str) -> str:
    """Id of a lesion that is named by it, or by its row in DL_info.csv.

    Raises:
        NotFoundError: the graph holds no such lesion.
    """
    return str(store.read_transaction(lambda tx: _lesion(tx, lesion))["id"])


def _lesion(tx: Transaction, lesion: str) -> Row:
    rows = tx.run(_BY_ID, {"id": lesion})
    if not rows and lesion.isdecimal() and lesion.isascii() and len(lesion) < 10:
        rows = tx.run(_BY_INDEX, {"index": int(lesion)})
    if not rows:
        raise NotFoundError(
            f"lesion {lesion[:80]!r}: not in this graph; give its id, such as DL:01760, or its row in DL_info.csv"
        )
    has: Row = rows[0]["has"]
    return has


def _geometry(has: Row) -> Geometry:
    ends = has.get("measurement")
    long_px, short_px = _lengths(ends) if ends else (None, None)
    position = (has.get("x"), has.get("y"), has.get("z"))
    return Geometry(
        key_slice=has.get("key_slice"),
        slice_range=_pair(has.get("slice_range")),
        box=_tuple(has.get("box")),
        diameters=_tuple(ends),
        long_mm=has.get("long_mm"),
        short_mm=has.get("short_mm"),
        long_px=long_px,
        short_px=short_px,
        spacing_mm=has.get("spacing_mm"),
        slice_mm=has.get("slice_mm"),
        image_size=_pair(has.get("image_size")),
        window=_pair(has.get("window")),
        position=None if None in position else position,  # type: ignore[arg-type]  # all three are there
        noisy=has.get("noisy"),
    )


def _tuple(values: list[float] | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(values)


def _pair(values: list[N] | None) -> tuple[N, N] | None:
    return (values[0], values[1]) if values else None


def _lengths(ends: list[float]) -> tuple[float, float]:
    """Lengths of the two diameters, the longer first, in pixels."""
    one = math.dist(ends[0:2], ends[2:4])
    other = math.dist(ends[4:6], ends[6:8])
    return max(one, other), min(one, other)


def _cohort(row: Row) -> CohortPlace:
    names = row["names"] or []
    lists = {
        kind: tuple(names[column] for column in row[kind] or [] if 0 <= column < len(names))
        for kind in ("relevant", "uncertain", "irrelevant")
    }
    return CohortPlace(cohort=row["id"], name=row["name"], split=row["split"], **lists)


def _relatives(tx: Transaction, lesion: str, patient: str) -> tuple[Relative, ...]:
    same: dict[str, list[Row]] = {}
    for row in tx.run(_SAME, {"id": lesion}):
        same.setdefault(row["lesion"], []).append(row)
    return tuple(
        Relative(
            lesion=row["lesion"],
            study=row["study"],
            order=row["number"],
            age=row["age"],
            long_mm=row["long_mm"],
            short_mm=row["short_mm"],
            same=row["lesion"] == lesion or row["lesion"] in same,
            distance=min((one["distance"] for one in same.get(row["lesion"], ())), default=None),
            models=tuple(sorted({one["model"] for one in same.get(row["lesion"], ())})),
            labels=tuple(row["labels"]),
        )
        for row in (tx.run(_RELATIVES, {"patient": patient}) if patient else [])
    )


def _sentences(tx: Transaction, lesion: str) -> tuple[SentenceRef, ...]:
    labels: dict[str, list[tuple[LabelRef, str]]] = {}
    heads: dict[str, Row] = {}
    for row in tx.run(_SENTENCES, {"id": lesion}):
        heads.setdefault(row["sentence"], row)
        if row["id"] is not None:
            labels.setdefault(row["sentence"], []).append(
                (LabelRef(row["id"], row["name"], row["class"]), row["relevance"])
            )
    return tuple(
        SentenceRef(
            sentence=key,
            report=row["report"],
            start=row["begins"],
            end=row["ends"],
            section=row["section"] or "",
            labels=tuple(dict.fromkeys(labels.get(key, ()))),
        )
        for key, row in heads.items()
    )

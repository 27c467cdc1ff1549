"""Load DeepLesion into the graph: patients, studies, series, lesions, their labels, and the cohort ``lesanet``.

Everything goes in one write transaction: after a crash or an error the graph holds the old state or the new one.
Loading again, or loading corrected files, replaces what an earlier load wrote and leaves every other source alone.
Where a curator corrected a label (:mod:`kg.label_correction`), what is loaded is kept beside the correction.

A label relationship says what is asserted of a lesion itself; its ancestors follow from the ontology and are not stored
per lesion (:mod:`ingest.mentions`). A label that is relevant and uncertain on one lesion is relevant. The lists as
released, order and duplicates included, stay on ``IN_COHORT``. Relevance was predicted by the authors' text mining in
train, and verified by radiologists in val and test: ``HAS_LABEL.verified``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ingest.deeplesion import LESION_SCHEMA
from ingest.mentions import asserted_labels, listed_parents
from ingest.release import Release, lesion_ids, study_ids
from kg import algebra
from kg.algebra import BoolMatrix
from kg.correction_edges import SUPERSEDED, superseded
from kg.errors import UsageError
from kg.graph_cohort import add_cohort, find_content
from kg.graph_matrices import read_matrices
from kg.graph_rows import EdgeRows, NodeRows, Pair, write_all
from kg.label_correction import corrected_pairs
from kg.ontology import Ontology
from kg.shipped import load_shipped
from kg.spreadsheet import LABEL_SET, RELEASED
from kg.store import GraphStore, Row, Transaction

_PATH = ("patient", "study", "series")
_LESION_PROPERTIES = ("source", *(name for name in LESION_SCHEMA.names if name not in _PATH))


@dataclass(frozen=True)
class LoadSummary:
    """What a load left in the graph.

    Attributes:
        counts: nodes and relationships of this source, by label and type.
        written: nodes and relationships that were created, changed or removed; 0 when all was there.
        cohort: id of the cohort with the released lists.
        seconds: wall-clock time.
    """

    counts: Mapping[str, int]
    written: int
    cohort: str
    seconds: float


def load_deeplesion(
    store: GraphStore, release: Release, released: Ontology | None = None, label_set: str = LABEL_SET
) -> LoadSummary:
    """Load all lesions of a release, and the labels of some.

    Args:
        store: a graph that holds an ontology with the label set.
        release: lesions and label lists.
        released: the ontology whose parents the lists were expanded with; by default the released one that ships.
        label_set: the columns of the lists.

    Raises:
        InputError: the lists have other labels.
        UsageError: the graph has no ontology, or not this label set.
        StaleRevisionError: its ontology was edited behind our back.
        StoreError: nothing was stored.
    """
    started = time.perf_counter()
    ontology = released or load_shipped(RELEASED)
    members = ontology.label_set(label_set).members
    release.labels.require_columns([ontology.by_id[i].name for i in members], label_set)
    nodes = _node_rows(release)
    paths, labels = _path_rows(release), _label_rows(release, ontology, label_set)

    def work(tx: Transaction) -> tuple[int, str, list[EdgeRows]]:
        matrices = read_matrices(tx, label_set)
        if matrices.label_ids != members:
            raise UsageError(
                f"label set {label_set}: has other labels in the graph than in the release; import it again"
            )
        cohort = release.cohort(matrices)
        known = find_content(tx, cohort)
        edges = [*paths, *_beside_corrections(labels, corrected_pairs(tx), release.origin.label_source)]
        written = write_all(tx, nodes, edges, release.origin.prefix, release.origin.label_source)
        if not known:
            add_cohort(tx, cohort)
            written += 1 + cohort.size
        return written, known or cohort.id, edges

    written, cohort, edges = store.write_transaction(work)
    counts = {table.label: len(table.rows) for table in nodes} | {table.type: len(table.rows) for table in edges}
    counts["IN_COHORT"] = release.labels.size
    return LoadSummary(counts, written, cohort, time.perf_counter() - started)


def _node_rows(release: Release) -> list[NodeRows]:
    lesions = release.lesions
    origin = release.origin
    patient, study, series = study_ids(lesions, origin.prefix)
    rows = [_known(row) for row in lesions.drop_columns(list(_PATH)).to_pylist()]
    numbers = {name: lesions[name].to_pylist() for name in _PATH}
    return [
        NodeRows(
            "Patient",
            ("source", "sex"),
            _merged(patient, ({"source": origin.source, **_known({"sex": row.get("sex")})} for row in rows)),
        ),
        NodeRows(
            "Study",
            ("index", "age"),
            _merged(
                study,
                (
                    {"index": n, **_known({"age": row.get("age")})}
                    for n, row in zip(numbers["study"], rows, strict=True)
                ),
            ),
        ),
        NodeRows("Series", ("index",), _merged(series, ({"index": n} for n in numbers["series"]))),
        NodeRows(
            "Lesion",
            _LESION_PROPERTIES,
            _merged(
                lesion_ids(lesions["index"].to_pylist(), origin.prefix),
                ({"source": origin.source, **row} for row in rows),
            ),
        ),
    ]


def _known(row: Mapping[str, object]) -> Row:
    return {name: value for name, value in row.items() if value is not None}


def _merged(keys: Sequence[str], rows: Iterable[Row]) -> dict[str, Row]:
    """One row a key; what any of its lesions knows is known."""
    merged: dict[str, Row] = {}
    for key, row in zip(keys, rows, strict=True):
        merged.setdefault(key, {}).update(row)
    return merged


def _path_rows(release: Release) -> list[EdgeRows]:
    patient, study, series = study_ids(release.lesions, release.origin.prefix)
    lesion = lesion_ids(release.lesions["index"].to_pylist(), release.origin.prefix)

    def rows(kind: str, start: str, end: str, starts: Sequence[str], ends: Sequence[str]) -> EdgeRows:
        return EdgeRows(kind, start, end, (), {pair: {} for pair in zip(starts, ends, strict=True)})

    return [
        rows("HAS_STUDY", "Patient", "Study", patient, study),
        rows("HAS_SERIES", "Study", "Series", study, series),
        rows("HAS_LESION", "Series", "Lesion", series, lesion),
    ]


def _beside_corrections(tables: list[EdgeRows], corrected: set[Pair], source: str) -> list[EdgeRows]:
    """What the source says where curators said nothing; elsewhere it is kept without counting."""
    said: dict[Pair, list[str]] = {}
    for table in tables:
        for pair in table.rows.keys() & corrected:
            said.setdefault(pair, []).append(table.type)
    if not corrected:
        return tables
    verified = next(table.rows for table in tables if table.type == "HAS_LABEL")
    kept = {
        pair: superseded(source, kinds, bool(verified.get(pair, {}).get("verified"))) for pair, kinds in said.items()
    }
    return [
        *(replace(table, rows={p: row for p, row in table.rows.items() if p not in corrected}) for table in tables),
        EdgeRows(SUPERSEDED, "Lesion", "Label", ("source", "said", "verified"), kept),
    ]


def _label_rows(release: Release, ontology: Ontology, label_set: str) -> list[EdgeRows]:
    labels = asserted_labels(release.labels, listed_parents(ontology, label_set))
    lesion = lesion_ids(release.labels.table["index"].to_pylist(), release.origin.prefix)
    label_ids = ontology.label_set(label_set).members
    verified = [split != "train" for split in release.labels.table["split"].to_pylist()]

    def pairs(matrix: BoolMatrix) -> Iterable[tuple[int, Pair]]:
        return ((row, (lesion[row], label_ids[column])) for row, column in algebra.to_pairs(matrix).tolist())

    source: Row = {"source": release.origin.label_source}
    has = {pair: {**source, "verified": verified[row]} for row, pair in pairs(labels.has)}
    return [
        EdgeRows("HAS_LABEL", "Lesion", "Label", ("source", "verified"), has),
        EdgeRows(
            "MAY_HAVE_LABEL", "Lesion", "Label", ("source",), {pair: source for _, pair in pairs(labels.may_have)}
        ),
        EdgeRows(
            "MENTIONED_NOT_ABOUT", "Lesion", "Label", ("source",), {pair: source for _, pair in pairs(labels.not_about)}
        ),
    ]

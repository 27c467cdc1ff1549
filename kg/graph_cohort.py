"""Cohorts in the graph: freeze what it holds, list, and read back what was frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa

from kg.cohort import COHORT_SCHEMA, SPLITS, Cohort
from kg.erased_cohort import Erased
from kg.errors import CohortError
from kg.graph_matrices import read_matrices
from kg.matrices import RelationMatrices
from kg.store import GraphStore, Row, Transaction

OFFICIAL = "official"
"""Takes the split of the data set itself, not that of a cohort."""

DEFAULT_LABEL_SET = "lesanet-171"
DEFAULT_SPLIT = "lesanet"

_LISTS = {"relevant": "HAS_LABEL", "uncertain": "MAY_HAVE_LABEL", "irrelevant": "MENTIONED_NOT_ABOUT"}
_FROM_LESION = tuple(
    name
    for name in COHORT_SCHEMA.names
    if name not in ("lesion", "patient", "study", "series", "split", "official_split", *_LISTS)
)
_LESION = (
    "MATCH (p:Patient)-[:HAS_STUDY]->(s:Study)-[:HAS_SERIES]->(e:Series)-[:HAS_LESION]->(l:Lesion)",
    "l.id AS lesion, p.id AS patient, s.id AS study, e.id AS series, l.split AS official_split, "
    + ", ".join(f"l.{name} AS {name}" for name in _FROM_LESION),
)


@dataclass(frozen=True, slots=True)
class CohortEntry:
    """One cohort of the graph, without its rows.

    Attributes:
        lesions: number of lesions by split.
        created: when it was frozen, UTC, ISO 8601.
        erased: lesions that erasures of patients took out since.
        other fields: as in :class:`kg.cohort.Cohort`.
    """

    id: str
    name: str
    label_set: str
    revision: int
    ontology_hash: str
    matrix_hash: str
    label_data_hash: str
    created: str
    lesions: Mapping[str, int]
    erased: int = 0


def freeze(store: GraphStore, name: str, split_from: str = DEFAULT_SPLIT, label_set: str = DEFAULT_LABEL_SET) -> Cohort:
    """Freeze the labels that the graph holds now into a new cohort.

    It takes every lesion with a relevant or uncertain label and a split. Its lists hold the label relationships of all
    sources, in column order; a label outside the set that was merged into one of it counts for that one. The same
    content under the same name gives the same id and stores nothing new.

    Args:
        store: the graph.
        name: name of the new cohort.
        split_from: ``official``, or the id or name of the cohort whose split is taken over.
        label_set: the columns.

    Raises:
        CohortError: there is no such cohort to take the split from, or no lesion to freeze.
        UsageError: no such label set, or the name does not fit.
        StaleRevisionError: the ontology was edited behind our back.
    """

    def work(tx: Transaction) -> Cohort:
        matrices = read_matrices(tx, label_set)
        table = _current(tx, matrices, _splits(tx, split_from))
        cohort = Cohort.freeze(
            name=name,
            label_set=label_set,
            label_ids=matrices.label_ids,
            label_names=matrices.names,
            revision=matrices.revision,
            ontology_hash=matrices.ontology_hash,
            matrix_hash=matrices.matrix_hash,
            table=table,
        )
        return cohort if add_cohort(tx, cohort) else read_cohort(tx, cohort.id)

    return store.write_transaction(work)


def load_cohort(store: GraphStore, key: str) -> Cohort:
    """The cohort with this id, or the newest of this name, checked against its hashes.

    Raises:
        CohortError: no such cohort, or its lesions or labels are not what was frozen.
    """
    return store.read_transaction(lambda tx: read_cohort(tx, key))


def list_cohorts(store: GraphStore) -> list[CohortEntry]:
    """All cohorts, newest first."""
    return store.read_transaction(_entries)


def add_cohort(tx: Transaction, cohort: Cohort) -> bool:
    """Store a frozen cohort in an open transaction; False, and nothing stored, when its id is there already.

    Raises:
        CohortError: one of its lesions is not in the graph; the transaction must not commit.
    """
    if tx.run("MATCH (c:Cohort {id: $id}) RETURN c.id AS id ORDER BY id", {"id": cohort.id}):
        return False
    properties: Row = {
        **{name: value for name, value in cohort.summary.items() if name not in ("lesions", "labels", "erased")},
        "label_ids": list(cohort.label_ids),
        "label_names": list(cohort.label_names),
        "content_hash": cohort.content_hash,
        "created": datetime.now(UTC).isoformat(timespec="microseconds"),
    }
    tx.run_many("UNWIND $rows AS row CREATE (c:Cohort {id: row.id}) SET c += row", [properties])
    rows = cohort.table.select(["lesion", "split", *_LISTS]).to_pylist()
    tx.run_many(
        "UNWIND $rows AS row MATCH (l:Lesion {id: row.lesion}) MATCH (c:Cohort {id: $id}) "
        "CREATE (l)-[:IN_COHORT {split: row.split, relevant: row.relevant, uncertain: row.uncertain, "
        "irrelevant: row.irrelevant}]->(c)",
        rows,
        {"id": cohort.id},
    )
    stored = tx.run(
        "MATCH (:Lesion)-[r:IN_COHORT]->(:Cohort {id: $id}) RETURN count(r) AS n ORDER BY n", {"id": cohort.id}
    )[0]["n"]
    if stored != cohort.size:
        raise CohortError(
            f"cohort {cohort.id}: the graph has {stored} of its {cohort.size} lesions, nothing was stored; "
            "load the lesions first"
        )
    return True


def find_content(tx: Transaction, cohort: Cohort) -> str:
    """Id of a cohort of the same name with the same lesions, labels and split, whatever the ontology; else empty."""
    rows = tx.run(
        "MATCH (c:Cohort) WHERE c.name = $name AND c.content_hash = $content RETURN c.id AS id ORDER BY id",
        {"name": cohort.name, "content": cohort.content_hash},
    )
    return str(rows[0]["id"]) if rows else ""


def read_cohort(tx: Transaction, key: str) -> Cohort:
    """As :func:`load_cohort`, inside an open transaction."""
    cohort = _read(tx, key)
    cohort.verify()
    return cohort


def shrink_cohort(tx: Transaction, key: str, lesions: int) -> None:
    """Freeze anew what an erasure left of a cohort, in its transaction, after the lesions are gone.

    Args:
        tx: the write transaction of the erasure.
        key: id of the cohort.
        lesions: how many of its lesions the erasure removed.
    """
    cohort = _read(tx, key).without_erased(lesions)
    assert cohort.erased is not None
    properties: Row = {
        "label_data_hash": cohort.label_data_hash,
        "content_hash": cohort.erased.content_hash,
        "erased": cohort.erased.lesions,
        "earlier_label_data_hashes": list(cohort.erased.label_data_hashes),
    }
    tx.run("MATCH (c:Cohort {id: $id}) SET c += $properties", {"id": cohort.id, "properties": properties})


def _read(tx: Transaction, key: str) -> Cohort:
    """A cohort as the graph holds it, not verified."""
    entry = _entry(tx, key)
    has = tx.run(
        "MATCH (c:Cohort {id: $id}) RETURN c.label_ids AS ids, c.label_names AS names, c.content_hash AS content, "
        "c.earlier_label_data_hashes AS earlier ORDER BY c.id",
        {"id": entry.id},
    )[0]
    match, columns = _LESION
    rows = tx.run(
        f"{match}-[r:IN_COHORT]->(c:Cohort {{id: $id}}) RETURN {columns}, r.split AS split, r.relevant AS relevant, "
        "r.uncertain AS uncertain, r.irrelevant AS irrelevant ORDER BY index",
        {"id": entry.id},
    )
    if len(rows) != sum(entry.lesions.values()):
        raise CohortError(f"cohort {entry.id}: some of its lesions lost their series; freeze a new cohort")
    return Cohort(
        id=entry.id,
        name=entry.name,
        label_set=entry.label_set,
        label_ids=tuple(has["ids"]),
        label_names=tuple(has["names"]),
        revision=entry.revision,
        ontology_hash=entry.ontology_hash,
        matrix_hash=entry.matrix_hash,
        label_data_hash=entry.label_data_hash,
        table=_to_table(entry.id, rows),
        erased=Erased(entry.erased, has["content"], tuple(has["earlier"])) if entry.erased else None,
    )


def _entry(tx: Transaction, key: str) -> CohortEntry:
    entries = _entries(tx)
    for found in (*(e for e in entries if e.id == key), *(e for e in entries if e.name == key)):
        return found
    known = ", ".join(e.id for e in entries) or "none"
    raise CohortError(f"cohort {key!r}: not in this graph; it has: {known}")


def _entries(tx: Transaction) -> list[CohortEntry]:
    counts = tx.run(
        "MATCH (:Lesion)-[r:IN_COHORT]->(c:Cohort) "
        "RETURN c.id AS id, r.split AS split, count(r) AS n ORDER BY id, split"
    )
    by_split = {(row["id"], row["split"]): row["n"] for row in counts}
    names = [name for name in CohortEntry.__slots__ if name not in ("lesions", "erased")]
    rows = tx.run(
        f"MATCH (c:Cohort) RETURN {', '.join(f'c.{name} AS {name}' for name in names)}, "
        "coalesce(c.erased, 0) AS erased ORDER BY created DESC, id"
    )
    return [
        CohortEntry(**row, lesions={split: by_split.get((row["id"], split), 0) for split in SPLITS}) for row in rows
    ]


def _splits(tx: Transaction, split_from: str) -> dict[str, str]:
    """Split by lesion id."""
    if split_from == OFFICIAL:
        found = "MATCH (l:Lesion) WHERE l.split IS NOT NULL RETURN l.id AS lesion, l.split AS split"
        rows = tx.run(f"{found} ORDER BY lesion")
    else:
        found = "MATCH (l:Lesion)-[r:IN_COHORT]->(:Cohort {id: $id}) RETURN l.id AS lesion, r.split AS split"
        rows = tx.run(f"{found} ORDER BY lesion", {"id": _entry(tx, split_from).id})
    return {row["lesion"]: row["split"] for row in rows}


def _current(tx: Transaction, matrices: RelationMatrices, splits: Mapping[str, str]) -> pa.Table:
    """The lesions and labels that the graph holds now, in the cohort's schema."""
    lists: dict[str, dict[str, list[int]]] = {}
    column_of = _columns(tx, matrices)
    for name, relationship in _LISTS.items():
        found = tx.run(
            f"MATCH (l:Lesion)-[:{relationship}]->(k:Label) WHERE k.id IN $ids "
            "RETURN k.id AS label, collect(DISTINCT l.id) AS lesions ORDER BY label",
            {"ids": sorted(column_of)},
        )
        for row in sorted(found, key=lambda row: column_of[row["label"]]):
            column = column_of[row["label"]]
            for lesion in row["lesions"]:
                listed = lists.setdefault(lesion, {kind: [] for kind in _LISTS})[name]
                if listed[-1:] != [column]:
                    listed.append(column)
    wanted = {
        lesion
        for lesion, by_kind in lists.items()
        if lesion in splits and (by_kind["relevant"] or by_kind["uncertain"])
    }
    if not wanted:
        raise CohortError("graph: holds no lesion with a label and a split; `lesionkg ingest deeplesion` loads some")
    match, columns = _LESION
    rows = tx.run(f"{match} WHERE l.index IS NOT NULL RETURN {columns} ORDER BY index")
    return _to_table(
        "of this graph",
        [{**row, "split": splits[row["lesion"]], **lists[row["lesion"]]} for row in rows if row["lesion"] in wanted],
    )


def _columns(tx: Transaction, matrices: RelationMatrices) -> dict[str, int]:
    """Column of every label of the set, and of every label outside of it that was merged into one of them."""
    rows = tx.run(
        "MATCH (k:Label) WHERE k.deprecated = true AND k.replaced_by <> '' "
        "RETURN k.id AS label, k.replaced_by AS kept ORDER BY label"
    )
    merged = {row["label"]: row["kept"] for row in rows}
    columns = dict(matrices.position)
    for label in merged.keys() - columns.keys():
        kept = label
        while kept in merged and kept not in matrices.position:
            kept = merged[kept]
        if kept in matrices.position:
            columns[label] = matrices.position[kept]
    return columns


def _to_table(cohort: str, rows: list[Row]) -> pa.Table:
    try:
        return pa.Table.from_pylist(rows, schema=COHORT_SCHEMA)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise CohortError(
            f"cohort {cohort}: a lesion's property has another type now; load the lesions again"
        ) from error

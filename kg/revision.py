"""Revisions: which ontology the graph holds, under names computed from its content.

A revision has a number in the sequence of changes, the ontology hash, and one matrix hash for each label set. They are
stamped on a ``Revision`` node when content is saved. Whoever relies on them calls :func:`verify`, which computes them
anew from what the graph holds at that moment: an edit made behind our back shows as a difference.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import repeat

from kg.errors import OntologyError, StaleRevisionError, UsageError
from kg.matrices import RelationMatrices
from kg.ontology import Ontology
from kg.ontology_rows import COMPUTED, ENDS, NODES, NOTHING, Edge, OntologyRows, from_rows, to_rows
from kg.schema import NODE_KEYS
from kg.store import GraphStore, Row, Transaction


@dataclass(frozen=True, slots=True)
class Head:
    """The stamp of the newest revision.

    Attributes:
        sequence: number of the change that made it, from 1.
        ontology: name of the ontology.
        version: its version.
        ontology_hash: SHA-256 over all of its content.
        matrix_hashes: for each label set, SHA-256 over its ordered labels and closures.
        member_hashes: for each label set, SHA-256 over its ordered labels.
        set_versions: the version of each label set.
        author: who made the change.
        created: when, ISO 8601, UTC.
        notices: licence notices that travel with the ontology.
        foreign: OWL statements outside the model that travel with it.
    """

    sequence: int
    ontology: str
    version: str
    ontology_hash: str
    matrix_hashes: Mapping[str, str]
    member_hashes: Mapping[str, str]
    set_versions: Mapping[str, str]
    author: str
    created: str
    notices: tuple[str, ...]
    foreign: tuple[str, ...]


_HEAD = (
    "MATCH (r:Revision {head: true}) RETURN "
    + ", ".join(f"r.{field.name} AS {field.name}" for field in fields(Head))
    + ", r.label_sets AS label_sets ORDER BY sequence DESC LIMIT 1"
)


def head(store: GraphStore) -> Head:
    """The stamp of the newest revision, as written; :func:`verify` checks it.

    Raises:
        UsageError: the graph holds no ontology yet.
    """
    found = store.read_transaction(find_head)
    if found is None:
        raise UsageError(f"graph {store.url}: holds no ontology yet; `lesionkg ontology import` or `lesionkg demo`")
    return found


def find_head(tx: Transaction) -> Head | None:
    """The stamp of the newest revision; ``None`` in a graph without ontology.

    Raises:
        StaleRevisionError: the stamp was damaged.
    """
    rows = tx.run(_HEAD)
    if not rows:
        return None
    stamp = rows[0]
    try:
        sets = [str(name) for name in stamp["label_sets"]]
        return Head(
            sequence=int(stamp["sequence"]),
            ontology=str(stamp["ontology"]),
            version=str(stamp["version"]),
            ontology_hash=str(stamp["ontology_hash"]),
            matrix_hashes=dict(zip(sets, stamp["matrix_hashes"], strict=True)),
            member_hashes=dict(zip(sets, stamp["member_hashes"], strict=True)),
            set_versions=dict(zip(sets, stamp["set_versions"], strict=True)),
            author=str(stamp["author"]),
            created=str(stamp["created"]),
            notices=tuple(stamp["notices"]),
            foreign=tuple(stamp["foreign"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StaleRevisionError(_stale("the stamp itself was edited")) from error


def verify(store: GraphStore) -> Head:
    """Check that the graph's ontology is what its stamp says.

    Raises:
        StaleRevisionError: content, computed relationships or stamp were edited behind our back.
        UsageError: the graph holds no ontology yet.
    """
    head(store)
    return store.read_transaction(lambda tx: verified(tx)[0])


def verified(tx: Transaction) -> tuple[Head, Ontology]:
    """The newest revision and its ontology, checked against each other inside an open transaction.

    Raises:
        StaleRevisionError: content, computed relationships or stamp were edited behind our back.
        UsageError: the graph holds no ontology yet.
    """
    return verified_rows(tx)[:2]


def verified_rows(tx: Transaction) -> tuple[Head, Ontology, OntologyRows]:
    """As :func:`verified`, with the rows that the graph holds.

    Raises:
        StaleRevisionError: as :func:`verified`.
        UsageError: as :func:`verified`.
    """
    stamp = find_head(tx)
    if stamp is None:
        raise UsageError("graph: holds no ontology yet; `lesionkg ontology import` or `lesionkg demo` loads one")
    rows = read_rows(tx)
    ontology = parse(rows, stamp)
    if ontology.content_hash != stamp.ontology_hash:
        raise StaleRevisionError(_stale(f"its labels or relations are not those of revision {stamp.sequence}"))
    if to_rows(ontology).computed().edge_bundles() != rows.computed().edge_bundles():
        raise StaleRevisionError(_stale("DESCENDS_FROM or EXCLUDES do not follow from its relations"))
    if stamp_of(ontology, stamp.sequence, stamp.author, stamp.created) != stamp:
        raise StaleRevisionError(
            _stale(f"the hashes stamped on revision {stamp.sequence} are not those of its content")
        )
    return stamp, ontology, rows


def parse(rows: OntologyRows, stamp: Head) -> Ontology:
    """The ontology that the graph's rows hold.

    Raises:
        StaleRevisionError: they hold none.
    """
    try:
        return from_rows(rows, stamp.ontology, stamp.version, stamp.notices, stamp.foreign)
    except (KeyError, TypeError, ValueError) as error:
        raise StaleRevisionError(_stale(f"a label or relation is malformed ({error})")) from error


def read_rows(tx: Transaction) -> OntologyRows:
    """Everything the graph holds of an ontology."""
    nodes = {}
    for label in NODES:
        key = NODE_KEYS[label]
        found = tx.run(f"MATCH (n:{label}) RETURN properties(n) AS p ORDER BY n.{key}")
        nodes[label] = {str(row["p"].get(key)): row["p"] for row in found}
    edges: list[Edge] = []
    for kind, (start, end) in ENDS.items():
        # One row for each start node: a closure has ten thousands of relationships, and rows are what costs. Those
        # carry no properties, and asking for them doubles the time.
        properties = "[]" if kind in COMPUTED else "collect(properties(r))"
        found = tx.run(
            f"MATCH (a:{start})-[r:{kind}]->(b:{end}) RETURN a.{NODE_KEYS[start]} AS start, "
            f"collect(b.{NODE_KEYS[end]}) AS ends, {properties} AS all ORDER BY start"
        )
        for row in found:
            ends = [str(key) for key in row["ends"]]
            edges += map(Edge, repeat(kind), repeat(str(row["start"])), ends, row["all"] or repeat(NOTHING))
    return OntologyRows(nodes, tuple(edges))


def stamp_of(ontology: Ontology, sequence: int, author: str, created: str) -> Head:
    """The stamp of an ontology, computed from its content."""
    sets = ontology.label_sets
    return Head(
        sequence=sequence,
        ontology=ontology.name,
        version=ontology.version,
        ontology_hash=ontology.content_hash,
        matrix_hashes={s.name: RelationMatrices.from_ontology(ontology, s.name).matrix_hash for s in sets},
        member_hashes={s.name: hashlib.sha256(json.dumps(s.members).encode()).hexdigest() for s in sets},
        set_versions={s.name: s.version for s in sets},
        author=author,
        created=created,
        notices=ontology.notices,
        foreign=ontology.foreign,
    )


def write_head(tx: Transaction, stamp: Head, payload: Row) -> None:
    """Make this the newest revision, with what it keeps of its change; the older ones stay as they are."""
    names = sorted(stamp.matrix_hashes)
    row: Row = {
        **{field.name: getattr(stamp, field.name) for field in fields(stamp)},
        "id": f"revision-{stamp.sequence}",
        "head": True,
        "label_sets": names,
        "matrix_hashes": [stamp.matrix_hashes[name] for name in names],
        "member_hashes": [stamp.member_hashes[name] for name in names],
        "set_versions": [stamp.set_versions[name] for name in names],
        "notices": list(stamp.notices),
        "foreign": list(stamp.foreign),
        **payload,
    }
    tx.run("MATCH (r:Revision {head: true}) SET r.head = false")
    tx.run("CREATE (r:Revision) SET r = $row", {"row": row})


def require_immutable_sets(tx: Transaction, stamp: Head) -> None:
    """Check a new revision's label sets against all revisions there ever were.

    Raises:
        OntologyError: a set has other labels, or another order, than it once had under the same version.
    """
    for row in tx.run(
        "MATCH (r:Revision) RETURN r.label_sets AS names, r.set_versions AS versions, r.member_hashes AS hashes "
        "ORDER BY r.sequence"
    ):
        for name, version, members in zip(row["names"], row["versions"], row["hashes"], strict=True):
            if stamp.set_versions.get(name) == version and stamp.member_hashes[name] != members:
                raise OntologyError(
                    f"label set {name} version {version}: its labels or their order changed, and models rely on them; "
                    "give the changed set a new version or name"
                )


def _stale(what: str) -> str:
    return (
        f"graph ontology: {what}; somebody edited it directly. `lesionkg graph adopt` makes the content the next "
        "revision, `lesionkg ontology import` restores an ontology"
    )

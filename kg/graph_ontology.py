"""The ontology in the graph: saved in one transaction under the next revision, read back equal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from kg.curation.between import EMPTY, changes_between
from kg.curation.change_set import ChangeSet
from kg.curation.history import read_as_of
from kg.curation.payload import Payload, RevisionKind
from kg.errors import ConflictError, OntologyError, StaleRevisionError, UsageError
from kg.findings import errors_in
from kg.ontology import Ontology
from kg.ontology_rows import COMPUTED, ENDS, NODES, OntologyRows, Properties, to_rows
from kg.revision import (
    Head,
    find_head,
    head,
    parse,
    read_rows,
    require_immutable_sets,
    stamp_of,
    verified,
    verify,
    write_head,
)
from kg.rules import check
from kg.schema import NODE_KEYS
from kg.store import GraphStore, Row, Transaction

__all__ = ["adopt", "head", "load_ontology", "save_ontology", "verify"]


def save_ontology(
    store: GraphStore, ontology: Ontology, author: str = "", expected_sequence: int | None = None, reason: str = ""
) -> int:
    """Make the graph hold this ontology, with its computed closures, under the next revision.

    Only what differs is written: labels that stay keep their node, and with it the lesions that point to them. Saving
    what the graph holds already changes nothing and keeps the revision.

    Args:
        store: the graph.
        ontology: what it shall hold.
        author: who makes the change.
        reason: why.
        expected_sequence: the revision the change was made on (0: a graph without ontology). When given, the save is
            refused unless that is still the newest, and its content untouched.

    Returns:
        The number of the revision the graph holds afterwards.

    Raises:
        OntologyError: the ontology breaks a rule, changes a label set under the same version, or drops a label that
            lesions, reports or models still use.
        ConflictError: ``expected_sequence`` is not the newest revision.
        StaleRevisionError: ``expected_sequence`` is, but its content was edited behind our back.
    """
    _require_sound(ontology)
    to_rows(ontology)  # refuses what the graph cannot tell apart, before a transaction begins

    def work(tx: Transaction) -> int:
        stamp = find_head(tx)
        sequence = stamp.sequence if stamp else 0
        if expected_sequence is not None:
            if expected_sequence != sequence:
                raise ConflictError(
                    f"graph ontology: is at revision {sequence}, the change was made on {expected_sequence}; "
                    "look at the newer revision and make the change again"
                )
            if stamp:
                verified(tx)
        payload = import_payload(tx, stamp, ontology, author, reason)
        return store_revision(tx, ontology, read_rows(tx), stamp, payload)

    return store.write_transaction(work)


def load_ontology(store: GraphStore) -> Ontology:
    """The ontology the graph holds, checked against its revision.

    Raises:
        StaleRevisionError: it was edited behind our back.
        UsageError: the graph holds no ontology yet.
    """
    return store.read_transaction(lambda tx: verified(tx)[1])


def adopt(store: GraphStore, author: str = "") -> int:
    """Make what somebody wrote into the graph directly the next revision, and compute the closures anew.

    Returns:
        The number of the revision the graph holds afterwards; unchanged when nothing was edited.

    Raises:
        OntologyError: the content breaks a rule, or changes a label set under the same version.
        StaleRevisionError: the content is no ontology at all (a label without name or class, a relation twice, ...).
        UsageError: the graph holds no ontology yet.
    """

    def work(tx: Transaction) -> int:
        stamp = find_head(tx)
        if stamp is None:
            raise UsageError(f"graph {store.url}: holds no ontology to adopt; `lesionkg ontology import` loads one")
        found = read_rows(tx)
        ontology = parse(found, stamp)
        _require_sound(ontology)
        payload = import_payload(tx, stamp, ontology, author, "direct edits of the graph", RevisionKind.ADOPT)
        return store_revision(tx, ontology, found, stamp, payload)

    return store.write_transaction(work)


def _require_sound(ontology: Ontology) -> None:
    broken = errors_in(check(ontology))
    if broken:
        more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        raise OntologyError(f"ontology {ontology.name}: {broken[0].message}{more}; `lesionkg ontology check` lists all")


def store_revision(
    tx: Transaction, ontology: Ontology, present: OntologyRows, before: Head | None, payload: Payload, created: str = ""
) -> int:
    """Write what differs, and stamp the next revision unless the content is what the newest one says already.

    Args:
        tx: an open write transaction.
        ontology: what the graph shall hold; it keeps all rules.
        present: what it holds.
        before: the newest revision; None in a graph without ontology.
        payload: the change, kept with the new revision; its author answers for it.
        created: date of the revision, ISO 8601; now when empty.

    Returns:
        The number of the revision the graph holds afterwards.

    Raises:
        OntologyError: a label that something uses is dropped, or a label set changes under the same version.
    """
    author, created = payload.change_set.author, created or _now()
    if before is None:
        after = stamp_of(ontology, 1, author, created)
    else:
        after = stamp_of(ontology, before.sequence, before.author, before.created)
        if after != before:
            after = replace(after, sequence=before.sequence + 1, author=author, created=created)
    require_immutable_sets(tx, after)
    write_content(tx, ontology, present)
    if after != before:
        write_head(tx, after, payload.as_properties())
    return after.sequence


def import_payload(
    tx: Transaction,
    before: Head | None,
    ontology: Ontology,
    author: str,
    reason: str,
    kind: RevisionKind = RevisionKind.IMPORT,
) -> Payload:
    """What a revision keeps that puts a whole ontology in place of what was there, dated now."""
    known, base = EMPTY, True
    if before is not None:
        # Where history cannot be told, the new revision begins one of its own.
        with suppress(StaleRevisionError):
            known, base = read_as_of(tx, before.sequence), False
    changes = changes_between(known, ontology)
    return Payload(kind, ChangeSet(changes, author, _now(), reason), base=base)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def write_content(tx: Transaction, ontology: Ontology, present: OntologyRows) -> None:
    """Turn the rows in the graph into those of an ontology; its revision is written apart.

    Raises:
        OntologyError: a label that something uses would be dropped.
    """
    wanted = to_rows(ontology)
    _drop_labels(tx, present.nodes["Label"].keys() - wanted.nodes["Label"].keys())
    for label in NODES:
        _write_nodes(tx, label, present.nodes[label], wanted.nodes[label])
    before, after = present.edge_bundles(), wanted.edge_bundles()
    stale: defaultdict[str, list[Row]] = defaultdict(list)
    missing: defaultdict[str, list[Row]] = defaultdict(list)
    for bundle in sorted(before.keys() | after.keys()):
        if before.get(bundle) == after.get(bundle):
            continue
        kind, start, end = bundle
        if bundle in before:
            stale[kind].append({"start": start, "end": end})
        missing[kind] += ({"start": start, "end": end, "properties": dict(p)} for p in after.get(bundle, ()))
    for kind, (start, end) in ENDS.items():
        first = f"MATCH (a:{start} {{{NODE_KEYS[start]}: row.start}})"
        second = f"MATCH (b:{end} {{{NODE_KEYS[end]}: row.end}})"
        # Collected first: the embedded engine deletes while it still walks a node's relationships, and misses some.
        delete = f"UNWIND $rows AS row {first} {second} MATCH (a)-[r:{kind}]->(b) "
        tx.run_many(delete + "WITH collect(r) AS found FOREACH (r IN found | DELETE r)", stale[kind])
        if kind in COMPUTED:
            create = f"UNWIND $rows AS row {first} UNWIND row.ends AS key MATCH (b:Label {{id: key}}) "
            tx.run_many(create + f"CREATE (a)-[:{kind}]->(b)", _by_start(missing[kind]))
        else:
            create = f"UNWIND $rows AS row {first} {second} CREATE (a)-[r:{kind}]->(b) SET r = row.properties"
            tx.run_many(create, missing[kind])


def _by_start(rows: Iterable[Row]) -> list[Row]:
    """One row for each start node with all its ends: fewer look-ups, a fifth quicker."""
    ends: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        ends[row["start"]].append(row["end"])
    return [{"start": start, "ends": found} for start, found in ends.items()]


def _write_nodes(
    tx: Transaction, label: str, before: Mapping[str, Properties], after: Mapping[str, Properties]
) -> None:
    """Turn the nodes of one label into the wanted ones."""
    key = NODE_KEYS[label]
    if label != "Label":
        gone = [{"key": name} for name in sorted(before.keys() - after.keys())]
        tx.run_many(f"UNWIND $rows AS row MATCH (n:{label} {{{key}: row.key}}) DETACH DELETE n", gone)
    changed = [
        {"key": name, "properties": dict(properties)}
        for name, properties in after.items()
        if before.get(name) != properties
    ]
    tx.run_many(f"UNWIND $rows AS row MERGE (n:{label} {{{key}: row.key}}) SET n = row.properties", changed)


def _drop_labels(tx: Transaction, dropped: Iterable[str]) -> None:
    """Remove labels that nothing but the ontology itself points to."""
    rows = [{"id": label_id} for label_id in sorted(dropped)]
    if not rows:
        return
    used = tx.run(
        "UNWIND $rows AS row MATCH (k:Label {id: row.id})-[r]-() WHERE NOT type(r) IN $own "
        "RETURN k.id AS id, count(r) AS uses ORDER BY id",
        {"rows": rows, "own": list(ENDS)},
    )
    if used:
        raise OntologyError(
            f"label {used[0]['id']}: cannot be dropped, lesions, sentences or models use it ({used[0]['uses']} "
            "relationships); deprecate it and name its replacement"
        )
    tx.run_many("UNWIND $rows AS row MATCH (k:Label {id: row.id}) DETACH DELETE k", rows)
    tx.run("MATCH (k:Label) WHERE k.id IS NULL DETACH DELETE k")

"""Bringing a graph that an older version wrote up to the schema of this one."""

from __future__ import annotations

from kg.curation.between import EMPTY, changes_between
from kg.curation.change_set import ChangeSet
from kg.curation.payload import Payload, RevisionKind
from kg.errors import SchemaVersionError
from kg.revision import find_head, verified
from kg.schema import READ_STAMP, SCHEMA_ID, SCHEMA_VERSION
from kg.store import GraphStore, Transaction


def upgrade(store: GraphStore) -> bool:
    """Upgrade a graph in place; False, and nothing done, when it is up to date.

    From version 1: revisions keep their changes from here on. The newest one keeps all of its content, so that history
    can be told from it; older ones only keep their stamps.

    Raises:
        SchemaVersionError: it needs an upgrade, but was opened for reading only.
        StaleRevisionError: its ontology was edited directly; adopt the edit with the older version first.
    """
    version = store.read(READ_STAMP, {"id": SCHEMA_ID})[0]["version"]
    if version == SCHEMA_VERSION:
        return False
    if store.read_only:
        raise SchemaVersionError(
            f"graph {store.url}: schema version {version}, older than {SCHEMA_VERSION}; `lesionkg graph upgrade` "
            "brings it up to date"
        )
    store.write_transaction(_keep_content)
    store.ensure_schema()  # stamps the version last: a crash before it begins the upgrade again
    return True


def _keep_content(tx: Transaction) -> None:
    tx.run("MATCH (r:Revision) WHERE r.foreign IS NULL SET r.foreign = []")
    stamp = find_head(tx)
    if stamp is None:
        return
    _, ontology = verified(tx)
    reason = "kept when the graph was upgraded"
    changes = ChangeSet(changes_between(EMPTY, ontology), stamp.author, stamp.created, reason)
    tx.run(
        "MATCH (r:Revision {head: true}) WHERE r.changes IS NULL SET r += $payload",
        {"payload": Payload(RevisionKind.IMPORT, changes, base=True).as_properties()},
    )

"""The schema of the graph: every name a statement may use, the keys that must be unique, and the schema version.

Identifiers never come from data: code that puts a label or relationship type into Cypher takes it from here, or from
the enums of :mod:`kg.ontology`, whose values are listed here too.
"""

from __future__ import annotations

from collections.abc import Sequence

from kg.errors import SchemaVersionError
from kg.ontology import RelationKind, SoftKind
from kg.store import Row

SCHEMA_VERSION = 2
"""Version of the names and keys below. A graph with a higher one was written by a newer program and is not touched."""

SCHEMA_ID = "schema"
"""``id`` of the one ``Schema`` node: {version, writes}."""

NODE_KEYS = {
    "Label": "id",
    "LabelSet": "name",
    "ExclusiveGroup": "id",
    "Patient": "id",
    "Study": "id",
    "Series": "id",
    "Lesion": "id",
    "Report": "id",
    "Sentence": "id",
    "Model": "id",
    "Cohort": "id",
    "Revision": "id",
    "Schema": "id",
}
"""Every node label, with the property that is unique among its nodes. A node has exactly one label."""

STRICT_TYPES = tuple(kind.value for kind in RelationKind)
"""Strict hierarchical relations between labels."""

SOFT_TYPES = tuple(kind.value for kind in SoftKind)
"""Relations between labels that never enter expansion."""

RELATIONSHIP_TYPES = (
    *STRICT_TYPES,
    "EXCLUSIVE_WITH",
    "COMPATIBLE_WITH",
    "MEMBER_OF",
    *SOFT_TYPES,
    "CORRELATES_WITH",
    "IN_SET",
    "DESCENDS_FROM",
    "EXCLUDES",
    "REPLACED_BY",
    "HAS_STUDY",
    "HAS_SERIES",
    "HAS_LESION",
    "HAS_SENTENCE",
    "DESCRIBES",
    "MENTIONS",
    "HAS_LABEL",
    "MAY_HAVE_LABEL",
    "MENTIONED_NOT_ABOUT",
    "LACKS_LABEL",
    "SUPERSEDED",
    "PREDICTED",
    "SCORED",
    "SIMILAR_TO",
    "SAME_LESION_AS",
    "IN_COHORT",
)
"""All relationship types."""

INDEXES = (("Label", "name"), ("Lesion", "index"), ("Revision", "sequence"), ("Revision", "proposal"))
"""Further properties that statements look nodes up by."""

READ_STAMP = "MATCH (s:Schema {id: $id}) RETURN s.version AS version ORDER BY version"
READ_ANY_NODE = "MATCH (n) RETURN 1 AS one LIMIT 1"
WRITE_STAMP = "MERGE (s:Schema {id: $id}) SET s.version = $version, s.writes = coalesce(s.writes, 0)"
READ_WRITES = "MATCH (s:Schema {id: $id}) RETURN s.writes AS writes ORDER BY writes"
COUNT_WRITE = "MATCH (s:Schema {id: $id}) SET s.writes = s.writes + 1 RETURN s.writes AS writes"
"""First statement of every write transaction: two that overlap touch one node, so that one of them must yield."""


def statements() -> tuple[str, ...]:
    """The DDL in Cypher: one uniqueness constraint per node label, then the indexes. All of it may run again."""
    keys = (
        f"CREATE CONSTRAINT {label.lower()}_{key} IF NOT EXISTS FOR (n:{label}) REQUIRE n.{key} IS UNIQUE"
        for label, key in NODE_KEYS.items()
    )
    indexes = (
        f"CREATE INDEX {label.lower()}_by_{name} IF NOT EXISTS FOR (n:{label}) ON (n.{name})" for label, name in INDEXES
    )
    return (*keys, *indexes)


def require_known_version(where: str, stamp: Sequence[Row], empty: bool) -> bool:
    """Check the stamp of a graph before anything in it is touched.

    Args:
        where: the graph, for the message.
        stamp: rows of ``READ_STAMP``.
        empty: the graph holds no node at all.

    Returns:
        Whether the graph carries our stamp; an empty one need not.

    Raises:
        SchemaVersionError: of a newer version than this program's, or not empty and without a stamp.
    """
    if not stamp:
        if not empty:
            raise SchemaVersionError(
                f"graph {where}: holds data but no lesionkg schema; it belongs to something else, name another graph"
            )
        return False
    version = stamp[0]["version"]
    if not isinstance(version, int) or version < 1:
        raise SchemaVersionError(f"graph {where}: its schema stamp is not a version number; restore it from a backup")
    if version > SCHEMA_VERSION:
        raise SchemaVersionError(
            f"graph {where}: schema version {version}, newer than {SCHEMA_VERSION}; install a newer lesionkg"
        )
    return True  # an older one is upgraded where it is opened: kg.connect

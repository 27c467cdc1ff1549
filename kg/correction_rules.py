"""What stands against a correction of a lesion's labels: the relations between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kg.correction_edges import CURATOR, LACKS
from kg.errors import UsageError
from kg.store import Transaction

_LESION = "MATCH (l:Lesion {id: $lesion}) RETURN l.id AS id ORDER BY id"
_LABELS = """
MATCH (c:Label) WHERE c.id IN $ids
RETURN c.id AS id, c.name AS name, c.deprecated = true AS deprecated, c.replaced_by AS replaced_by ORDER BY id
"""
_HELD = f"""
MATCH (l:Lesion {{id: $lesion}})-[r:HAS_LABEL|MAY_HAVE_LABEL|{LACKS}]->(c:Label)
RETURN DISTINCT type(r) AS kind, c.id AS id, c.name AS name, r.source AS source ORDER BY id, kind, source
"""
_EXCLUDED = """
MATCH (a:Label)-[:EXCLUDES]-(b:Label) WHERE a.id IN $added AND b.id IN $held
RETURN DISTINCT a.id AS a, a.name AS label, b.id AS b, b.name AS other ORDER BY label, other
"""
_IMPLIED = """
MATCH (a:Label)-[:DESCENDS_FROM]->(b:Label) WHERE a.id IN $held AND b.id IN $lacking
RETURN DISTINCT a.id AS a, a.name AS label, b.id AS b, b.name AS other ORDER BY label, other
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a curator says of one label: the lesion has it, or has it not."""

    label: str
    has: bool


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Two labels of the lesion that would stand against a relation.

    Attributes:
        label, name: id and name of the label that the lesion would have.
        other, other_name: the one it excludes, and the lesion would have too; or the one it implies, and the lesion
            would have it not.
        implied: whether it is an implication.
    """

    label: str
    name: str
    other: str
    other_name: str
    implied: bool

    @property
    def text(self) -> str:
        """What is wrong, and how it could be put right."""
        if self.implied:
            return (
                f"{self.name} implies {self.other_name}, which a curator takes away; take {self.name} away as well, "
                f"or leave {self.other_name}"
            )
        return (
            f"{self.name} excludes {self.other_name}, and the lesion would have both; take one of them away, or say "
            "that both stay against the relation"
        )


def require_statements(tx: Transaction, lesion: str, statements: Sequence[Statement]) -> None:
    """Check that statements fit the graph and one another.

    Raises:
        UsageError: no such lesion or label, a label that was replaced, one that is named twice, or nothing changes.
    """
    if not tx.run(_LESION, {"lesion": lesion}):
        raise UsageError(f"lesion {lesion[:80]!r}: not in this graph; give its id")
    ids = [statement.label for statement in statements]
    if not ids or len(set(ids)) != len(ids):
        raise UsageError(f"correction of {lesion}: name at least one label, and each only once")
    known = {row["id"]: row for row in tx.run(_LABELS, {"ids": ids})}
    own = {(row["id"], row["kind"] != LACKS) for row in tx.run(_HELD, {"lesion": lesion}) if row["source"] == CURATOR}
    for statement in statements:
        label = known.get(statement.label)
        if label is None:
            raise UsageError(f"label {statement.label[:80]!r}: not in this graph; give the id of a label")
        if label["deprecated"]:
            other = f"; {label['replaced_by']} replaces it" if label["replaced_by"] else ""
            raise UsageError(f"label {label['name']}: is deprecated{other}")
        if (statement.label, statement.has) in own:
            verb = "has" if statement.has else "has not"
            raise UsageError(f"correction of {lesion}: a curator says already that it {verb} {label['name']}")


def obstacles(tx: Transaction, lesion: str, statements: Sequence[Statement]) -> tuple[Obstacle, ...]:
    """Pairs of labels that would stand against a relation because of the statements.

    Labels that the lesion may have count as well: training takes them for positive.
    """
    held: set[str] = set()
    lacking: set[str] = set()
    for row in tx.run(_HELD, {"lesion": lesion}):
        (lacking if row["kind"] == LACKS else held).add(row["id"])
    added = {one.label for one in statements if one.has}
    removed = {one.label for one in statements if not one.has}
    held, lacking = (held | added) - removed, (lacking | removed) - added
    apart = tx.run(_EXCLUDED, {"added": sorted(added), "held": sorted(held)})
    pairs = {frozenset((row["a"], row["b"])): row for row in reversed(apart)}
    implied = tx.run(_IMPLIED, {"held": sorted(held), "lacking": sorted(lacking)})
    return (
        *(
            Obstacle(row["a"], row["label"], row["b"], row["other"], True)
            for row in implied
            if {row["a"], row["b"]} & (added | removed)
        ),
        *(Obstacle(row["a"], row["label"], row["b"], row["other"], False) for row in reversed(pairs.values())),
    )

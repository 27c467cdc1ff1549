"""The kind of every hierarchical relation: a reviewed table, and what the classes of the two labels say without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from kg.errors import InputError
from kg.ontology import LabelClass, RelationKind
from kg.tables import shipped_table

_FILE = "relation_kinds.tsv"
_COLUMNS = ("child_id", "child", "parent_id", "parent", "kind", "reason", "radlex_path", "reviewer")

_BY_CLASSES = {
    (LabelClass.BODYPART, LabelClass.BODYPART): RelationKind.PART_OF,
    (LabelClass.TYPE, LabelClass.BODYPART): RelationKind.LOCATED_IN,
    (LabelClass.ATTRIBUTE, LabelClass.BODYPART): RelationKind.INHERES_IN,
    (LabelClass.TYPE, LabelClass.TYPE): RelationKind.IS_A,
    (LabelClass.ATTRIBUTE, LabelClass.ATTRIBUTE): RelationKind.IS_A,
    (LabelClass.ATTRIBUTE, LabelClass.TYPE): RelationKind.INHERES_IN,
    (LabelClass.TYPE, LabelClass.ATTRIBUTE): RelationKind.HAS_ATTRIBUTE,
    (LabelClass.BODYPART, LabelClass.ATTRIBUTE): RelationKind.HAS_ATTRIBUTE,
    (LabelClass.BODYPART, LabelClass.TYPE): RelationKind.HAS_ATTRIBUTE,
}


@dataclass(frozen=True, slots=True)
class KindReview:
    """One row of the reviewed table: why a parent pair has its kind.

    Attributes:
        child: id of the lower label.
        parent: id of the upper label.
        kind: the reviewed kind.
        reason: why, in a few words.
        radlex_path: RadLex identifiers from the child's to the parent's term with the relation that joins each two;
            empty where RadLex has no such path.
        reviewer: who decided.
    """

    child: str
    parent: str
    kind: RelationKind
    reason: str
    radlex_path: str
    reviewer: str

    @property
    def evidence(self) -> str:
        """Reason and RadLex path in one line."""
        return f"{self.reason}; RadLex: {self.radlex_path}" if self.radlex_path else self.reason


@cache
def reviewed_kinds() -> Mapping[tuple[str, str], KindReview]:
    """The shipped reviews by (child id, parent id).

    Raises:
        InputError: the table is damaged.
    """
    reviews: dict[tuple[str, str], KindReview] = {}
    for row in shipped_table(_FILE, _COLUMNS):
        if row["kind"] not in RelationKind.__members__:
            raise InputError(
                f"ontologies/{_FILE}: kind {row['kind']!r} of {row['child']!r}; use one of {', '.join(RelationKind)}"
            )
        key = row["child_id"], row["parent_id"]
        if key in reviews:
            raise InputError(f"ontologies/{_FILE}: {row['child']!r} under {row['parent']!r} twice; keep one row")
        reviews[key] = KindReview(*key, RelationKind(row["kind"]), row["reason"], row["radlex_path"], row["reviewer"])
    return reviews


def kind_by_classes(child: LabelClass, parent: LabelClass) -> RelationKind:
    """The kind assumed for a pair that nobody has reviewed yet."""
    return _BY_CLASSES[child, parent]

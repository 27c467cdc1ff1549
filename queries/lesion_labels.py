"""The labels of one lesion, out of the graph: who says them, what follows from them, and what they exclude."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kg.correction_edges import LACKS, SUPERSEDED
from kg.schema import STRICT_TYPES
from kg.store import Row, Transaction
from queries.lesion_facts import Clash, Inferred, LabelRef, Said

_SAID = f"""
MATCH (l:Lesion {{id: $id}})-[r:HAS_LABEL|MAY_HAVE_LABEL|MENTIONED_NOT_ABOUT|{LACKS}|{SUPERSEDED}]->(c:Label)
RETURN type(r) AS kind, c.id AS id, c.name AS name, c.class AS class, properties(r) AS has
ORDER BY name, id, kind
"""
_ABOVE = f"""
MATCH (f:Label)-[:DESCENDS_FROM*0..1]->(a:Label) WHERE f.id IN $ids
WITH DISTINCT a
MATCH (a)-[r:{"|".join((*STRICT_TYPES, "REPLACED_BY"))}]->(b:Label)
RETURN DISTINCT a.id AS below, type(r) AS kind, b.id AS id, b.name AS name, b.class AS class
ORDER BY below, id, kind
"""
_IMPLIED = """
MATCH (f:Label)-[:DESCENDS_FROM]->(a:Label) WHERE f.id IN $ids
RETURN DISTINCT a.id AS id, a.name AS name, a.class AS class ORDER BY name, id
"""
_EXCLUDED = """
MATCH (p:Label)-[:EXCLUDES]-(n:Label) WHERE p.id IN $ids
RETURN n.id AS id, n.name AS name, n.class AS class, p.id AS by ORDER BY id, by
"""
_LISTED = """
MATCH (a:Label {id: $a})-[:DESCENDS_FROM*0..1]->(x:Label)-[:EXCLUSIVE_WITH]-(y:Label)
MATCH (b:Label {id: $b})-[:DESCENDS_FROM*0..1]->(y)
RETURN x.name AS x, y.name AS y, CASE WHEN x.id = $a THEN 0 ELSE 1 END + CASE WHEN y.id = $b THEN 0 ELSE 1 END AS far
ORDER BY far, x, y LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class LesionLabels:
    """The labels of one lesion.

    Attributes:
        asserted, uncertain, not_about, removed, superseded, inferred: as in :class:`LesionView`.
        excluded: labels that an asserted one excludes, by id: those that exclude them.
    """

    asserted: tuple[Said, ...]
    uncertain: tuple[Said, ...]
    not_about: tuple[Said, ...]
    removed: tuple[Said, ...]
    superseded: tuple[Said, ...]
    inferred: tuple[Inferred, ...]
    excluded: dict[str, tuple[LabelRef, ...]]

    @property
    def positive(self) -> dict[str, str]:
        """Labels that the lesion has, by id, with the name of the asserted label that is or implies each."""
        said = {one.label.id: one.label.name for one in self.asserted}
        return {one.label.id: one.chain[0] for one in self.inferred} | said


def labels_of(tx: Transaction, lesion: str) -> LesionLabels:
    """Read the labels of a lesion."""
    rows = tx.run(_SAID, {"id": lesion})
    by_kind: dict[str, list[Said]] = {}
    for row in rows:
        by_kind.setdefault(row["kind"], []).append(_said(row))
    asserted = tuple(by_kind.get("HAS_LABEL", ()))
    refs = {one.label.id: one.label for one in asserted}
    ids = sorted(refs)
    excluded: dict[str, tuple[LabelRef, ...]] = {}
    for row in tx.run(_EXCLUDED, {"ids": ids}):
        excluded[row["id"]] = (*excluded.get(row["id"], ()), refs[row["by"]])
    return LesionLabels(
        asserted=asserted,
        uncertain=tuple(by_kind.get("MAY_HAVE_LABEL", ())),
        not_about=tuple(by_kind.get("MENTIONED_NOT_ABOUT", ())),
        removed=tuple(by_kind.get(LACKS, ())),
        superseded=tuple(by_kind.get(SUPERSEDED, ())),
        inferred=inferred_labels(tx, refs.values()),
        excluded=excluded,
    )


def inferred_labels(tx: Transaction, labels: Iterable[LabelRef]) -> tuple[Inferred, ...]:
    """What labels imply beyond themselves, each by the shortest chain."""
    given = {label.id: label for label in labels}
    implied = {row["id"]: ref(row) for row in tx.run(_IMPLIED, {"ids": sorted(given)}) if row["id"] not in given}
    if not implied:
        return ()
    above: dict[str, list[tuple[str, LabelRef]]] = {}
    for row in tx.run(_ABOVE, {"ids": sorted(given)}):
        above.setdefault(row["below"], []).append((row["kind"], ref(row)))
    chains = {label.id: ((label.name,), ()) for label in sorted(given.values(), key=lambda one: one.name)}
    found: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = dict(chains)
    front = list(found)
    while front:
        following = []
        for label in front:
            names, kinds = found[label]
            for kind, parent in above.get(label, ()):
                if parent.id not in found:
                    found[parent.id] = ((*names, parent.name), (*kinds, kind))
                    following.append(parent.id)
        front = following
    return tuple(Inferred(label, *found[label.id]) for label in implied.values() if label.id in found)


def clashes_of(tx: Transaction, labels: LesionLabels) -> tuple[Clash, ...]:
    """Pairs of asserted labels that exclude each other, with the pair that the ontology lists."""
    refs = {one.label.id: one.label for one in labels.asserted}
    pairs = sorted(
        {tuple(sorted((label, other.id))) for label in refs for other in labels.excluded.get(label, ())},
        key=lambda pair: (refs[pair[0]].name, refs[pair[1]].name),
    )
    return tuple(Clash(refs[a], refs[b], listed_pair(tx, refs[a], refs[b])) for a, b in pairs)


def listed_pair(tx: Transaction, first: LabelRef, second: LabelRef) -> tuple[str, str]:
    """Names of the exclusive pair that an exclusion comes from: the two themselves, or ancestors of theirs."""
    rows = tx.run(_LISTED, {"a": first.id, "b": second.id})
    return (rows[0]["x"], rows[0]["y"]) if rows else (first.name, second.name)


def ref(row: Row) -> LabelRef:
    """The label of a row with its id, name and class."""
    return LabelRef(row["id"], row["name"], row["class"])


def _said(row: Row) -> Said:
    has = row["has"]
    return Said(
        label=ref(row),
        source=str(has.get("source") or ""),
        verified=bool(has.get("verified")),
        author=str(has.get("author") or ""),
        created=str(has.get("created") or ""),
        reason=str(has.get("reason") or ""),
        superseded=row["kind"] == SUPERSEDED,
    )

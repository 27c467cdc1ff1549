"""The labels of a lesion as all mentions of it say: of several judgements of one label the strongest counts.

Relevant goes before uncertain, uncertain before irrelevant. What is relevant through a broad or related term only is
uncertain, because the term does not say quite what the label says. Where a curator corrected a label, what mining says
is kept beside the correction (:mod:`kg.label_correction`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ingest.mining.mention import Relevance
from kg.correction_edges import SUPERSEDED, superseded
from kg.errors import StoreError
from kg.label_correction import corrected_pairs
from kg.ontology import SynonymScope
from kg.store import Transaction

Pair = tuple[str, str]

LABEL_SOURCE = "mining"
"""``source`` of the label relationships that come from mining."""

EDGE_TYPES = {
    Relevance.RELEVANT: "HAS_LABEL",
    Relevance.UNCERTAIN: "MAY_HAVE_LABEL",
    Relevance.IRRELEVANT: "MENTIONED_NOT_ABOUT",
}
"""Relationship between a lesion and a label, by the strongest judgement."""

_STRENGTH = {relevance: place for place, relevance in enumerate(EDGE_TYPES)}
_WEAK = {SynonymScope.BROAD, SynonymScope.RELATED}


def write_lesion_labels(tx: Transaction, lesions: Sequence[str]) -> int:
    """Bring the label relationships of lesions to what their mentions say.

    Returns:
        Number of relationships written or removed.

    Raises:
        StoreError: the result is not what was wanted; the transaction must not commit.
    """
    if not lesions:
        return 0
    wanted = _wanted_labels(tx, lesions)
    corrected = corrected_pairs(tx, lesions)
    written = _write_superseded(tx, lesions, {pair: kind for pair, kind in wanted.items() if pair in corrected})
    wanted = {pair: kind for pair, kind in wanted.items() if pair not in corrected}
    for relevance, kind in EDGE_TYPES.items():
        pairs = {pair for pair, strongest in wanted.items() if strongest == relevance}
        pattern = f"(l:Lesion {{id: row.a}})-[r:{kind} {{source: $source}}]->(k:Label"
        there = _edges(tx, kind, lesions)
        stale = [{"a": a, "b": b} for a, b in set(there) - pairs]
        tx.run_many(
            f"UNWIND $rows AS row MATCH {pattern} {{id: row.b}}) "
            "WITH collect(r) AS found FOREACH (r IN found | DELETE r)",
            stale,
            {"source": LABEL_SOURCE},
        )
        missing = sorted(pairs - set(there))
        verified = ", verified: false" if relevance == Relevance.RELEVANT else ""
        tx.run_many(
            "UNWIND $rows AS row MATCH (l:Lesion {id: row.a}) MATCH (k:Label {id: row.b}) "
            f"CREATE (l)-[:{kind} {{source: $source{verified}}}]->(k)",
            [{"a": a, "b": b} for a, b in missing],
            {"source": LABEL_SOURCE},
        )
        if sorted(_edges(tx, kind, lesions)) != sorted(pairs):
            raise StoreError(
                f"mined labels: {kind} does not follow from the mentions, so nothing was stored; try again"
            )
        written += len(stale) + len(missing)
    return written


def _write_superseded(tx: Transaction, lesions: Sequence[str], wanted: Mapping[Pair, Relevance]) -> int:
    """Keep what mining says where a curator's statement holds; returns the number of relationships changed."""
    rows = tx.run(
        f"UNWIND $ids AS id MATCH (l:Lesion {{id: id}})-[r:{SUPERSEDED} {{source: $source}}]->(k:Label) "
        "RETURN l.id AS lesion, k.id AS label, r.said AS said ORDER BY lesion, label",
        {"ids": list(lesions), "source": LABEL_SOURCE},
    )
    there = {((row["lesion"], row["label"]), tuple(row["said"])) for row in rows}
    kept = {(pair, (EDGE_TYPES[kind],)) for pair, kind in wanted.items()}
    stale, missing = sorted(there - kept), sorted(kept - there)
    tx.run_many(
        f"UNWIND $rows AS row MATCH (l:Lesion {{id: row.a}})-[r:{SUPERSEDED} {{source: $source}}]->"
        "(k:Label {id: row.b}) WITH collect(r) AS found FOREACH (r IN found | DELETE r)",
        [{"a": a, "b": b} for (a, b), _ in stale],
        {"source": LABEL_SOURCE},
    )
    tx.run_many(
        "UNWIND $rows AS row MATCH (l:Lesion {id: row.a}) MATCH (k:Label {id: row.b}) "
        f"CREATE (l)-[r:{SUPERSEDED}]->(k) SET r = row.has",
        [{"a": a, "b": b, "has": superseded(LABEL_SOURCE, said, verified=False)} for (a, b), said in missing],
    )
    return len(stale) + len(missing)


def _edges(tx: Transaction, kind: str, lesions: Sequence[str]) -> list[Pair]:
    rows = tx.run(
        f"UNWIND $ids AS id MATCH (l:Lesion {{id: id}})-[r:{kind} {{source: $source}}]->(k:Label) "
        "RETURN l.id AS lesion, k.id AS label ORDER BY lesion, label",
        {"ids": list(lesions), "source": LABEL_SOURCE},
    )
    return [(row["lesion"], row["label"]) for row in rows]


def _wanted_labels(tx: Transaction, lesions: Sequence[str]) -> Mapping[Pair, Relevance]:
    rows = tx.run(
        "UNWIND $ids AS id MATCH (l:Lesion {id: id})<-[:DESCRIBES]-(s:Sentence)-[m:MENTIONS]->(k:Label) "
        "WHERE m.lesion = l.id RETURN DISTINCT l.id AS lesion, k.id AS label, m.relevance AS relevance, "
        "m.scope AS scope ORDER BY lesion, label, relevance, scope",
        {"ids": list(lesions)},
    )
    strongest: dict[Pair, Relevance] = {}
    for row in rows:
        relevance = said_of_lesion(Relevance(row["relevance"]), SynonymScope(row["scope"]))
        pair = (row["lesion"], row["label"])
        strongest[pair] = min(strongest.get(pair, relevance), relevance, key=_STRENGTH.__getitem__)
    return strongest


def said_of_lesion(relevance: Relevance, scope: SynonymScope) -> Relevance:
    """What a mention says of its lesion: through a broad or related term, at most that the label is uncertain."""
    weak = relevance == Relevance.RELEVANT and scope in _WEAK
    return Relevance.UNCERTAIN if weak else relevance

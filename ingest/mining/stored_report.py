"""A mined report read back from the graph, to be shown with its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ingest.mining.graph_mined import LinkedSentence
from ingest.mining.mention import Judgement, Mention, Relevance
from ingest.mining.mine_report import JudgedSentence
from ingest.reports.document import Bookmark, BookmarkKind
from ingest.reports.parse import parse
from ingest.vault import StoredReport, Vault
from kg.errors import UsageError
from kg.ontology import SynonymScope
from kg.store import GraphStore, Transaction

_REPORT = "MATCH (r:Report {id: $id}) RETURN r.id AS id ORDER BY id"
_SENTENCES = """
MATCH (:Report {id: $id})-[:HAS_SENTENCE]->(s:Sentence)
OPTIONAL MATCH (s)-[:DESCRIBES]->(l:Lesion)
WITH s, l.id AS lesion
ORDER BY lesion
RETURN s.id AS id, s.start AS begins, s.end AS ends, s.section AS section, s.organ AS organ, s.bookmarks AS bookmarks,
       collect(lesion) AS lesions
ORDER BY begins
"""
_MENTIONS = """
MATCH (:Report {id: $id})-[:HAS_SENTENCE]->(s:Sentence)-[m:MENTIONS]->(c:Label)
RETURN s.id AS sentence, c.id AS label, properties(m) AS has
ORDER BY sentence, label, m.start, m.end, m.bookmark, m.rule
"""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ShownReport:
    """What is known of a mined report.

    Attributes:
        stored: the report in the vault.
        sentences: what the graph says of it, in the order of the text.
    """

    stored: StoredReport
    sentences: tuple[LinkedSentence, ...]


def find_report(store: GraphStore, vault: Vault, report: str, source: str) -> ShownReport:
    """A mined report by its surrogate, or by its source's id.

    Args:
        store: the graph it was mined into.
        vault: the vault that keeps its text.
        report: surrogate, or the source's id.
        source: name of the source, for an id of its own.

    Raises:
        UsageError: no such report was mined, or its text is in another vault.
    """
    key = (source, report)
    surrogate = report if store.read(_REPORT, {"id": report}) else vault.find("report", [key]).get(key, "")

    def work(tx: Transaction) -> tuple[list[dict[str, Any]], list[dict[str, Any]]] | None:
        if not tx.run(_REPORT, {"id": surrogate}):
            return None
        return tx.run(_SENTENCES, {"id": surrogate}), tx.run(_MENTIONS, {"id": surrogate})

    found = store.read_transaction(work)
    if found is None:
        raise UsageError(
            f"report: not in this graph under that id and source {source!r}; mine it first with `lesionkg mine REPORTS`"
        )
    stored = vault.report(surrogate)
    known = {(b.start, b.end): b for sentence in parse(stored.text).sentences for b in sentence.bookmarks}
    mentions: dict[str, list[Mapping[str, Any]]] = {}
    for row in found[1]:
        mentions.setdefault(row["sentence"], []).append(row)
    return ShownReport(stored, tuple(_sentence(row, mentions.get(row["id"], []), known) for row in found[0]))


def _sentence(
    row: Mapping[str, Any], said: Sequence[Mapping[str, Any]], known: Mapping[Span, Bookmark]
) -> LinkedSentence:
    spans = _pairs(row["bookmarks"])
    bookmarks = tuple(known.get(span, Bookmark(*span, BookmarkKind.REFERENCE)) for span in spans)
    lesions = {int(one["has"]["bookmark"]): str(one["has"]["lesion"]) for one in said}
    # Without a mention nothing says which bookmark points at which of the lesions.
    described = "" if said else ", ".join(row["lesions"])
    judged = [(_mention(one), one["has"]) for one in said]
    mentions = sorted({mention for mention, _ in judged})
    place = {mention: number for number, mention in enumerate(mentions)}
    judgements = [_judgement(place[mention], has) for mention, has in judged]
    sentence = JudgedSentence(
        row["begins"],
        row["ends"],
        row["section"],
        row["organ"],
        bookmarks,
        tuple(mentions),
        tuple(sorted(judgements, key=lambda one: (one.mention, -1 if one.bookmark is None else one.bookmark))),
    )
    return LinkedSentence(sentence, tuple(lesions.get(number, described) for number in range(len(spans))))


def _mention(one: Mapping[str, Any]) -> Mention:
    has = one["has"]
    return Mention(
        has["start"],
        has["end"],
        one["label"],
        has["rule"],
        has["term"],
        SynonymScope(has["scope"]),
        _pairs(has.get("parts")),
        has["nested"],
    )


def _judgement(mention: int, has: Mapping[str, Any]) -> Judgement:
    bookmark = has["bookmark"]
    return Judgement(
        mention, None if bookmark < 0 else bookmark, Relevance(has["relevance"]), has["cue"], has.get("probability")
    )


def _pairs(flat: Sequence[int] | None) -> tuple[Span, ...]:
    numbers = list(flat or ())
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))

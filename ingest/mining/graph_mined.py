"""Mined reports in the graph: reports, sentences and mentions, and what follows from them for each lesion.

Everything about one batch of reports is written in one transaction, and counted before it is committed. Writing a
report replaces what was mined from it before. The label relationships of a lesion (``HAS_LABEL``, ``MAY_HAVE_LABEL``,
``MENTIONED_NOT_ABOUT``, source ``mining``) are computed anew from all its mentions in the same transaction
(:mod:`ingest.mining.graph_lesion_labels`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ingest.graph_lesions import SOURCE, write_lesions
from ingest.mining.graph_lesion_labels import write_lesion_labels
from ingest.mining.mention import Judgement, Mention
from ingest.mining.mine_report import JudgedSentence
from ingest.vault import Mark
from kg.errors import ConflictError, StoreError
from kg.revision import find_head
from kg.store import GraphStore, Row, Transaction

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class LinkedSentence:
    """A sentence with the lesion of each of its bookmarks.

    Attributes:
        sentence: the sentence.
        lesions: for each bookmark the id of its lesion, "" when it was linked to none.
    """

    sentence: JudgedSentence
    lesions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LinkedReport:
    """What the graph shall hold of one report.

    Attributes:
        report: surrogate of the report.
        source: name of the source it came from.
        digest: keyed hash of all that the result depends on.
        settings: hash of how it was mined.
        lexicon: id of the lexicon.
        relevance: id of the relevance model.
        patient: surrogate, "" when unknown.
        study: surrogate, "" when unknown.
        sentences: sentences that mention a label or point at a lesion.
        ambiguous: number of bookmarks that fit several lesions.
    """

    report: str
    source: str
    digest: str
    settings: str
    lexicon: str
    relevance: str
    patient: str
    study: str
    sentences: tuple[LinkedSentence, ...]
    ambiguous: int


@dataclass(frozen=True, slots=True)
class Stored:
    """What the graph holds of a report already.

    Attributes:
        digest: its digest.
        ambiguous: number of its bookmarks that fit several lesions.
    """

    digest: str
    ambiguous: int


def stored_reports(store: GraphStore, reports: Iterable[str]) -> dict[str, Stored]:
    """What the graph holds of the reports, by surrogate."""
    rows = store.read(
        "UNWIND $ids AS id MATCH (r:Report {id: id}) "
        "RETURN r.id AS id, r.digest AS digest, r.ambiguous AS ambiguous ORDER BY id",
        {"ids": sorted(reports)},
    )
    return {row["id"]: Stored(str(row["digest"]), int(row["ambiguous"] or 0)) for row in rows}


def write_reports(store: GraphStore, reports: Sequence[LinkedReport], marks: Sequence[Mark], ontology_hash: str) -> int:
    """Store a batch of mined reports: all of it, or nothing.

    Args:
        store: the graph.
        reports: reports with distinct surrogates.
        marks: marks of the lesions they are linked to.
        ontology_hash: content hash of the ontology they were mined with.

    Returns:
        Number of nodes and relationships written or removed.

    Raises:
        ConflictError: the graph holds another ontology by now.
        StoreError: nothing was stored.
    """

    def work(tx: Transaction) -> int:
        stamp = find_head(tx)
        if stamp is None or stamp.ontology_hash != ontology_hash:
            raise ConflictError(
                "mining: the graph's ontology changed meanwhile, so these reports were not stored; mine again"
            )
        affected, removed = _remove_sentences(tx, [report.report for report in reports])
        written = write_lesions(tx, marks)
        written += _write_owners(tx, reports)
        written += _write_sentences(tx, reports)
        affected |= {lesion for report in reports for found in report.sentences for lesion in found.lesions if lesion}
        return removed + written + write_lesion_labels(tx, sorted(affected))

    return store.write_transaction(work) if reports else 0


def remove_reports(store: GraphStore, reports: Sequence[str]) -> int:
    """Remove reports with all that was mined from them, and compute the labels of their lesions anew.

    Lesions, patients and studies stay.

    Returns:
        Number of nodes and relationships written or removed.
    """

    def work(tx: Transaction) -> int:
        affected, removed = _remove_sentences(tx, reports)
        tx.run_many("UNWIND $rows AS row MATCH (r:Report {id: row.id}) DETACH DELETE r", [{"id": i} for i in reports])
        return removed + len(reports) + write_lesion_labels(tx, sorted(affected))

    return store.write_transaction(work) if reports else 0


def _remove_sentences(tx: Transaction, reports: Sequence[str]) -> tuple[set[str], int]:
    """Remove the sentences of reports.

    Returns:
        The lesions that they described, and the number of sentences.
    """
    of_reports = "UNWIND $ids AS id MATCH (:Report {id: id})-[:HAS_SENTENCE]->(s:Sentence)"
    described = tx.run(
        f"{of_reports}-[:DESCRIBES]->(l:Lesion) RETURN DISTINCT l.id AS id ORDER BY id", {"ids": list(reports)}
    )
    sentences = tx.run(f"{of_reports} RETURN s.id AS id ORDER BY id", {"ids": list(reports)})
    tx.run_many("UNWIND $rows AS row MATCH (s:Sentence {id: row.id}) DETACH DELETE s", sentences)
    return {row["id"] for row in described}, len(sentences)


def _write_owners(tx: Transaction, reports: Sequence[LinkedReport]) -> int:
    """Reports, and the patients and studies they belong to."""
    tx.run_many(
        "UNWIND $rows AS row MERGE (r:Report {id: row.id}) SET r += row",
        [
            {
                "id": report.report,
                "source": report.source,
                "digest": report.digest,
                "settings": report.settings,
                "lexicon": report.lexicon,
                "relevance": report.relevance,
                "patient": report.patient,
                "study": report.study,
                "ambiguous": report.ambiguous,
            }
            for report in reports
        ],
    )
    patients = sorted({report.patient for report in reports if report.patient})
    studies = sorted({(report.patient, report.study) for report in reports if report.study})
    tx.run_many(
        "UNWIND $rows AS row MERGE (p:Patient {id: row.id}) ON CREATE SET p.source = $source",
        [{"id": patient} for patient in patients],
        {"source": SOURCE},
    )
    tx.run_many("UNWIND $rows AS row MERGE (t:Study {id: row.id})", [{"id": study} for _, study in studies])
    tx.run_many(
        "UNWIND $rows AS row MATCH (p:Patient {id: row.patient}) MATCH (t:Study {id: row.study}) "
        "MERGE (p)-[:HAS_STUDY]->(t)",
        [{"patient": patient, "study": study} for patient, study in studies if patient],
    )
    return len(reports)


def _write_sentences(tx: Transaction, reports: Sequence[LinkedReport]) -> int:
    sentences: list[Row] = []
    describes: dict[Pair, None] = {}
    mentions: list[Row] = []
    for report in reports:
        for found in report.sentences:
            sentence = found.sentence
            key = f"{report.report}:{sentence.start}"
            sentences.append(
                {
                    "report": report.report,
                    "id": key,
                    "properties": {
                        "start": sentence.start,
                        "end": sentence.end,
                        "section": sentence.section,
                        "organ": sentence.organ,
                        "bookmarks": [at for mark in sentence.bookmarks for at in (mark.start, mark.end)],
                    },
                }
            )
            describes |= {(key, lesion): None for lesion in found.lesions if lesion}
            mentions += (
                {
                    "sentence": key,
                    "label": sentence.mentions[judgement.mention].label,
                    "properties": _mention(sentence.mentions[judgement.mention], judgement, found.lesions),
                }
                for judgement in sentence.judgements
            )
    tx.run_many(
        "UNWIND $rows AS row MATCH (r:Report {id: row.report}) "
        "CREATE (r)-[:HAS_SENTENCE]->(s:Sentence {id: row.id}) SET s += row.properties",
        sentences,
    )
    tx.run_many(
        "UNWIND $rows AS row MATCH (s:Sentence {id: row.sentence}) MATCH (l:Lesion {id: row.lesion}) "
        "CREATE (s)-[:DESCRIBES]->(l)",
        [{"sentence": sentence, "lesion": lesion} for sentence, lesion in describes],
    )
    tx.run_many(
        "UNWIND $rows AS row MATCH (s:Sentence {id: row.sentence}) MATCH (k:Label {id: row.label}) "
        "CREATE (s)-[m:MENTIONS]->(k) SET m = row.properties",
        mentions,
    )
    _require_sentences(tx, [report.report for report in reports], len(sentences), len(describes), len(mentions))
    return 2 * len(sentences) + len(describes) + len(mentions)


def _mention(mention: Mention, judgement: Judgement, lesions: Sequence[str]) -> Row:
    bookmark = judgement.bookmark
    properties: Row = {
        "start": mention.start,
        "end": mention.end,
        "rule": mention.rule,
        "term": mention.term,
        "scope": mention.scope.value,
        "nested": mention.nested,
        "relevance": judgement.relevance.value,
        "cue": judgement.rule,
        "bookmark": -1 if bookmark is None else bookmark,
        "lesion": "" if bookmark is None else lesions[bookmark],
    }
    if mention.parts:
        properties["parts"] = [at for part in mention.parts for at in part]
    if judgement.probability is not None:
        properties["probability"] = judgement.probability
    return properties


def _require_sentences(tx: Transaction, reports: Sequence[str], *wanted: int) -> None:
    of_reports = "UNWIND $ids AS id MATCH (:Report {id: id})-[:HAS_SENTENCE]->(s:Sentence)"
    patterns = ("", "-[:DESCRIBES]->(:Lesion)", "-[:MENTIONS]->(:Label)")
    found = tuple(
        tx.run(f"{of_reports}{pattern} RETURN count(*) AS n ORDER BY n", {"ids": list(reports)})[0]["n"]
        for pattern in patterns
    )
    if found != wanted:
        raise StoreError(
            f"mined reports: {found} sentences, lesions and mentions instead of {wanted}, so nothing was stored; "
            "a label or lesion is missing in the graph: `lesionkg graph verify`"
        )

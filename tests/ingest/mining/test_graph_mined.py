"""Mined reports in the graph, behind both adapters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ingest.mining.graph_lesion_labels import said_of_lesion
from ingest.mining.graph_mined import (
    LinkedReport,
    LinkedSentence,
    Stored,
    remove_reports,
    stored_reports,
    write_reports,
)
from ingest.mining.mention import Judgement, Mention, Relevance
from ingest.mining.mine_report import JudgedSentence
from ingest.reports.document import Bookmark, BookmarkKind
from ingest.vault import Mark
from kg.errors import ConflictError, StoreError
from kg.graph_ontology import save_ontology
from kg.integrity import edge_counts
from kg.ontology import Ontology, SynonymScope
from kg.shipped import load_shipped
from kg.store import GraphStore

RELEVANT, UNCERTAIN, IRRELEVANT = Relevance.RELEVANT, Relevance.UNCERTAIN, Relevance.IRRELEVANT
ONTOLOGY: Ontology = load_shipped()
HASH = ONTOLOGY.content_hash
BOOKMARK = Bookmark(20, 28, BookmarkKind.HYPERLINK, series=4, image=61)


def label(name: str) -> str:
    return ONTOLOGY.by_name[name].id


def mark(lesion: str, image: int = 61, **other: object) -> Mark:
    return replace(Mark(lesion, "P-1", "S-1", "R-1", 4, image, "", 22.0, 19.0), **other)  # type: ignore[arg-type]


def sentence(
    said: Sequence[tuple[str, Relevance]], start: int = 0, bookmarks: int = 1, scope: SynonymScope = SynonymScope.EXACT
) -> JudgedSentence:
    """A sentence that says all of its labels, at the same place, with the same relevance to each of its bookmarks."""
    mentions = tuple(Mention(start + 4, start + 10, label(name), "name", name, scope) for name, _ in said)
    judgements = tuple(
        Judgement(number, bookmark, relevance, "a cue" if relevance != RELEVANT else "")
        for number, (_, relevance) in enumerate(said)
        for bookmark in (range(bookmarks) if bookmarks else (None,))
    )
    return JudgedSentence(start, start + 40, "findings", "lungs", (BOOKMARK,) * bookmarks, mentions, judgements)


def report(name: str, *sentences: LinkedSentence, **other: object) -> LinkedReport:
    made = LinkedReport(
        name, "reports", f"digest of {name}", "settings", "lexicon", "rules", "P-1", "S-1", sentences, 0
    )
    return replace(made, **other)  # type: ignore[arg-type]


def linked(found: JudgedSentence, *lesions: str) -> LinkedSentence:
    return LinkedSentence(found, lesions)


def labels(store: GraphStore, lesion: str) -> dict[str, set[str]]:
    """Names by relationship type; fails on a doubled one."""
    rows = store.read(
        "MATCH (l:Lesion {id: $id})-[r]->(k:Label) WHERE r.source = 'mining' "
        "RETURN type(r) AS type, k.name AS name, count(r) AS n, collect(r.verified) AS verified ORDER BY type, name",
        {"id": lesion},
    )
    assert all(row["n"] == 1 for row in rows)
    assert all(row["verified"] == ([False] if row["type"] == "HAS_LABEL" else []) for row in rows)
    return {kind: {row["name"] for row in rows if row["type"] == kind} for kind in {row["type"] for row in rows}}


def count(store: GraphStore, pattern: str) -> int:
    found: int = store.read(f"MATCH {pattern} RETURN count(*) AS n ORDER BY n")[0]["n"]
    return found


@pytest.fixture
def store(any_store: GraphStore) -> GraphStore:
    save_ontology(any_store, ONTOLOGY)
    return any_store


def test_a_report_is_stored_with_its_path_sentences_and_mentions(store: GraphStore) -> None:
    probable = Judgement(0, 0, UNCERTAIN, "cnn-1", 0.75)
    gapped = Mention(4, 30, label("left kidney"), "gap", "left kidney", SynonymScope.NARROW, ((4, 8), (24, 30)), True)
    found = replace(sentence([("nodule", RELEVANT)]), mentions=(gapped,), judgements=(probable,))
    assert write_reports(store, [report("T-1", linked(found, "L-1"))], [mark("L-1")], HASH) > 0
    path = store.read(
        "MATCH (p:Patient)-[:HAS_STUDY]->(t:Study)-[:HAS_SERIES]->(e:Series)-[:HAS_LESION]->(l:Lesion)"
        "<-[:DESCRIBES]-(s:Sentence)<-[:HAS_SENTENCE]-(r:Report) RETURN p.id AS p, t.id AS t, e.id AS e, "
        "properties(l) AS lesion, properties(s) AS sentence, properties(r) AS report ORDER BY p"
    )
    assert path == [
        {
            "p": "P-1",
            "t": "S-1",
            "e": "R-1",
            "lesion": {"id": "L-1", "source": "reports", "long_mm": 22.0, "short_mm": 19.0},
            "sentence": {
                "id": "T-1:0",
                "start": 0,
                "end": 40,
                "section": "findings",
                "organ": "lungs",
                "bookmarks": [20, 28],
            },
            "report": {
                "id": "T-1",
                "source": "reports",
                "digest": "digest of T-1",
                "settings": "settings",
                "lexicon": "lexicon",
                "relevance": "rules",
                "patient": "P-1",
                "study": "S-1",
                "ambiguous": 0,
            },
        }
    ]
    mentions = store.read("MATCH (:Sentence)-[m:MENTIONS]->(k:Label) RETURN k.name AS k, properties(m) AS m ORDER BY k")
    assert mentions == [
        {
            "k": "left kidney",
            "m": {
                "start": 4,
                "end": 30,
                "parts": [4, 8, 24, 30],
                "rule": "gap",
                "term": "left kidney",
                "scope": "narrow",
                "nested": True,
                "relevance": "uncertain",
                "cue": "cnn-1",
                "probability": 0.75,
                "bookmark": 0,
                "lesion": "L-1",
            },
        }
    ]
    assert labels(store, "L-1") == {"MAY_HAVE_LABEL": {"left kidney"}}
    assert stored_reports(store, ["T-1", "T-2"]) == {"T-1": Stored("digest of T-1", 0)}


def test_the_strongest_judgement_of_all_sentences_counts(store: GraphStore) -> None:
    first = linked(sentence([("nodule", IRRELEVANT), ("liver", UNCERTAIN), ("spleen", IRRELEVANT)]), "L-1")
    second = linked(sentence([("nodule", RELEVANT), ("liver", IRRELEVANT), ("liver", RELEVANT)], start=50), "L-1")
    write_reports(store, [report("T-1", first)], [mark("L-1")], HASH)
    assert labels(store, "L-1") == {"MENTIONED_NOT_ABOUT": {"nodule", "spleen"}, "MAY_HAVE_LABEL": {"liver"}}
    write_reports(store, [report("T-2", second)], [mark("L-1")], HASH)
    assert labels(store, "L-1") == {"HAS_LABEL": {"nodule", "liver"}, "MENTIONED_NOT_ABOUT": {"spleen"}}
    remove_reports(store, ["T-2"])
    assert labels(store, "L-1") == {"MENTIONED_NOT_ABOUT": {"nodule", "spleen"}, "MAY_HAVE_LABEL": {"liver"}}
    remove_reports(store, ["T-1"])
    assert labels(store, "L-1") == {}
    assert (count(store, "(r:Report)"), count(store, "(s:Sentence)"), count(store, "(l:Lesion)")) == (0, 0, 1)
    assert all(found.agrees for found in edge_counts(store))


def test_writing_a_report_again_replaces_its_sentences_and_moves_its_labels(store: GraphStore) -> None:
    marks = [mark("L-1"), mark("L-2", image=80)]
    before = report("T-1", linked(sentence([("nodule", RELEVANT)], bookmarks=2), "L-1", "L-2"))
    other = report("T-2", linked(sentence([("cyst", RELEVANT)]), "L-1"))
    write_reports(store, [before, other], marks, HASH)
    assert labels(store, "L-2") == {"HAS_LABEL": {"nodule"}}
    after = report("T-1", linked(sentence([("mass", RELEVANT)], start=100), "L-1"), digest="another")
    write_reports(store, [after], marks, HASH)
    assert labels(store, "L-1") == {"HAS_LABEL": {"mass", "cyst"}}
    assert labels(store, "L-2") == {}
    assert stored_reports(store, ["T-1"])["T-1"].digest == "another"
    assert count(store, "(:Report {id: 'T-1'})-[:HAS_SENTENCE]->(:Sentence)") == 1
    again = write_reports(store, [after], marks, HASH)
    assert again == write_reports(store, [after], marks, HASH)
    assert labels(store, "L-1") == {"HAS_LABEL": {"mass", "cyst"}}
    assert all(found.agrees for found in edge_counts(store))


def test_sentences_without_bookmark_or_link_say_nothing_of_a_lesion(store: GraphStore) -> None:
    lone = linked(sentence([("nodule", RELEVANT)], bookmarks=0))
    unlinked = linked(sentence([("cyst", RELEVANT)], start=50), "")
    write_reports(store, [report("T-1", lone, unlinked, patient="", study="")], [], HASH)
    rows = store.read("MATCH (:Sentence)-[m:MENTIONS]->(:Label) RETURN m.bookmark AS b, m.lesion AS l ORDER BY b")
    assert rows == [{"b": -1, "l": ""}, {"b": 0, "l": ""}]
    assert count(store, "(:Lesion)-[:HAS_LABEL]->(:Label)") == 0
    assert (count(store, "(p:Patient)"), count(store, "(t:Study)")) == (0, 0)


def test_labels_of_another_source_stay(store: GraphStore) -> None:
    write_reports(store, [report("T-1", linked(sentence([("nodule", RELEVANT)]), "L-1"))], [mark("L-1")], HASH)
    store.write_transaction(
        lambda tx: tx.run(
            "MATCH (l:Lesion {id: 'L-1'}) MATCH (k:Label {id: $k}) "
            "CREATE (l)-[:HAS_LABEL {source: 'lesanet', verified: true}]->(k)",
            {"k": label("nodule")},
        )
    )
    remove_reports(store, ["T-1"])
    assert labels(store, "L-1") == {}
    assert count(store, "(:Lesion)-[:HAS_LABEL {source: 'lesanet'}]->(:Label)") == 1


def test_a_term_that_says_less_than_its_label_makes_it_uncertain(store: GraphStore) -> None:
    weak = sentence([("nodule", RELEVANT)], scope=SynonymScope.RELATED)
    write_reports(store, [report("T-1", linked(weak, "L-1"))], [mark("L-1")], HASH)
    assert labels(store, "L-1") == {"MAY_HAVE_LABEL": {"nodule"}}


@pytest.mark.parametrize("relevance", Relevance)
@pytest.mark.parametrize("scope", SynonymScope)
def test_scope_weakens_what_is_relevant_only(relevance: Relevance, scope: SynonymScope) -> None:
    weak = relevance == RELEVANT and scope in (SynonymScope.BROAD, SynonymScope.RELATED)
    assert said_of_lesion(relevance, scope) == (UNCERTAIN if weak else relevance)


def test_an_edit_of_the_ontology_meanwhile_stores_nothing(store: GraphStore) -> None:
    renamed = replace(ONTOLOGY.labels[0], definition="another definition")
    save_ontology(store, replace(ONTOLOGY, labels=(renamed, *ONTOLOGY.labels[1:])))
    with pytest.raises(ConflictError, match="mine again"):
        write_reports(store, [report("T-1", linked(sentence([("nodule", RELEVANT)]), "L-1"))], [mark("L-1")], HASH)
    assert count(store, "(r:Report)") == 0


def test_a_lesion_or_label_that_is_missing_stores_nothing(store: GraphStore) -> None:
    good = report("T-1", linked(sentence([("nodule", RELEVANT)]), "L-1"))
    write_reports(store, [good], [mark("L-1")], HASH)
    wrong = report("T-2", linked(sentence([("nodule", RELEVANT)]), "L-9"))
    with pytest.raises(StoreError, match="nothing was stored"):
        write_reports(store, [good, wrong], [mark("L-1")], HASH)
    spoilt = replace(sentence([("nodule", RELEVANT)]), mentions=(Mention(0, 3, "LKG:9999999", "name", "x"),))
    with pytest.raises(StoreError, match="nothing was stored"):
        write_reports(store, [report("T-2", linked(spoilt, "L-1"))], [mark("L-1")], HASH)
    assert count(store, "(r:Report)") == 1
    assert labels(store, "L-1") == {"HAS_LABEL": {"nodule"}}


def test_many_sentences_of_one_lesion_are_replaced_without_rest(store: GraphStore) -> None:
    names = [found.name for found in ONTOLOGY.labels if not found.deprecated][:60]
    many = report(
        "T-1", *(linked(sentence([(name, RELEVANT) for name in names], start=50 * n), "L-1") for n in range(20))
    )
    write_reports(store, [many], [mark("L-1")], HASH)
    assert labels(store, "L-1") == {"HAS_LABEL": set(names)}
    write_reports(store, [report("T-1", linked(sentence([("nodule", IRRELEVANT)]), "L-1"))], [mark("L-1")], HASH)
    assert labels(store, "L-1") == {"MENTIONED_NOT_ABOUT": {"nodule"}}
    assert (count(store, "(s:Sentence)"), count(store, "(:Sentence)-[:MENTIONS]->(:Label)")) == (1, 1)
    assert all(found.agrees for found in edge_counts(store))

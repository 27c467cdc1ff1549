"""The named queries over mined reports, on both adapters, against answers computed without Cypher."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mined_graph import IRRELEVANT, LESIONS, RELEVANT, SAID, UNCERTAIN, MinedGraph, Said, mined_graph

from kg.store import GraphStore
from queries.request import Request, answer
from queries.results import Result

Ask = Callable[..., list[dict[str, Any]]]
MINED = ("mined-labels", "mined-sentences", "mentions-by-rule", "report-findings", "label-evidence")


@pytest.fixture(scope="module")
def mined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinedGraph]:
    with mined_graph(tmp_path_factory.mktemp("mined") / "graph") as made:
        yield made


@pytest.fixture(params=["embedded", "bolt"])
def ask(request: pytest.FixtureRequest, mined: MinedGraph) -> Ask:
    """Ask a named query through each adapter in turn."""
    store: GraphStore = getattr(mined, request.param)

    def asked(name: str, **parameters: Any) -> list[dict[str, Any]]:
        found: Result = answer(store, Request(name, parameters=parameters))
        return found.as_dicts()

    return asked


def test_mined_labels_are_asserted_or_follow_from_asserted_ones(ask: Ask, mined: MinedGraph) -> None:
    expected = set()
    for lesion in LESIONS:
        relevant = set(lesion.has).union(*(mined.ancestors(name) for name in lesion.has))
        doubted = set(lesion.may_have).union(*(mined.ancestors(name) for name in lesion.may_have)) - relevant
        expected |= {(lesion.id, n, RELEVANT, "asserted" if n in lesion.has else "inferred") for n in relevant}
        expected |= {(lesion.id, n, UNCERTAIN, "asserted" if n in lesion.may_have else "inferred") for n in doubted}
        expected |= {(lesion.id, name, IRRELEVANT, "asserted") for name in lesion.not_about}
    rows = ask("mined-labels")
    assert {(r["lesion"], r["label"], r["relevance"], r["origin"]) for r in rows} == expected
    assert len(rows) == len(expected)
    said = {one.id: {*one.has, *one.may_have} for one in LESIONS}
    for row in rows:
        assert row["class"] == mined.ontology.by_name[row["label"]].label_class
        if row["origin"] == "inferred":
            assert row["from"] in said[row["lesion"]]
            assert row["label"] in mined.ancestors(row["from"])
        else:
            assert row["from"] is None
    assert any(row["origin"] == "inferred" and row["relevance"] == UNCERTAIN for row in rows)


def test_labels_of_another_source_are_shown_when_it_is_named(ask: Ask) -> None:
    rows = ask("mined-labels", source="lesanet")
    assert {(r["lesion"], r["label"]) for r in rows if r["origin"] == "asserted"} == {
        ("DL:00007", "calcified"),
        ("H:a", "liver mass"),
    }


@pytest.mark.parametrize("lesion", LESIONS, ids=lambda one: one.id)
def test_sentences_of_a_lesion(lesion: Any, ask: Ask) -> None:
    by_sentence: dict[str, list[Said]] = defaultdict(list)
    for one in SAID:
        if one.lesion == lesion.id:
            by_sentence[one.sentence_id].append(one)
    rows = ask("mined-sentences", lesion=lesion.id)
    assert [row["sentence"] for row in rows] == sorted(by_sentence)
    for row in rows:
        said = by_sentence[row["sentence"]]
        for relevance in (RELEVANT, UNCERTAIN, IRRELEVANT):
            assert row[relevance] == sorted({one.label for one in said if one.relevance == relevance})
        assert row["rules"] == sorted({one.rule for one in said})
        assert (row["report"], row["begins"]) == (said[0].report, 50 * said[0].sentence)
        assert (row["ends"] - row["begins"], row["section"], row["organ"]) == (49, "findings", "")


def test_rules_by_what_they_find(ask: Ask) -> None:
    expected = []
    for rule, scope in {(one.rule, one.scope) for one in SAID}:
        said = [one for one in SAID if (one.rule, one.scope) == (rule, scope)]
        judged = [sum(one.relevance == r for one in said) for r in (RELEVANT, UNCERTAIN, IRRELEVANT)]
        places = len({(one.sentence_id, one.label, one.start, one.end) for one in said})
        expected.append((rule, scope, len({one.label for one in said}), places, *judged))
    rows = ask("mentions-by-rule")
    shown = [
        tuple(r[n] for n in ("rule", "scope", "labels", "mentions", RELEVANT, UNCERTAIN, IRRELEVANT)) for r in rows
    ]
    assert shown == sorted(expected, key=lambda row: (-int(row[3]), row[:2]))
    assert [r["rule"] for r in ask("mentions-by-rule", least=3)] == [row[0] for row in shown if row[3] >= 3]
    assert ask("mentions-by-rule", limit=1) == rows[:1]


def test_findings_of_reports_that_point_at_no_lesion(ask: Ask) -> None:
    with_bookmark = {one.report for one in SAID if one.bookmark >= 0}
    found: dict[tuple[str, str], list[Said]] = defaultdict(list)
    for one in SAID:
        if one.report not in with_bookmark:
            found[one.report, one.label].append(one)
    words = {RELEVANT: "asserted", UNCERTAIN: "uncertain", IRRELEVANT: "negated"}
    strongest = {key: min((one.relevance for one in said), key=list(words).index) for key, said in found.items()}
    expected = sorted(found, key=lambda key: (key[0], list(words).index(strongest[key]), key[1]))
    rows = ask("report-findings")
    assert [(r["report"], r["label"]) for r in rows] == expected
    for row in rows:
        said = found[row["report"], row["label"]]
        assert row["finding"] == words[strongest[row["report"], row["label"]]]
        assert row["sentences"] == len({one.sentence_id for one in said})
        assert row["rules"] == sorted({one.rule for one in said})
    assert {row["finding"] for row in rows} == set(words.values())


@pytest.mark.parametrize(
    ("lesion", "label"),
    [("H:a", "liver"), ("H:a", "liver mass"), ("DL:00008", "lung"), ("DL:00008", "metastasis"), ("H:d", "liver")],
)
def test_evidence_for_a_label_of_a_lesion(lesion: str, label: str, ask: Ask, mined: MinedGraph) -> None:
    expected = [
        (one.report, one.sentence_id, one.label, one.start, one.end, one.label, one.rule, one.scope, one.relevance,
         one.cue, one.probability)
        for one in SAID
        if one.lesion == lesion and (one.label == label or label in mined.ancestors(one.label))
    ]  # fmt: skip
    rows = ask("label-evidence", lesion=lesion, label=label)
    assert [tuple(row.values()) for row in rows] == sorted(expected, key=lambda row: (row[0], row[3], row[4], row[2]))


@pytest.mark.parametrize("name", MINED)
def test_both_adapters_agree_to_the_order(name: str, mined: MinedGraph) -> None:
    given = {"lesion": "DL:00008"} if name in ("mined-sentences", "label-evidence") else {}
    request = Request(name, parameters=given)
    assert answer(mined.embedded, request).rows == answer(mined.bolt, request).rows

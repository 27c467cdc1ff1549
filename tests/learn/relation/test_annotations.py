"""The annotation file: written and read again, bad lines reported by number, no text in any message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.mining.mention import BOOKMARK_WORD, Relevance
from kg.errors import InputError
from kg.shipped import load_shipped
from learn.relation.annotations import (
    AnnotatedSentence,
    BadLine,
    annotated,
    content_hash,
    read_annotations,
    write_annotations,
)

QUOTED = Path(__file__).parent / "quoted_sentences.jsonl"
SECRET = "Smith"
GOOD: dict[str, Any] = {
    "text": f"{SECRET}: stable nodule in the liver BOOKMARK near the aorta.",
    "mentions": [
        {"label": "nodule", "start": 14, "end": 20},
        {"label": "liver", "start": 28, "end": 33},
        {"label": "aorta", "start": 52, "end": 57},
    ],
    "bookmarks": [{"start": 34, "end": 42}],
    "relations": [
        {"mention": 0, "bookmark": 0, "relevance": "relevant"},
        {"mention": 1, "bookmark": 0, "relevance": "relevant"},
        {"mention": 2, "bookmark": 0, "relevance": "irrelevant"},
    ],
}


def _read(path: Path) -> list[AnnotatedSentence | BadLine]:
    return list(read_annotations(path, load_shipped()))


def _line(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content) + "\n")
    return path


def test_a_line_becomes_a_sentence_as_mining_would_hand_it_over(tmp_path: Path) -> None:
    (row,) = _read(_line(tmp_path / "a.jsonl", GOOD))
    assert isinstance(row, AnnotatedSentence)
    assert [row.sentence.text[m.start : m.end] for m in row.sentence.mentions] == ["nodule", "liver", "aorta"]
    assert row.sentence.mentions[0].label == load_shipped().by_name["nodule"].id
    assert [t.text for t in row.sentence.tokens if t.start == 34] == [BOOKMARK_WORD]
    assert row.gold == {(0, 0): Relevance.RELEVANT, (1, 0): Relevance.RELEVANT, (2, 0): Relevance.IRRELEVANT}


def test_mentions_and_bookmarks_given_in_any_order_keep_their_relations(tmp_path: Path) -> None:
    turned = GOOD | {"mentions": GOOD["mentions"][::-1]}
    turned["relations"] = [r | {"mention": 2 - r["mention"]} for r in GOOD["relations"]]
    (row,), (same,) = _read(_line(tmp_path / "a.jsonl", turned)), _read(_line(tmp_path / "b.jsonl", GOOD))
    assert row == same


def test_quoted_sentences_of_the_papers_survive_a_round_trip(tmp_path: Path) -> None:
    rows = [row for row in _read(QUOTED) if isinstance(row, AnnotatedSentence)]
    assert len(rows) == len(QUOTED.read_text().splitlines())
    write_annotations(tmp_path / "again.jsonl", rows)
    again = [row for row in _read(tmp_path / "again.jsonl") if isinstance(row, AnnotatedSentence)]
    assert again == rows
    assert content_hash(again) == content_hash(rows)
    assert content_hash(rows[1:]) != content_hash(rows)


@given(st.lists(st.tuples(st.integers(0, 8), st.sampled_from(Relevance)), max_size=6, unique_by=lambda pair: pair[0]))
def test_any_judgements_survive_a_round_trip(
    tmp_path_factory: pytest.TempPathFactory, judged: list[tuple[int, Relevance]]
) -> None:
    ids = [label.id for label in load_shipped().labels[:3]]
    gold = {(pair // 3, pair % 3): relevance for pair, relevance in judged}
    text = "one B two B three B"
    row = annotated(text, [(ids[0], 0, 3), (ids[1], 6, 9), (ids[2], 12, 17)], [(4, 5), (10, 11), (18, 19)], gold)
    path = tmp_path_factory.mktemp("trip") / "a.jsonl"
    write_annotations(path, [row])
    assert _read(path) == [row]


def _broken(**change: object) -> dict[str, Any]:
    return GOOD | change


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param("{", "not a JSON object", id="not JSON"),
        pytest.param(json.dumps([GOOD]), "not a JSON object", id="a list"),
        pytest.param("[" * 100_000, "not a JSON object", id="nested too deep"),
        pytest.param(json.dumps(_broken(text="  ")), "no text", id="no text"),
        pytest.param(json.dumps(_broken(mentions={})), "mentions is not a list", id="mentions no list"),
        pytest.param(json.dumps(_broken(mentions=[{"label": "x", "start": 0, "end": 1}])), "mention 0", id="no label"),
        pytest.param(json.dumps(_broken(mentions=[{"label": "liver", "start": 0, "end": 999}])), "mention 0", id="out"),
        pytest.param(json.dumps(_broken(mentions=[{"label": "liver", "start": 5, "end": 5}])), "mention 0", id="empty"),
        pytest.param(json.dumps(_broken(bookmarks=[{"start": True, "end": 4}])), "bookmark 0", id="a truth value"),
        pytest.param(
            json.dumps(_broken(bookmarks=[{"start": 34, "end": 42}, {"start": 40, "end": 43}])), "overlap", id="overlap"
        ),
        pytest.param(
            json.dumps(_broken(relations=[{"mention": 9, "bookmark": 0, "relevance": "relevant"}])),
            "relation 0 names no mention",
            id="no such mention",
        ),
        pytest.param(
            json.dumps(_broken(relations=[{"mention": 0, "bookmark": None, "relevance": "relevant"}])),
            "relation 0 names no bookmark",
            id="bookmark missing",
        ),
        pytest.param(json.dumps(_broken(bookmarks=[])), "give null", id="a bookmark where there is none"),
        pytest.param(
            json.dumps(_broken(relations=[{"mention": 0, "bookmark": 0, "relevance": SECRET}])),
            "no relevance of relevant",
            id="no such relevance",
        ),
        pytest.param(
            json.dumps(
                _broken(relations=[*GOOD["relations"], {"mention": 0, "bookmark": 0, "relevance": "uncertain"}])
            ),
            "contradicts",
            id="two answers",
        ),
        pytest.param(json.dumps(_broken(source=3)), "source", id="source no text"),
    ],
)
def test_a_bad_line_is_reported_by_number_and_the_batch_goes_on(tmp_path: Path, line: str, words: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n\n{line}\n{json.dumps(GOOD)}\n")
    first, bad, last = _read(path)
    assert first == last
    assert isinstance(bad, BadLine)
    assert bad.line == 3
    assert words in bad.reason
    assert SECRET not in bad.reason
    assert "\n" not in bad.reason


def test_undecodable_bytes_are_one_bad_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xff\xfe\n" + json.dumps(GOOD).encode())
    bad, good = _read(path)
    assert isinstance(bad, BadLine)
    assert isinstance(good, AnnotatedSentence)


def test_a_missing_file_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        _read(tmp_path / "none.jsonl")


def test_text_stays_out_of_representations() -> None:
    text = f"{SECRET} had a nodule BOOKMARK"
    row = annotated(text, [("LKG:0000001", 12, 18)], [(19, 27)], {(0, 0): Relevance.RELEVANT})
    assert SECRET not in repr(row)

"""Label lists out of the graph, in the layout that LesaNet's authors released."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mined_graph import IRRELEVANT, LESIONS, RELEVANT, SAID, UNCERTAIN, MinedGraph, Said, mined_graph
from small_release import first_lesions

from ingest.deeplesion import OFFICIAL_ROWS
from ingest.label_lists import read_label_lists
from ingest.load import load_deeplesion
from ingest.mentions import asserted_labels, listed_parents, parse
from ingest.mining.export_lists import Asserted, LabelExport, LabelledLesion, ListFormat
from ingest.mining.export_split import Split
from ingest.mining.mention import Relevance
from ingest.release import DEEPLESION
from kg.cohort import SPLITS
from kg.curation.change_set import ChangeSet
from kg.curation.composites import merge
from kg.errors import InputError, LesionKGError, UsageError
from kg.graph_ontology import save_ontology
from kg.ontology import Ontology
from kg.shipped import load_shipped
from kg.store import GraphStore

SET = "lesanet-171"
ONTOLOGY: Ontology = load_shipped()
MEMBERS = ONTOLOGY.label_set(SET).members


@pytest.fixture(scope="module")
def mined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MinedGraph]:
    with mined_graph(tmp_path_factory.mktemp("mined") / "graph") as made:
        yield made


@pytest.fixture(params=["embedded", "bolt"])
def pulled(request: pytest.FixtureRequest, mined: MinedGraph) -> LabelExport:
    return LabelExport.pull(getattr(mined, request.param), SET)


def lines(export: LabelExport, path: Path) -> dict[str, Any]:
    export.write(path, ListFormat.JSONL, Split())
    return {line["lesion"]: line for line in map(json.loads, path.read_text(encoding="utf-8").splitlines())}


def names(lesion: LabelledLesion, relevance: Relevance) -> set[str]:
    return {ONTOLOGY.by_id[one.label].name for one in lesion.labels if one.relevance == relevance}


def test_lesions_come_with_their_patients_rows_and_asserted_labels(pulled: LabelExport) -> None:
    expected = {one.id: one for one in LESIONS if one.id != "H:d"}  # nothing was mined for that one
    assert [lesion.id for lesion in pulled.lesions] == sorted(expected)
    for lesion in pulled.lesions:
        one = expected[lesion.id]
        assert (lesion.patient, lesion.row) == (one.patient, one.index)
        assert names(lesion, Relevance.RELEVANT) == set(one.has)
        assert names(lesion, Relevance.UNCERTAIN) == set(one.may_have)
        assert names(lesion, Relevance.IRRELEVANT) == set(one.not_about)


def test_labels_stand_in_the_order_of_their_first_mention_with_what_found_them(pulled: LabelExport) -> None:
    first: dict[tuple[str, str, str], tuple[int, Said]] = {}
    for place, one in enumerate(SAID):
        weak = one.relevance == RELEVANT and one.scope == "related"
        first.setdefault((one.lesion, one.label, UNCERTAIN if weak else one.relevance), (place, one))
    for lesion in pulled.lesions:
        keys = [(lesion.id, ONTOLOGY.by_id[one.label].name, str(one.relevance)) for one in lesion.labels]
        assert keys == sorted(keys, key=lambda key: (SAID[first[key][0]].report, SAID[first[key][0]].start))
        for key, one in zip(keys, lesion.labels, strict=True):
            said = first[key][1]
            assert (one.rule, one.term, one.probability) == (said.rule, said.label, said.probability)


def test_labels_of_another_source_have_no_mention(mined: MinedGraph) -> None:
    export = LabelExport.pull(mined.embedded, SET, source="lesanet")
    assert [(lesion.id, names(lesion, Relevance.RELEVANT)) for lesion in export.lesions] == [
        ("DL:00007", {"calcified"}),
        ("H:a", {"liver mass"}),
    ]
    assert all(one.rule == "" for lesion in export.lesions for one in lesion.labels)


def test_what_cannot_be_exported_says_why(mined: MinedGraph) -> None:
    with pytest.raises(UsageError, match="source 'nobody': the graph has no labels from it"):
        LabelExport.pull(mined.embedded, SET, source="nobody")
    with pytest.raises(UsageError, match="label set 'other': not in ontology"):
        LabelExport.pull(mined.embedded, "other")


def test_a_line_tells_asserted_from_inferred_labels(pulled: LabelExport, mined: MinedGraph, tmp_path: Path) -> None:
    read = lines(pulled, tmp_path / "labels.jsonl")
    members = {ONTOLOGY.by_id[label].name for label in MEMBERS}
    for one in LESIONS[:-1]:
        labels = read[one.id]["labels"]
        said = {(x["name"], x["relevance"]) for x in labels if not x["inferred"]}
        assert said == {
            (name, relevance)
            for relevance, those in ((RELEVANT, one.has), (UNCERTAIN, one.may_have), (IRRELEVANT, one.not_about))
            for name in those
            if name in members
        }
        has = set().union(*(mined.ancestors(name) for name in one.has)) - {*one.has, *one.may_have}
        may = set().union(*(mined.ancestors(name) for name in one.may_have)) - {*one.has, *one.may_have} - has
        inferred = {(x["name"], x["relevance"]) for x in labels if x["inferred"]}
        assert inferred == {(n, RELEVANT) for n in has & members} | {(n, UNCERTAIN) for n in may & members}
        assert all(ONTOLOGY.by_id[x["id"]].name == x["name"] for x in labels)
        assert all(set(x) == {"name", "id", "relevance", "inferred", "rule", "term", "probability"} for x in labels)


def test_lists_are_read_back_and_parsed_into_what_was_asserted(pulled: LabelExport, tmp_path: Path) -> None:
    """Lesions that are not DeepLesion's alone; numbers among DeepLesion's own are in the next test."""
    others = LabelExport(pulled.ontology, SET, tuple(one for one in pulled.lesions if one.row is None))
    summary = others.write(tmp_path / "labels.json", ListFormat.JSON, Split())
    read = read_label_lists(tmp_path / "labels.json")
    ids = json.loads((tmp_path / "labels.json").read_text(encoding="utf-8"))["lesions"]
    assert (summary.others, sum(summary.lesions.values()), read.size) == (3, 3, 3)
    assert sorted(ids.values()) == ["H:a", "H:b", "H:c"]
    found = asserted_labels(read, listed_parents(ONTOLOGY, SET))
    by_id = {one.id: one for one in others.lesions}
    for row, number in enumerate(read.table["index"].to_pylist()):
        lesion = by_id[ids[str(number)]]
        has = {ONTOLOGY.by_id[MEMBERS[c]].name for c in found.has[[row]].indices}
        may = {ONTOLOGY.by_id[MEMBERS[c]].name for c in found.may_have[[row]].indices}
        assert has == names(lesion, Relevance.RELEVANT) & set(read.terms)
        assert may == names(lesion, Relevance.UNCERTAIN) & set(read.terms) - has


def test_a_lesion_of_deeplesion_keeps_its_row_and_no_other_takes_one(pulled: LabelExport, tmp_path: Path) -> None:
    pulled.write(tmp_path / "labels.json", ListFormat.JSON, Split())
    content = json.loads((tmp_path / "labels.json").read_text(encoding="utf-8"))
    numbers = sorted(n for split in SPLITS for n in content[f"{split}_lesion_idxs"])
    assert numbers == [7, 8, OFFICIAL_ROWS, OFFICIAL_ROWS + 1, OFFICIAL_ROWS + 2]
    assert content["lesions"] == dict(zip(map(str, numbers[2:]), ("H:a", "H:b", "H:c"), strict=True))


def test_the_layout_is_that_of_the_released_file(pulled: LabelExport, shared_data: Path) -> None:
    released = json.loads((shared_data / "lesanet" / "text_mined_labels_171_and_split.json").read_text())
    made = pulled.as_lists(["train"] * len(pulled.lesions))
    assert set(made) - {"lesions"} == set(released)
    assert made["term_list"] == released["term_list"]


def test_labels_of_real_lesions_survive_graph_and_file(embedded_store: GraphStore, tmp_path: Path) -> None:
    """The released labels of the first 200 lesions, through the graph, written and read again."""
    release = first_lesions(200)
    save_ontology(embedded_store, ONTOLOGY)
    load_deeplesion(embedded_store, release)
    LabelExport.pull(embedded_store, SET, DEEPLESION.label_source).write(tmp_path / "l.json", ListFormat.JSON, Split())
    read = read_label_lists(tmp_path / "l.json")
    given = asserted_labels(release.labels, listed_parents(load_shipped("lesanet-released"), SET))
    found = asserted_labels(read, listed_parents(ONTOLOGY, SET))
    rows = release.labels.table["index"].to_pylist()
    labelled = [i for i in range(len(rows)) if given.has[[i]].nnz + given.may_have[[i]].nnz + given.not_about[[i]].nnz]
    place = {index: i for i, index in enumerate(read.table["index"].to_pylist())}
    assert sorted(place) == sorted(rows[i] for i in labelled)
    order = [place[rows[i]] for i in labelled]
    assert (found.has[order] != given.has[labelled]).nnz == 0
    assert (found.may_have[order] != given.may_have[labelled]).nnz == 0
    patients = {lesion.patient for lesion in LabelExport.pull(embedded_store, SET, DEEPLESION.label_source).lesions}
    assert all(patient.startswith("DL:P") for patient in patients)


def test_the_released_lists_come_out_as_they_went_in(shared_data: Path, tmp_path: Path) -> None:
    """What the parser takes for mentions in the released relevant lists, written by us, is the same list again."""
    released = load_shipped("lesanet-released")
    parents = listed_parents(released, SET)
    lists = read_label_lists(shared_data / "lesanet" / "text_mined_labels_171_and_split.json")
    whole = [(i, parsed) for i, row in enumerate(lists.lists("relevant")) if (parsed := parse(row, parents)).whole]
    members = released.label_set(SET).members
    lesions = tuple(
        LabelledLesion(f"x:{i:05d}", i, "", tuple(Asserted(members[c], Relevance.RELEVANT) for c in parsed.mentions))
        for i, parsed in whole
    )
    made = LabelExport(released, SET, lesions).as_lists(["test"] * len(lesions))
    rows = lists.lists("relevant")
    assert len(whole) > 20_000
    assert [sorted(entries) for entries in made["test_relevant_labels"]] == [sorted(rows[i]) for i, _ in whole]
    assert [parse(e, parents).mentions for e in made["test_relevant_labels"]] == [p.mentions for _, p in whole]


LABELS = st.sampled_from(sorted(ONTOLOGY.by_id))
SAYINGS = st.lists(st.tuples(LABELS, st.sampled_from(Relevance)), max_size=6, unique=True)


@given(st.lists(SAYINGS, min_size=1, max_size=5))
def test_any_labels_survive_the_lists(said: list[list[tuple[str, Relevance]]]) -> None:
    lesions = tuple(
        LabelledLesion(f"{i}", None, "", tuple(Asserted(label, relevance) for label, relevance in labels))
        for i, labels in enumerate(said)
    )
    export = LabelExport(ONTOLOGY, SET, lesions)
    content = export.as_lists(["train"] * len(lesions))
    parents = listed_parents(ONTOLOGY, SET)
    for place, labels in enumerate(said):
        for relevance in Relevance:
            entries = content[f"train_{relevance}_labels"][place]
            wanted = [label for label, its in labels if its == relevance]
            if relevance is Relevance.IRRELEVANT:
                assert [MEMBERS[c] for c in entries] == [label for label in wanted if label in MEMBERS]
                continue
            parsed = parse(entries, parents)
            assert parsed.whole
            assert {label for label in wanted if label in MEMBERS} <= {MEMBERS[c] for c in parsed.mentions}
            if all(label in MEMBERS for label in wanted):
                assert [MEMBERS[c] for c in parsed.mentions] == wanted


def test_a_label_outside_the_set_stands_as_what_it_implies_in_the_set() -> None:
    outside = ONTOLOGY.by_name["parapelvic cyst"]
    assert outside.id not in MEMBERS
    export = LabelExport(ONTOLOGY, SET, (LabelledLesion("a", None, "", (Asserted(outside.id, Relevance.RELEVANT),)),))
    content = export.as_lists(["train"])
    listed = [content["term_list"][c] for c in content["train_relevant_labels"][0]]
    assert listed[0] == "kidney cyst"
    assert set(listed) == {"kidney cyst", "cyst", "kidney", "abdomen", "retroperitoneum"}
    (line,) = export.as_lines(["train"])
    # "upper abdomen" is listed for none of them, but the kidney's label implies it all the same.
    implied = {*listed, "upper abdomen"}
    assert {(x["name"], x["inferred"]) for x in line["labels"]} == {(name, True) for name in implied}


def test_a_merged_label_stands_as_the_one_it_was_merged_into() -> None:
    gone, kept = ONTOLOGY.by_name["parapelvic cyst"].id, ONTOLOGY.by_name["kidney cyst"].id
    merged = ChangeSet((merge(ONTOLOGY, gone, kept),)).apply(ONTOLOGY)
    said = (LabelledLesion("a", None, "", (Asserted(gone, Relevance.RELEVANT),)),)
    content = LabelExport(merged, SET, said).as_lists(["train"])
    plain = LabelExport(merged, SET, (LabelledLesion("a", None, "", (Asserted(kept, Relevance.RELEVANT),)),))
    assert content["train_relevant_labels"] == plain.as_lists(["train"])["train_relevant_labels"] != [[]]


# Splits


def test_a_patients_lesions_are_in_one_split_that_others_do_not_change() -> None:
    split = Split()
    patients = [f"P-{i}" for i in range(2000)]
    chosen = [split.of(f"L{i}", patient) for i, patient in enumerate(patients)]
    assert chosen == [split.of(f"other {i}", patient) for i, patient in enumerate(patients)]
    shares = [chosen.count(name) / len(chosen) for name in SPLITS]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.03)
    assert {split.of(f"L{i}", "") for i in range(100)} == set(SPLITS)  # without a patient each stands alone


@pytest.mark.parametrize("key", ["patient", "lesion"])
def test_a_split_can_be_given_as_a_file(key: str, tmp_path: Path) -> None:
    file = tmp_path / "split.csv"
    file.write_text(f"{key},split\na,val\nb,test\na,val\n", encoding="utf-8")
    split = Split.read(file)
    one, other = (("L", "a"), ("L", "b")) if key == "patient" else (("a", "P"), ("b", "P"))
    assert (split.of(*one), split.of(*other)) == ("val", "test")
    with pytest.raises(InputError, match=f"has no split for lesion x; add its {key}"):
        split.of("x", "y")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("who,split\na,val\n", r"columns patient \(or lesion\) and split are missing"),
        ("patient,part\na,val\n", r"columns patient \(or lesion\) and split are missing"),
        ("patient,split\na,dev\n", "line 2: split is not one of train, val, test"),
        ("patient,split\na,val\na,test\n", "line 3: the patient is in another split already"),
        ("patient,split\na\n", "line 2: split is not one of"),
        ("\x00", "missing|cannot be read"),
        (None, "cannot be read as CSV"),
    ],
)
def test_a_bad_split_file_is_one_clear_error(text: str | None, said: str, tmp_path: Path) -> None:
    file = tmp_path / "split.csv"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        Split.read(file)


# Files


def test_equal_content_gives_equal_bytes(pulled: LabelExport, tmp_path: Path) -> None:
    for form in ListFormat:
        pulled.write(tmp_path / "a", form, Split())
        pulled.write(tmp_path / "b", form, Split())
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_failed_export_leaves_the_old_file(pulled: LabelExport, tmp_path: Path, monkeypatch: Any) -> None:
    file = tmp_path / "labels.json"
    file.write_text("old", encoding="utf-8")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(json, "dump", fail)
    with pytest.raises(LesionKGError, match=r"labels\.json: cannot be written \(No space left on device\)"):
        pulled.write(file, ListFormat.JSON, Split())
    assert file.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_no_file_of_an_export_holds_more_than_ids_and_words_of_the_lexicon(pulled: LabelExport, tmp_path: Path) -> None:
    pulled.write(tmp_path / "a", ListFormat.JSONL, Split())
    text = (tmp_path / "a").read_text(encoding="utf-8")
    assert "P:1" not in text and "R1" not in text

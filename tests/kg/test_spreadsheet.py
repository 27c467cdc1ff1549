"""The released spreadsheet, read and made an ontology."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from pathlib import Path

import openpyxl
import pytest

from kg import spreadsheet
from kg.errors import InputError
from kg.label_ids import shipped_ids
from kg.ontology import LabelClass, RelationKind, SynonymScope
from kg.relation_kinds import reviewed_kinds
from kg.shipped import load_shipped
from kg.spreadsheet import Spreadsheet, read_spreadsheet, to_ontology
from kg.synonym_scopes import reviewed_scopes

HEADER = ["id", "class", "term", "synonyms", "num_detected", "term_exclusive", "term_parents", "term_children"]


@pytest.fixture(scope="session")
def released(shared_data: Path) -> Spreadsheet:
    return read_spreadsheet(shared_data / "lesanet" / "lesion_ontology_181022.xlsx")


def write_sheet(path: Path, rows: list[list[object]], header: list[str] | None = None) -> Path:
    workbook = openpyxl.Workbook()
    sheet = workbook.worksheets[0]
    sheet.append(HEADER if header is None else header)
    for row in rows:
        sheet.append(row)
    workbook.save(path)
    return path


def row(name: str, label_class: str = "bodypart", **cells: str) -> list[object]:
    return [None, label_class, name, cells.get("synonyms", name), 1, *(cells.get(c) for c in HEADER[5:])]


def test_all_rows_are_read_as_listed(released: Spreadsheet) -> None:
    assert len(released.rows) == 333
    assert Counter(r.label_class.value for r in released.rows) == {"bodypart": 219, "type": 72, "attribute": 42}
    liver = released.by_term["liver"]
    assert liver.synonyms[:2] == ("liver", "hepatic")
    assert liver.parents == ("abdomen", "upper abdomen")
    assert liver.detected == 7334
    assert released.by_term["biliary system"].exclusive.count("intestine") == 2, "duplicates are kept for the check"


def test_only_parents_that_are_rows_become_relations(released: Spreadsheet) -> None:
    ontology = to_ontology(released)
    ontology.require_resolved()
    assert len(ontology.relations) == 548
    assert len(ontology.exclusive_pairs) == 632
    assert ontology.name == "lesanet-released"
    assert {r.source for r in ontology.relations} == {"lesanet-released"}


def test_label_set_keeps_the_released_column_order(released: Spreadsheet, shared_data: Path) -> None:
    labels = json.loads((shared_data / "lesanet" / "text_mined_labels_171_and_split.json").read_text())
    ontology = to_ontology(released)
    names = [ontology.by_id[i].name for i in ontology.label_set("lesanet-171").members]
    assert names == labels["term_list"]


def test_ids_follow_the_rows_of_the_release_and_never_move(released: Spreadsheet) -> None:
    assert list(shipped_ids()) == [r.term for r in released.rows]
    backwards = Spreadsheet("backwards.xlsx", released.rows[::-1])
    assert to_ontology(backwards) == to_ontology(released)


def test_a_new_name_gets_the_next_free_id(released: Spreadsheet, tmp_path: Path) -> None:
    file = write_sheet(tmp_path / "own.xlsx", [row("lung"), row("our own label"), row("another one")])
    ontology = to_ontology(read_spreadsheet(file))
    assert ontology.label("lung").id == "LKG:0000002"
    assert ontology.label("our own label").id == "LKG:0000334"
    assert ontology.label("another one").id == "LKG:0000335"
    assert ontology.label_sets == (), "lesanet-171 belongs only to an ontology that has all its labels"


def test_exclusive_pairs_tell_who_listed_them(released: Spreadsheet) -> None:
    ontology = to_ontology(released)
    one_way = [p for p in ontology.exclusive_pairs if p.evidence != "listed by both terms"]
    assert sorted(p.evidence for p in one_way) == ["listed by 'chest wall' only", "listed by 'lung' only"]
    pleura = ontology.label("pleura").id
    assert all(pleura in (p.a, p.b) for p in one_way)


def test_the_own_name_is_no_synonym_and_most_synonyms_are_exact(released: Spreadsheet) -> None:
    ontology = to_ontology(released)
    liver = ontology.label("liver")
    assert {s.text: s.scope for s in liver.synonyms}["hepatic lesion"] is SynonymScope.EXACT
    assert all(s.text != label.name for label in ontology.labels for s in label.synonyms)
    attenuation = {s.text: s.scope for s in ontology.label("hypoattenuation").synonyms}
    assert attenuation["hypodense"] is SynonymScope.EXACT
    assert attenuation["hypoenhancement"] is SynonymScope.RELATED


def test_every_reviewed_scope_is_of_a_listed_synonym(released: Spreadsheet) -> None:
    for label, synonym in reviewed_scopes():
        assert synonym in released.by_term[label].synonyms


def test_every_parent_pair_has_one_reviewed_kind_and_no_review_is_left_over(released: Spreadsheet) -> None:
    listed = {(r.term, p) for r in released.rows for p in r.parents if p in released.by_term}
    ids = shipped_ids()
    assert {(ids[child], ids[parent]) for child, parent in listed} == set(reviewed_kinds())
    assert all(review.reason and review.reviewer for review in reviewed_kinds().values())
    assert not [r for r in to_ontology(released).relations if "not reviewed" in r.evidence]


def test_names_in_the_table_of_kinds_are_those_of_its_ids() -> None:
    ids = shipped_ids()
    for line in spreadsheet.shipped_table("relation_kinds.tsv", ("child_id", "child", "parent_id", "parent")):
        assert ids[line["child"]] == line["child_id"]
        assert ids[line["parent"]] == line["parent_id"]


@pytest.mark.parametrize(
    ("child", "parent", "kind"),
    [
        pytest.param("simple cyst", "cyst", RelationKind.IS_A, id="type-of-type"),
        pytest.param("sacrum", "bone", RelationKind.IS_A, id="a-bone"),
        pytest.param("left lung", "lung", RelationKind.PART_OF, id="side-of-a-pair"),
        pytest.param("right upper lobe", "right lung", RelationKind.PART_OF, id="lobe"),
        pytest.param("lung nodule", "lung", RelationKind.LOCATED_IN, id="finding-in-organ"),
        pytest.param("axilla lymph node", "axilla", RelationKind.LOCATED_IN, id="node-in-region"),
        pytest.param("axilla lymph node", "lymph node", RelationKind.IS_A, id="node-of-a-place"),
        pytest.param("sclerotic", "bone", RelationKind.INHERES_IN, id="attribute-of-body-part"),
        pytest.param("lobular mass", "lobular", RelationKind.HAS_ATTRIBUTE, id="type-with-attribute"),
    ],
)
def test_relation_kinds_of_known_pairs(child: str, parent: str, kind: RelationKind) -> None:
    ontology = load_shipped("lesanet-released")
    ids = ontology.label(child).id, ontology.label(parent).id
    assert [r.kind for r in ontology.relations if (r.child, r.parent) == ids] == [kind]


@pytest.mark.parametrize(
    ("child_class", "parent_class", "kind"),
    [
        pytest.param("bodypart", "bodypart", RelationKind.PART_OF),
        pytest.param("type", "bodypart", RelationKind.LOCATED_IN),
        pytest.param("attribute", "bodypart", RelationKind.INHERES_IN),
        pytest.param("type", "type", RelationKind.IS_A),
        pytest.param("type", "attribute", RelationKind.HAS_ATTRIBUTE),
    ],
)
def test_an_unreviewed_pair_gets_the_kind_of_its_classes(
    tmp_path: Path, child_class: str, parent_class: str, kind: RelationKind
) -> None:
    rows = [row("above", parent_class), row("below", child_class, term_parents="above | above")]
    (relation,) = to_ontology(read_spreadsheet(write_sheet(tmp_path / "own.xlsx", rows))).relations
    assert relation.kind is kind
    assert "not reviewed" in relation.evidence


def test_class_counts_of_the_import_are_those_of_the_shipped_file(released: Spreadsheet) -> None:
    classes = Counter(label.label_class for label in to_ontology(released).labels)
    assert classes == Counter(label.label_class for label in load_shipped("lesanet-released").labels)
    assert classes[LabelClass.BODYPART] == 219


BAD_SHEETS = [
    pytest.param([["1", "bodypart"]], HEADER[:2], "column 'term' is missing", id="missing-column"),
    pytest.param([row("lung"), row("lung")], HEADER, "term 'lung' in rows 2 and 3", id="term-twice"),
    pytest.param([[7, *row("a")[1:]], [7, *row("b")[1:]]], HEADER, "id '7' in rows 2 and 3", id="id-twice"),
    pytest.param([row("lung", "organ")], HEADER, "class 'organ'", id="unknown-class"),
    pytest.param([row("lung", "")], HEADER, "class ''", id="no-class"),
    pytest.param([[1, "type", None, "x", 1, None, None, None]], HEADER, "row 2 has no term", id="no-term"),
    pytest.param([[1, "type", "x", "x", "many", None, None, None]], HEADER, "num_detected 'many'", id="bad-number"),
    pytest.param([], HEADER, "no terms below the header", id="empty"),
]


@pytest.mark.parametrize(("rows", "header", "reason"), BAD_SHEETS)
def test_a_bad_sheet_is_one_line_with_the_reason(
    tmp_path: Path, rows: list[list[object]], header: list[str], reason: str
) -> None:
    file = write_sheet(tmp_path / "bad.xlsx", rows, header)
    with pytest.raises(InputError) as raised:
        read_spreadsheet(file)
    assert reason in str(raised.value)
    assert str(raised.value).startswith(f"{file}: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"id,class,term\n1,type,x\n", b"PK\x03\x04 cut off", b"\x00" * 4096])
def test_a_file_that_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "other.xlsx"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"not an \.xlsx workbook"):
        read_spreadsheet(file)


def test_a_zip_without_a_workbook_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "zip.xlsx"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(InputError, match=r"not an \.xlsx workbook"):
        read_spreadsheet(file)


def test_a_workbook_with_broken_xml_is_refused(tmp_path: Path) -> None:
    whole = write_sheet(tmp_path / "whole.xlsx", [row("lung")])
    broken = tmp_path / "broken.xlsx"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(broken, "w") as target:
        for entry in source.namelist():
            data = source.read(entry)
            target.writestr(entry, data[: len(data) // 2] if entry.endswith("sheet1.xml") else data)
    with pytest.raises(InputError, match=r"not an \.xlsx workbook"):
        read_spreadsheet(broken)


def test_a_file_that_unpacks_to_too_much_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_sheet(tmp_path / "bomb.xlsx", [row("lung")])
    monkeypatch.setattr(spreadsheet, "_MOST_BYTES", 100)
    with pytest.raises(InputError, match="unpacks to more than"):
        read_spreadsheet(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_spreadsheet(tmp_path / "none.xlsx")

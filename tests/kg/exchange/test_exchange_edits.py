"""Edited files: each edit is one change of the base, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_ontology
import openpyxl
import pytest

from kg.curation.between import changes_between
from kg.curation.describe import describe
from kg.errors import InputError
from kg.exchange.formats import read_onto, write
from kg.exchange.sheet import sheet_findings
from kg.ontology import ExclusionException, Ontology, RelationKind, SynonymScope
from kg.shipped import load_shipped
from kg.spreadsheet import COLUMNS

RELEASED = "lesion_ontology_181022.xlsx"


def described(base: Ontology, after: Ontology) -> list[str]:
    names = {label.id: label.name for label in (*after.labels, *base.labels)}
    return [describe(change, names) for change in changes_between(base, after)]


def text_edited(base: Ontology, path: Path, *edits: tuple[str, str]) -> Ontology:
    """What the export of a base says after texts in it were replaced, each of them there once."""
    write(base, path)
    text = path.read_text(encoding="utf-8")
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return read_onto(base, path)


def sheet_edited(base: Ontology, path: Path, *edits: tuple[str, str, object]) -> Ontology:
    """What the export of a base says after cells were set, each named by its term and column."""
    write(base, path)
    workbook = openpyxl.load_workbook(path)
    sheet = workbook.worksheets[0]
    rows = {row[2].value: row for row in sheet.iter_rows()}
    for term, column, value in edits:
        if term not in rows:
            sheet.append([value if name == column else {"term": term, "class": "type"}.get(name) for name in COLUMNS])
        else:
            rows[term][COLUMNS.index(column)].value = value
    workbook.save(path)
    return read_onto(base, path)


def test_the_released_spreadsheet_changes_nothing_of_the_released_ontology(shared_data: Path) -> None:
    base = load_shipped("lesanet-released")
    assert read_onto(base, shared_data / "lesanet" / RELEASED) == base
    rules = {finding.rule for finding in sheet_findings(base, shared_data / "lesanet" / RELEASED)}
    assert {"dangling-parent", "one-way-exclusion", "duplicate-entry"} <= rules


def test_the_released_spreadsheet_takes_the_repairs_back(shared_data: Path) -> None:
    base, released = load_shipped(), load_shipped("lesanet-released")
    after = read_onto(base, shared_data / "lesanet" / RELEASED)
    pairs = {(r.child, r.parent) for r in after.relations}
    assert pairs == {(r.child, r.parent) for r in released.relations}
    assert after.all_exclusive_pairs == released.all_exclusive_pairs
    assert after.soft_relations == base.soft_relations


SHEET_EDITS = [
    pytest.param([("lung", "term", "lungs")], ["rename 'lung' to 'lungs'"], id="rename"),
    pytest.param([("lung", "class", "type")], ["change the class of 'lung' from 'bodypart' to 'type'"], id="class"),
    pytest.param(
        [("nodule", "term_parents", "lung")],
        ["add relation: 'nodule' located in 'lung' (source x.xlsx)"],
        id="new-parent",
    ),
    pytest.param(
        [("left lung", "term_parents", None)],
        [
            "remove relation: 'left lung' is a 'lung' (source RadLex)",
            "remove relation: 'left lung' is a 'lung' (source made)",
            "remove relation: 'left lung' part of 'lung' (source made)",
        ],
        id="no-parent",
    ),
    pytest.param(
        [("nodule", "term_exclusive", "liver | no such term")],
        ["add exclusive pair: 'liver' never with 'nodule' (source x.xlsx)"],
        id="exclusive-once",
    ),
    pytest.param(
        [("liver", "term_exclusive", None), ("chest", "term_exclusive", None)],
        ["remove exclusive pair: 'chest' never with 'liver' (source made)"],
        id="no-longer-exclusive",
    ),
    pytest.param([("liver", "term_exclusive", None)], [], id="exclusive-by-the-other-row"),
    pytest.param(
        [("lung", "synonyms", "lung | pulmonary | lungs")],
        [
            "remove related synonym: 'Lunge 🫁' of 'lung'",
            "add exact synonym: 'lungs' of 'lung' (source x.xlsx)",
        ],
        id="synonyms",
    ),
    pytest.param(
        [("lump", "synonyms", "lump | =bump")],
        ["add label: 'lump' (type, LKG:0000334) (source x.xlsx)"],
        id="new-label",
    ),
]


@pytest.mark.parametrize(("edits", "says"), SHEET_EDITS)
def test_an_edited_cell_is_a_change(edits: list[tuple[str, str, object]], says: list[str], tmp_path: Path) -> None:
    base = made_ontology.small()
    after = sheet_edited(base, tmp_path / "x.xlsx", *edits)
    assert sorted(described(base, after)) == sorted(says)


def test_a_renamed_term_may_be_called_by_its_old_name_in_other_rows(tmp_path: Path) -> None:
    base = made_ontology.small()
    sheet_edited(base, tmp_path / "x.xlsx", ("lung", "term", "lungs"), ("mass?", "term_parents", "lump"))
    assert [(f.rule, f.labels[0]) for f in sheet_findings(base, tmp_path / "x.xlsx")] == [("dangling-parent", "lump")]


def test_kinds_of_new_relations_are_the_reviewed_ones(shared_data: Path) -> None:
    base = load_shipped("lesanet-released")
    bare = replace(base, relations=())
    after = read_onto(bare, shared_data / "lesanet" / RELEASED)
    assert {(r.child, r.kind, r.parent) for r in after.relations} == {
        (r.child, r.kind, r.parent) for r in base.relations
    }


def test_a_pair_of_a_group_is_not_dropped_by_a_cell(tmp_path: Path) -> None:
    edits = [("solid", "term_exclusive", None), ("calcified", "term_exclusive", None)]
    with pytest.raises(InputError, match=r"are of exclusive group 'G:1'"):
        sheet_edited(made_ontology.small(), tmp_path / "x.xlsx", *edits)


def test_a_row_that_is_gone_is_a_label_that_nothing_may_still_need(tmp_path: Path) -> None:
    base = made_ontology.small()
    needless = replace(base, soft_relations=(), label_sets=(), relations=())
    for ontology, needed in ((base, True), (needless, False)):
        write(ontology, tmp_path / "x.xlsx")
        workbook = openpyxl.load_workbook(tmp_path / "x.xlsx")
        sheet = workbook.worksheets[0]
        sheet.delete_rows(next(row[0].row for row in sheet.iter_rows() if row[2].value == "left lung"))
        workbook.save(tmp_path / "x.xlsx")
        if needed:
            with pytest.raises(InputError, match="T:3 is not a label"):
                read_onto(ontology, tmp_path / "x.xlsx")
        else:
            after = read_onto(ontology, tmp_path / "x.xlsx")
            assert described(ontology, after) == ["remove label: 'left lung' (bodypart, T:3)"]


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        pytest.param(("mass", "class", "type"), "row 9: 'mass' is deprecated in made", id="deprecated"),
        pytest.param(("lung", "id", "T:3"), "id 'T:3' in rows", id="id-twice"),
        pytest.param(("lung", "class", "organ"), "class 'organ'", id="class"),
    ],
)
def test_a_row_that_cannot_be_is_refused(edit: tuple[str, str, object], says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        sheet_edited(made_ontology.small(), tmp_path / "x.xlsx", edit)
    assert says in str(raised.value)
    assert str(raised.value).startswith(str(tmp_path / "x.xlsx"))


def test_no_cell_of_a_spreadsheet_is_a_formula(tmp_path: Path) -> None:
    base = made_ontology.small()
    risky = replace(base.label("lung"), name='=HYPERLINK("http://example.org")')
    ontology = replace(base, labels=(*(x for x in base.labels if x.id != risky.id), risky), notices=("@SUM(A1)",))
    write(ontology, tmp_path / "x.xlsx")
    for sheet in openpyxl.load_workbook(tmp_path / "x.xlsx").worksheets:
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
        assert not [c.value for row in sheet.iter_rows() for c in row if str(c.value or "").startswith(("=", "@"))]
    assert read_onto(ontology, tmp_path / "x.xlsx") == ontology


TIDY_EDITS = [
    pytest.param([("label\tT:5\tnodule", "label\tT:5\tlump")], ["rename 'nodule' to 'lump'"], id="rename"),
    pytest.param(
        [("chest\t\tmade\tsomeone\t2020-01-02\ta book", "chest\t\tmade\tsomeone\t2021-01-02\ta book")],
        ["change relation: 'lung' located in 'chest', created '2020-01-02' becomes '2021-01-02'"],
        id="provenance",
    ),
    pytest.param(
        [("CONFUSABLE_WITH", "TYPICALLY_LOCATED_IN")],
        [
            "remove soft relation: 'nodule' confusable with 'mass'",
            "add soft relation: 'nodule' typically located in 'mass'",
        ],
        id="soft",
    ),
    pytest.param(
        [("exclusive-pair\tT:1\tchest\t\tT:4\tliver", "exclusive-pair\tT:1\tchest\t\tT:5\t")],
        [
            "remove exclusive pair: 'chest' never with 'liver' (source made)",
            "add exclusive pair: 'chest' never with 'nodule' (source made)",
        ],
        id="exclusive",
    ),
    pytest.param(
        [("Everything between neck and abdomen.", '"All\tof ""it"""')],
        ["redefine 'chest': 'All\\tof \"it\"'"],
        id="quoted-cell",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("edits", "says"), TIDY_EDITS)
def test_an_edited_row_is_a_change(edits: list[tuple[str, str]], says: list[str], tmp_path: Path) -> None:
    base = made_ontology.small()
    assert sorted(described(base, text_edited(base, tmp_path / "x.tsv", *edits))) == sorted(says)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        pytest.param(("T:4\tliver\t\tmade", "T:4\tlung\t\tmade"), "'liver', but 'lung' is T:2", id="name"),
        pytest.param(("soft-relation\tT:5\tnodule\tCONF", "soft\tT:5\tnodule\tCONF"), "row 'soft' is", id="row"),
        pytest.param(("CONFUSABLE_WITH", "LOOKS_LIKE"), "predicate 'LOOKS_LIKE'", id="predicate"),
        pytest.param(("\nend\t", "\nnotice\t"), "no row 'end'", id="cut-off"),
        pytest.param(("row\tsubject\t", "row\tabout\t"), "column 'subject' is missing", id="column"),
        pytest.param(("CONFUSABLE_WITH\t", "CONFUSABLE_WITH"), "has 10 cells, not 11", id="cells"),
        pytest.param(("few\t\t1\tT:1", "few\t\t5\tT:1"), "has a gap", id="gap"),
        pytest.param(("few\t\t1\tT:1", "few\t\tone\tT:1"), "position 'one'", id="position"),
        pytest.param(("few\t\t1\tT:1", "none\t\t1\tT:1"), "no row 'label-set'", id="no-label-set"),
        pytest.param(("member\tG:1\t\t\tT:7", "member\tG:2\t\t\tT:7"), "no row 'exclusive-group'", id="group"),
        pytest.param(("synonym\tT:2\tlung\texact", "synonym\tT:0\t\texact"), "no row 'label'", id="no-label"),
        pytest.param(("status\tT:6\tmass\tdeprecated", "status\tT:6\tmass\told"), "status 'old'", id="status"),
    ],
)  # fmt: skip
def test_a_row_that_is_not_understood_is_refused_with_its_line(
    edit: tuple[str, str], says: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as raised:
        text_edited(made_ontology.small(), tmp_path / "x.tsv", edit)
    assert says in str(raised.value)
    assert str(raised.value).startswith(str(tmp_path / "x.tsv"))


def test_a_table_saved_by_a_spreadsheet_program_reads_the_same(tmp_path: Path) -> None:
    base = made_ontology.small()
    write(base, tmp_path / "x.tsv")
    text = (tmp_path / "x.tsv").read_text(encoding="utf-8")
    (tmp_path / "x.tsv").write_text("\ufeff" + text + "\t" * 10 + "\n", encoding="utf-8")
    assert read_onto(base, tmp_path / "x.tsv") == base


def test_mappings_are_added_changed_and_taken_away(tmp_path: Path) -> None:
    base = made_ontology.small()
    header = "skos:exactMatch\tradlex:RID1301\tlung\tsemapv:UnspecifiedMatching\treviewed"
    broad = "T:2\tlung\tskos:broadMatch\tradlex:RID9\tthorax\tsemapv:UnspecifiedMatching\t"
    liver = "T:4\tliver\tskos:exactMatch\tradlex:RID58\tliver\tsemapv:LexicalMatching\tby name"
    after = text_edited(
        base, tmp_path / "x.sssom.tsv", (header, header.replace("exactMatch", "closeMatch")), (broad, liver)
    )
    assert sorted(described(base, after)) == [
        "add mapping: 'liver' exact match RID58 'liver'",
        "change mapping: 'lung' exact match RID1301 'lung' becomes 'lung' close match RID1301 'lung'",
        "remove mapping: 'lung' broad match RID9 'thorax'",
    ]
    assert after.label("liver").mappings[0].justification == "semapv:LexicalMatching: by name"


def test_the_shipped_mappings_change_nothing(tmp_path: Path) -> None:
    from kg.tables import shipped_text

    (tmp_path / "x.sssom.tsv").write_text(shipped_text("radlex.sssom.tsv"), encoding="utf-8")
    for name in ("lesanet-released", "lesanet-repaired"):
        assert read_onto(load_shipped(name), tmp_path / "x.sssom.tsv") == load_shipped(name)


def test_the_header_of_a_mapping_file_is_yaml_with_what_sssom_asks_for(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    write(load_shipped(), tmp_path / "x.sssom.tsv")
    lines = (tmp_path / "x.sssom.tsv").read_text(encoding="utf-8").splitlines()
    found = yaml.safe_load("\n".join(line[1:] for line in lines if line.startswith("#")))
    assert {"mapping_set_id", "license", "curie_map"} <= set(found)
    assert found["curie_map"]["LKG"] == "https://w3id.org/lesionkg/label/LKG_"
    assert "RSNA" in found["other"]


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        pytest.param(("\nT:2\tlung\tskos:exact", "\nT:99\tlung\tskos:exact"), "'T:99' is no label of made", id="label"),
        pytest.param(("radlex:RID1301", "SCTID:1"), "mapped to 'SCTID:1'", id="object"),
        pytest.param(("skos:broadMatch", "skos:wide"), "predicate 'skos:wide'", id="predicate"),
        pytest.param(("subject_id", "subject"), "column 'subject_id' is missing", id="column"),
    ],
)
def test_a_bad_mapping_is_refused(edit: tuple[str, str], says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as raised:
        text_edited(made_ontology.small(), tmp_path / "x.sssom.tsv", edit)
    assert says in str(raised.value)
    assert str(raised.value).startswith(str(tmp_path / "x.sssom.tsv"))


def graph_edited(base: Ontology, path: Path, edit: Callable[[Any], object]) -> Ontology:
    """What the export of a base says after its graph was edited."""
    write(base, path)
    document = json.loads(path.read_text(encoding="utf-8"))
    edit(document["graphs"][0])
    path.write_text(json.dumps(document), encoding="utf-8")
    return read_onto(base, path)


def node(graph: Any, name: str) -> Any:
    return next(one for one in graph["nodes"] if one["lbl"] == name)


def test_an_edge_of_another_tool_is_a_relation(tmp_path: Path) -> None:
    base = made_ontology.small()

    def edit(graph: Any) -> None:
        graph["edges"].append({"sub": node(graph, "solid")["id"], "pred": "is_a", "obj": node(graph, "nodule")["id"]})
        graph["equivalentNodesSets"] = []
        node(graph, "nodule")["meta"]["synonyms"] = [{"pred": "hasNarrowSynonym", "val": "lump", "xrefs": []}]

    after = graph_edited(base, tmp_path / "x.obo.json", edit)
    assert [(r.child, r.kind) for r in after.relations if r.parent == "T:5"] == [("T:7", RelationKind.IS_A)]
    assert [s.scope for s in after.label("nodule").synonyms] == [SynonymScope.NARROW]
    assert len(changes_between(base, after)) == 2


GRAPH_EDITS = [
    pytest.param(lambda g: g.update(logicalDefinitionAxioms=[{}]), "logicalDefinitionAxioms", id="axioms"),
    pytest.param(lambda g: g["nodes"].append({"id": "http://x.org/a", "lbl": "a"}), "http://x.org/a", id="node"),
    pytest.param(lambda g: g["edges"][0].update(pred="BFO:0000050", meta={}), "predicate is unknown", id="predicate"),
    pytest.param(lambda g: g["edges"][0].update(obj="http://x.org/a"), "http://x.org/a is none of", id="end"),
    pytest.param(lambda g: g["edges"][0].pop("sub"), "sub of an edge is missing", id="no-end"),
    pytest.param(lambda g: node(g, "lung")["meta"].update(comments=["x"]), "'comments'", id="comments"),
    pytest.param(lambda g: node(g, "lung").pop("lbl"), "lbl of", id="no-name"),
    pytest.param(lambda g: node(g, "lung")["meta"].update(deprecated="yes"), "neither true nor false", id="deprecated"),
    pytest.param(lambda g: node(g, "lung")["meta"].pop("basicPropertyValues"), "class of", id="no-class"),
    pytest.param(
        lambda g: node(g, "lung")["meta"]["synonyms"][0].update(pred="x"), "'x', which is unknown", id="scope"
    ),
    pytest.param(lambda g: g["nodes"].remove(node(g, "G:1")), "which is no node", id="no-group"),
    pytest.param(lambda g: g.pop("nodes"), "is no node", id="no-nodes"),
    pytest.param(lambda g: g.update(edges={}), "edges of the graph is no list", id="no-list"),
]


@pytest.mark.parametrize(("edit", "says"), GRAPH_EDITS)
def test_a_graph_that_an_ontology_cannot_hold_is_refused(
    edit: Callable[[Any], object], says: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as raised:
        graph_edited(made_ontology.small(), tmp_path / "x.obo.json", edit)
    assert says in str(raised.value)
    assert str(raised.value).startswith(str(tmp_path / "x.obo.json"))


def test_exceptions_and_soft_relations_survive_an_edit_of_mappings(tmp_path: Path) -> None:
    base = replace(made_ontology.small(), exceptions=(ExclusionException("T:7", "T:8", "seen"),))
    after = text_edited(base, tmp_path / "x.sssom.tsv", ("radlex:RID1301", "radlex:RID1302"))
    assert (after.exceptions, after.soft_relations, after.label_sets) == (
        base.exceptions,
        base.soft_relations,
        base.label_sets,
    )
    assert len(changes_between(base, after)) == 2

"""RadLex mappings: the shipped file, its traps, and the check against RadLex itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_radlex import ROWS, write_table

from kg.errors import InputError
from kg.label_ids import shipped_ids
from kg.ontology import Label, LabelClass, MatchKind, Ontology, TermMapping
from kg.radlex import Reference, check_mappings, read_radlex
from kg.relation_kinds import reviewed_kinds
from kg.shipped import load_shipped
from kg.sssom import read_mappings, shipped_mappings
from kg.tables import read_tsv, shipped_text

COLUMNS = "subject_id\tsubject_label\tpredicate_id\tobject_id\tobject_label\tmapping_justification\tcomment"


@pytest.fixture(scope="session")
def radlex(shared_data: Path) -> Reference:
    return read_radlex(shared_data / "radlex" / "radlex_merged.csv")


def _terms(name: str) -> dict[str, MatchKind]:
    return {m.object_id: m.predicate for m in load_shipped().label(name).mappings}


def test_at_least_150_of_the_171_are_mapped_exactly_or_closely() -> None:
    ontology = load_shipped()
    members = [ontology.by_id[i] for i in ontology.label_set("lesanet-171").members]
    near = [x for x in members if any(m.predicate in (MatchKind.EXACT, MatchKind.CLOSE) for m in x.mappings)]
    assert len(near) == 165
    assert {x.name for x in members} - {x.name for x in near} == {
        "groin",
        "iliac lymph node",
        "pretracheal lymph node",
        "subcutaneous fat",
        "implant",
        "tiny",
    }


TRAPS = [
    pytest.param("implant", "RID28790", id="implant-is-not-an-implantable-device"),
    pytest.param("hypoattenuation", "RID39126", id="hypoattenuation-is-not-hypoenhancement"),
    pytest.param("hyperattenuation", "RID39095", id="hyperattenuation-is-not-hyperenhancement"),
    pytest.param("groin", "RID465", id="groin-is-not-groin-lymph-node"),
    pytest.param("right thyroid lobe", "RID7579", id="right-thyroid-lobe-is-not-the-left"),
    pytest.param("thyroid gland", "RID1079", id="thyroid-gland-is-not-the-vertebral-vein"),
    pytest.param("axilla", "RID1357", id="axilla-is-not-a-zone-of-the-lung"),
    pytest.param("pretracheal lymph node", "RID7725", id="pretracheal-node-is-not-the-one-of-the-neck"),
    pytest.param("retroperitoneum lymph node", "RID446", id="obsolete-retroperitoneal-node"),
    pytest.param("paracaval lymph node", "RID447", id="obsolete-aortocaval-node"),
    pytest.param("manubrium", "RID10165", id="manubrium-is-not-the-handle-of-the-malleus"),
    pytest.param("tiny", "RID5773", id="tiny-is-not-too-small-to-characterize"),
    pytest.param("vaginal", "RID11200", id="vaginal-is-not-a-route-of-administration"),
    pytest.param("spiculated mass", "RID29215", id="spiculated-mass-is-not-irregular-mass"),
    pytest.param("hilum", "RID34566", id="hilum-is-not-only-that-of-the-lung"),
]


@pytest.mark.parametrize(("name", "wrong"), TRAPS)
def test_traps_are_avoided(name: str, wrong: str) -> None:
    assert wrong not in _terms(name)


@pytest.mark.parametrize(
    ("name", "term", "kind"),
    [
        pytest.param("lung", "RID1301", MatchKind.EXACT),
        pytest.param("right thyroid lobe", "RID7581", MatchKind.EXACT),
        pytest.param("hypoattenuation", "RID6039", MatchKind.EXACT),
        pytest.param("groin lymph node", "RID465", MatchKind.EXACT),
        pytest.param("abdomen", "RID56", MatchKind.CLOSE),
        pytest.param("implant", "RID5231", MatchKind.BROAD),
    ],
)
def test_known_labels_have_their_term(name: str, term: str, kind: MatchKind) -> None:
    assert _terms(name) == {term: kind}


def test_the_imported_ontology_carries_the_shipped_mappings() -> None:
    ontology = load_shipped("lesanet-released")
    assert {x.id: x.mappings for x in ontology.labels if x.mappings} == dict(shipped_mappings())


def test_the_file_is_sssom_with_its_metadata() -> None:
    text = shipped_text("radlex.sssom.tsv")
    metadata = [line for line in text.splitlines() if line.startswith("#")]
    for slot in ("mapping_set_id", "license", "curie_map", "subject_source", "object_source", "creator_label"):
        assert any(line.startswith(f"#{slot}:") for line in metadata)
    assert any("RSNA" in line for line in metadata)
    rows = read_tsv(text, COLUMNS.split("\t"), "radlex.sssom.tsv")
    ids = shipped_ids()
    for row in rows:
        assert ids[row["subject_label"]] == row["subject_id"]
        assert row["mapping_justification"] in ("semapv:LexicalMatching", "semapv:ManualMappingCuration")
        assert row["comment"] or row["mapping_justification"] == "semapv:LexicalMatching"
        assert row["predicate_id"] == MatchKind.EXACT or row["mapping_justification"] == "semapv:ManualMappingCuration"
    assert [row["subject_id"] for row in rows] == sorted({row["subject_id"] for row in rows}), "one term a label"


def _holds(radlex: Reference, path: str) -> bool:
    """Whether every step of a path such as ``RID1315 part_of RID1302 is_a RID1301`` is in RadLex."""
    words = path.split()
    triples = zip(words[::2], words[1::2], words[2::2], strict=False)
    return len(words) >= 3 and len(words) % 2 == 1 and all((how, b) in radlex.terms[a].above for a, how, b in triples)


def test_radlex_bears_out_every_mapping(radlex: Reference) -> None:
    assert check_mappings(load_shipped(), radlex) == []


def test_radlex_has_every_step_of_every_path(radlex: Reference) -> None:
    near = {
        label_id: {m.object_id for m in mappings if m.predicate in (MatchKind.EXACT, MatchKind.CLOSE)}
        for label_id, mappings in shipped_mappings().items()
    }
    paths = [review for review in reviewed_kinds().values() if review.radlex_path]
    assert len(paths) == 236
    for review in paths:
        words = review.radlex_path.split()
        assert _holds(radlex, review.radlex_path)
        assert words[0] in near[review.child]
        assert words[-1] in near[review.parent]


def test_a_path_with_a_step_that_radlex_lacks_does_not_hold(radlex: Reference) -> None:
    assert _holds(radlex, "RID1315 part_of RID1302 is_a RID1301")
    for path in ("RID1315 is_a RID1302", "RID1301 is_a RID1302", "RID1315 part_of", "RID1301", ""):
        assert not _holds(radlex, path)


def _mapped(rid: str, label: str, justification: str = "semapv:ManualMappingCuration: test") -> Ontology:
    mapping = TermMapping(rid, label, MatchKind.EXACT, justification)
    return Ontology("test", (Label("1", "osteolytic lesion", LabelClass.TYPE, mappings=(mapping,)),))


@pytest.mark.parametrize(
    ("ontology", "rule"),
    [
        pytest.param(_mapped("RID5383", "osteolytic lesion"), "obsolete-radlex-term", id="obsolete"),
        pytest.param(_mapped("RID99999999", "osteolytic lesion"), "unknown-radlex-term", id="unknown"),
        pytest.param(_mapped("RID5382", "bone loss"), "radlex-name-differs", id="wrong-name"),
        pytest.param(
            _mapped("RID5382", "osteolysis", "semapv:LexicalMatching"), "not-a-lexical-match", id="not-lexical"
        ),
    ],
)
def test_a_mapping_that_radlex_does_not_bear_out_is_an_error(radlex: Reference, ontology: Ontology, rule: str) -> None:
    (finding,) = check_mappings(ontology, radlex)
    assert finding.rule == rule
    assert finding.labels == ("osteolytic lesion",)


def test_terms_below_an_obsolete_one_are_obsolete_too(tmp_path: Path) -> None:
    deeper = ("RID10", "older lung", "", "RID9", "", "", "", "")
    radlex = read_radlex(write_table(tmp_path / "made.csv", (deeper, *ROWS)))
    assert {rid for rid, term in radlex.terms.items() if term.obsolete} == {"RID10", "RID9", "RID15849"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param("LKG:1\tlung\tskos:exact\tradlex:RID1\tx\tj\t", "predicate 'skos:exact'", id="predicate"),
        pytest.param("LKG:1\tlung\tskos:exactMatch\tSCTID:1\tx\tj\t", "mapped to 'SCTID:1'", id="not-radlex"),
        pytest.param("LKG:1\tlung\tskos:exactMatch", "row 1 has 3 cells", id="cut-off"),
    ],
)
def test_a_bad_mapping_file_is_one_line_with_the_reason(line: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_mappings(f"#license: x\n{COLUMNS}\n{line}\n", "own.sssom.tsv")


def test_a_mapping_file_without_a_column_is_refused() -> None:
    with pytest.raises(InputError, match=r"own\.sssom\.tsv: column 'subject_id' is missing"):
        read_mappings("#license: x\nsubject\tobject\n", "own.sssom.tsv")


def test_a_file_that_is_no_radlex_table_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("rid,name\nRID1,x\n")
    with pytest.raises(InputError, match="column 'preferred_label' is missing"):
        read_radlex(other)
    other.write_bytes(b"\xff\xfe\x00rid")
    with pytest.raises(InputError, match="choose a RadLex table"):
        read_radlex(other)
    with pytest.raises(InputError, match="choose a RadLex table"):
        read_radlex(tmp_path / "none.csv")

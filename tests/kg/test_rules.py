"""The rules over ontologies, and the further ones over the released spreadsheet."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kg import algebra
from kg.closures import Closures
from kg.findings import Finding, Severity, errors_in
from kg.ontology import (
    ExclusionException,
    ExclusiveGroup,
    ExclusivePair,
    Label,
    LabelClass,
    LabelSet,
    Ontology,
    Relation,
    RelationKind,
    SoftKind,
    SoftRelation,
    Synonym,
    SynonymScope,
)
from kg.rules import check
from kg.shipped import load_shipped
from kg.spreadsheet import SheetRow, Spreadsheet, read_spreadsheet
from kg.spreadsheet_rules import check_spreadsheet


def ontology(
    names: str,
    parents: str = "",
    exclusive: str = "",
    **more: object,
) -> Ontology:
    """Labels ``a b c``, parents ``a<b`` (a below b), exclusive pairs ``a-b``; the id of a label is its name."""
    return Ontology(
        name="test",
        labels=tuple(Label(n, n, LabelClass.BODYPART) for n in names.split()),
        relations=tuple(Relation(*_ends(p, "<")) for p in parents.split()),
        exclusive_pairs=tuple(ExclusivePair(*p.split("-")) for p in exclusive.split()),
        **more,  # type: ignore[arg-type]
    )


def _ends(text: str, sign: str) -> tuple[str, RelationKind, str]:
    child, parent = text.split(sign)
    return child, RelationKind.IS_A, parent


def rules_of(findings: list[Finding]) -> list[str]:
    return [finding.rule for finding in findings]


def test_a_sound_ontology_has_no_findings() -> None:
    assert check(ontology("a b c d", "a<b b<c", "c-d")) == []


BROKEN = [
    pytest.param(ontology("a b", "a<b b<a"), "cycle", ("a", "b"), ("a IS_A b", "b IS_A a"), id="cycle-of-two"),
    pytest.param(
        ontology("a b c", "a<b b<c c<a"), "cycle", ("a", "b", "c"), ("a IS_A b", "b IS_A c", "c IS_A a"), id="of-three"
    ),
    pytest.param(ontology("a", "a<a"), "cycle", ("a",), ("a IS_A a",), id="own-parent"),
    pytest.param(ontology("a b", "", "a-a"), "self-exclusive", ("a",), ("a EXCLUSIVE_WITH a",), id="self-exclusive"),
    pytest.param(
        ontology("a b", soft_relations=(SoftRelation("a", SoftKind.CONFUSABLE_WITH, "a"),)),
        "self-soft",
        ("a",),
        ("a CONFUSABLE_WITH a",),
        id="self-soft",
    ),
    pytest.param(
        ontology("a b c", "a<b b<c", "a-c"),
        "exclusive-with-ancestor",
        ("a", "c"),
        ("a IS_A b", "b IS_A c", "a EXCLUSIVE_WITH c"),
        id="exclusive-with-ancestor",
    ),
    pytest.param(
        ontology("a b c d", "a<b b<c a<d", "c-d"),
        "exclusive-ancestors",
        ("a", "c", "d"),
        ("a IS_A b", "b IS_A c", "a IS_A d", "c EXCLUSIVE_WITH d"),
        id="exclusive-ancestors",
    ),
    pytest.param(
        ontology("a b c", "a<b a<c", exclusive_groups=(ExclusiveGroup("g", ("b", "c")),)),
        "exclusive-ancestors",
        ("a", "b", "c"),
        ("a IS_A b", "a IS_A c", "b EXCLUSIVE_WITH c"),
        id="through-an-exclusive-group",
    ),
    pytest.param(ontology("a", "a<gone"), "dangling-reference", ("gone",), ("a IS_A gone",), id="dangling-parent"),
    pytest.param(
        ontology("a", "", "a-gone"),
        "dangling-reference",
        ("gone",),
        ("a EXCLUSIVE_WITH gone",),
        id="dangling-exclusive",
    ),
    pytest.param(
        ontology("a", label_sets=(LabelSet("s", ("a", "gone")),)),
        "dangling-reference",
        ("gone",),
        ("label set s",),
        id="dangling-in-label-set",
    ),
    pytest.param(
        ontology("a", exclusive_groups=(ExclusiveGroup("g", ("a", "gone")),)),
        "dangling-reference",
        ("gone",),
        ("exclusive group g",),
        id="dangling-in-group",
    ),
    pytest.param(
        ontology("a", soft_relations=(SoftRelation("a", SoftKind.TYPICALLY_HAS, "gone"),)),
        "dangling-reference",
        ("gone",),
        ("a TYPICALLY_HAS gone",),
        id="dangling-soft",
    ),
]


@pytest.mark.parametrize(("broken", "rule", "labels", "chain"), BROKEN)
def test_each_fault_is_one_error_with_its_chain(
    broken: Ontology, rule: str, labels: tuple[str, ...], chain: tuple[str, ...]
) -> None:
    (finding,) = check(broken)
    assert (finding.rule, finding.severity, finding.labels, finding.chain) == (rule, Severity.ERROR, labels, chain)
    assert "\n" not in finding.message
    assert all(repr(name) in finding.message or name in finding.message for name in labels)


def test_a_deprecated_label_must_be_replaced_by_a_label() -> None:
    old = Label("a", "a", LabelClass.TYPE, deprecated=True, replaced_by="gone")
    assert rules_of(check(Ontology("test", (old,)))) == ["dangling-reference"]


def test_what_lies_below_a_fault_is_named_in_it_and_not_reported_again() -> None:
    (finding,) = check(ontology("a b c d e", "a<b a<c d<a e<d", "b-c"))
    assert finding.labels == ("a", "b", "c")
    assert "'d', 'e'" in finding.message


def test_an_ancestor_of_a_cycle_is_not_hidden_by_it() -> None:
    findings = check(ontology("a b c d", "a<b b<a a<c a<d", "c-d"))
    assert sorted(rules_of(findings)) == ["cycle", "exclusive-ancestors", "exclusive-ancestors"]


def test_ids_and_names_are_unique() -> None:
    same_id = Ontology("test", (Label("1", "a", LabelClass.TYPE), Label("1", "b", LabelClass.TYPE)))
    assert rules_of(check(same_id)) == ["duplicate-id"]
    same_name = Ontology("test", (Label("1", "a", LabelClass.TYPE), Label("2", "A", LabelClass.TYPE)))
    assert rules_of(check(same_name)) == ["duplicate-name"]


@pytest.mark.parametrize(
    ("scope", "in_set", "expected"),
    [
        pytest.param(SynonymScope.EXACT, True, [("ambiguous-synonym", "error")], id="inside-a-label-set"),
        pytest.param(SynonymScope.EXACT, False, [("ambiguous-synonym", "warning")], id="outside"),
        pytest.param(SynonymScope.BROAD, True, [], id="a-broad-synonym-may-be-shared"),
    ],
)
def test_a_name_or_exact_synonym_means_one_label(
    scope: SynonymScope, in_set: bool, expected: list[tuple[str, str]]
) -> None:
    labels = Label("a", "node", LabelClass.TYPE), Label("b", "lump", LabelClass.TYPE, (Synonym(" Node", scope),))
    sets = (LabelSet("s", ("a", "b")),) if in_set else ()
    assert [(f.rule, f.severity.value) for f in check(Ontology("test", labels, label_sets=sets))] == expected


def test_two_labels_that_share_a_synonym_are_ambiguous() -> None:
    labels = tuple(Label(n, n, LabelClass.TYPE, (Synonym("x"),)) for n in "ab")
    (finding,) = check(Ontology("test", labels))
    assert finding.labels == ("a", "b")


@st.composite
def random_ontologies(draw: st.DrawFn) -> Ontology:
    """Acyclic ontologies of up to nine labels with any exclusive pairs of two labels."""
    size = draw(st.integers(2, 9))
    pairs = [(i, j) for i in range(size) for j in range(i + 1, size)]
    parents = draw(st.lists(st.sampled_from(pairs), max_size=14, unique=True))
    exclusive = draw(st.lists(st.sampled_from(pairs), max_size=5, unique=True))
    return ontology(
        " ".join(f"l{i}" for i in range(size)),
        " ".join(f"l{i}<l{j}" for i, j in parents),
        " ".join(f"l{i}-l{j}" for i, j in exclusive),
    )


@settings(max_examples=150, deadline=None)
@given(random_ontologies())
def test_findings_cover_exactly_the_unsatisfiable_labels(made: Ontology) -> None:
    size = len(made.labels)
    index = {label.id: i for i, label in enumerate(made.labels)}
    ancestors = algebra.closure(
        algebra.from_pairs(np.array([(index[r.child], index[r.parent]) for r in made.relations]), size)
    )
    listed = np.array([(index[a], index[b]) for a, b in made.all_exclusive_pairs])
    closed = algebra.inherit_exclusive(algebra.from_pairs(listed, size, symmetric=True), ancestors)
    unsatisfiable = {made.labels[i].name for i in np.flatnonzero(closed.diagonal())}
    roots = {finding.labels[0] for finding in check(made)}
    below = {made.labels[i].name for root in roots for i in np.flatnonzero(ancestors[:, [index[root]]].toarray()[:, 0])}
    assert roots | below == unsatisfiable


@settings(max_examples=100, deadline=None)
@given(random_ontologies())
def test_every_step_of_a_chain_is_an_asserted_relation(made: Ontology) -> None:
    steps = {f"{r.child} {r.kind} {r.parent}" for r in made.relations}
    steps |= {f"{x} EXCLUSIVE_WITH {y}" for a, b in made.all_exclusive_pairs for x, y in ((a, b), (b, a))}
    for finding in check(made):
        assert finding.chain
        assert set(finding.chain) <= steps
        assert finding.chain[0].split()[0] == finding.labels[0]


def test_the_released_ontology_has_the_known_contradictions_and_the_repaired_one_none() -> None:
    released = check(load_shipped("lesanet-released"))
    found = Counter((f.rule, f.labels[0]) for f in released if f.rule.startswith("exclusive"))
    assert found == {
        ("exclusive-with-ancestor", "pretracheal lymph node"): 1,
        ("exclusive-ancestors", "rectum"): 1,
        ("exclusive-ancestors", "sigmoid colon"): 1,
        ("exclusive-ancestors", "esophagus lymph node"): 1,
        ("exclusive-ancestors", "gastrohepatic ligament"): 3,
    }
    assert [f.labels for f in released if f.rule == "ambiguous-synonym"] == [
        ("iliac lymph node", "common iliac lymph node")
    ]
    assert len(released) == 8
    assert check(load_shipped("lesanet-repaired")) == []


def test_the_pretracheal_contradiction_is_explained_by_its_chain() -> None:
    finding = next(f for f in check(load_shipped("lesanet-released")) if f.rule == "exclusive-with-ancestor")
    assert finding.labels == ("pretracheal lymph node", "superior mediastinum lymph node")
    assert finding.chain == (
        "pretracheal lymph node IS_A superior mediastinum lymph node",
        "pretracheal lymph node EXCLUSIVE_WITH superior mediastinum lymph node",
    )


@pytest.fixture(scope="session")
def sheet(shared_data: Path) -> Spreadsheet:
    return read_spreadsheet(shared_data / "lesanet" / "lesion_ontology_181022.xlsx")


def test_the_spreadsheet_check_finds_every_defect_by_itself(sheet: Spreadsheet) -> None:
    findings = check_spreadsheet(sheet)
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    assert {
        rule: sorted(f.labels[0] for f in found) for rule, found in by_rule.items() if rule.startswith("dangling")
    } == {
        "dangling-exclusive": ["bulky", "gastrointestinal", "head", "lung parenchyma", "scattered"],
        "dangling-parent": ["artery", "gastrointestinal", "iliac", "lung parenchyma", "neoplasm", "vein"],
        "dangling-child": [
            "aortocaval lymph node",
            "artery",
            "flank",
            "hemidiaphragm",
            "iliac",
            "lung parenchyma",
            "periportal lymph node",
            "portacaval lymph node",
            "vein",
        ],
    }
    assert sorted(f.labels for f in by_rule["one-way-exclusion"]) == [("chest wall", "pleura"), ("lung", "pleura")]
    repeated = [f for f in by_rule["duplicate-entry"] if "term_exclusive" in f.message]
    assert len(repeated) == 11
    assert ("intestine", "biliary system", "stomach") in [f.labels for f in repeated]
    assert len(by_rule["exclusive-with-ancestor"]) == 1
    assert {f.labels[0] for f in by_rule["exclusive-ancestors"]} == {
        "rectum",
        "sigmoid colon",
        "esophagus lymph node",
        "gastrohepatic ligament",
    }
    assert [f.labels for f in by_rule["ambiguous-synonym"]] == [("iliac lymph node", "common iliac lymph node")]
    assert all(f.chain and "\n" not in f.message for f in findings)


def test_a_dangling_reference_names_every_row_that_makes_it(sheet: Spreadsheet) -> None:
    finding = next(f for f in check_spreadsheet(sheet) if f.rule == "dangling-parent" and f.labels[0] == "vein")
    assert finding.labels[1:3] == ("inferior vena cava", "portal vein")
    assert len(finding.chain) == 7
    assert finding.chain[0].startswith("row ")


def test_a_child_that_does_not_list_its_parent_is_reported(sheet: Spreadsheet) -> None:
    cyst = sheet.by_term["simple cyst"]
    orphan = Spreadsheet(sheet.file, tuple(replace(r, parents=()) if r is cyst else r for r in sheet.rows))
    new = [f for f in check_spreadsheet(orphan) if f.rule == "child-without-parent"]
    assert [f.labels for f in new] == [("cyst", "simple cyst")]


def test_a_sheet_without_defects_has_no_findings() -> None:
    def line(number: int, term: str, exclusive: str, parents: tuple[str, ...], children: tuple[str, ...]) -> SheetRow:
        return SheetRow(number, term, LabelClass.TYPE, (term,), 1, (exclusive,) if exclusive else (), parents, children)

    rows = (line(2, "a", "", (), ("b",)), line(3, "b", "c", ("a",), ()), line(4, "c", "b", (), ()))
    assert check_spreadsheet(Spreadsheet("own.xlsx", rows)) == []


def test_errors_are_told_from_warnings(sheet: Spreadsheet) -> None:
    findings = check_spreadsheet(sheet)
    assert {f.rule for f in findings} - {f.rule for f in errors_in(findings)} == {
        "one-way-exclusion",
        "duplicate-entry",
    }


def test_an_exception_makes_possible_what_lies_above_it_and_nothing_below() -> None:
    names = ("abdomen", "pelvis", "gut", "rectum", "other")
    ids = {name: f"T:{k}" for k, name in enumerate(names)}
    ontology = Ontology(
        name="made",
        labels=tuple(Label(ids[name], name, LabelClass.BODYPART) for name in names),
        relations=tuple(
            Relation(ids[child], RelationKind.PART_OF, ids[parent])
            for child, parent in (
                ("gut", "abdomen"), ("gut", "pelvis"), ("rectum", "gut"), ("other", "abdomen"), ("other", "pelvis"),
            )
        ),
        exclusive_pairs=(ExclusivePair(ids["abdomen"], ids["pelvis"]),),
    )  # fmt: skip

    def impossible(*excepted: str) -> set[str]:
        exceptions = tuple(ExclusionException(ids[name], ids[name]) for name in excepted)
        return {finding.labels[0] for finding in check(replace(ontology, exceptions=exceptions))}

    assert impossible() == {"gut", "other"}
    assert impossible("gut") == {"rectum", "other"}  # rectum is told by its own name, not hidden behind gut
    assert impossible("rectum") == {"other"}  # gut lies above it
    assert impossible("rectum", "other") == set()


def test_what_is_merged_into_a_label_shares_its_exceptions() -> None:
    """x and y are exclusive, b lies below x and may meet y; a was merged into b, and c into a."""
    ids = {name: f"T:{k}" for k, name in enumerate("xybac")}
    made = Ontology(
        name="made",
        labels=(
            *(Label(ids[name], name, LabelClass.TYPE) for name in "xyb"),
            Label(ids["a"], "a", LabelClass.TYPE, deprecated=True, replaced_by=ids["b"]),
            Label(ids["c"], "c", LabelClass.TYPE, deprecated=True, replaced_by=ids["a"]),
        ),
        relations=(Relation(ids["b"], RelationKind.IS_A, ids["x"]),),
        exclusive_pairs=(ExclusivePair(ids["x"], ids["y"]),),
        exceptions=(ExclusionException(ids["b"], ids["y"]),),
    )
    closures = Closures(made)
    assert not closures.exclusive[:, [closures.index[ids["y"]]]].nnz
    assert check(made) == []
    deprecated_only = replace(made, relations=(*made.relations, Relation(ids["a"], RelationKind.IS_A, ids["x"])))
    closures = Closures(deprecated_only)
    assert closures.exclusive[closures.index[ids["a"]], closures.index[ids["y"]]]

"""The report before a release: each rule finds what it is for, and nothing in a clean ontology."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace

import any_ontology
import pytest
from hypothesis import given, settings

from kg.exchange.report import COLUMNS, Level, ReportLine, counts, report, report_tsv
from kg.findings import errors_in
from kg.ontology import (
    ExclusivePair,
    Label,
    LabelClass,
    MatchKind,
    Ontology,
    Relation,
    RelationKind,
    Synonym,
    SynonymScope,
    TermMapping,
)
from kg.rules import check
from kg.shipped import load_shipped


def label(number: int, name: str) -> Label:
    """Synthetic: a label that has everything."""
    mapping = TermMapping(f"RID{number}", name, MatchKind.EXACT, "semapv:LexicalMatching")
    return Label(
        f"T:{number}",
        name,
        LabelClass.BODYPART,
        synonyms=(Synonym(f"region of {name}", SynonymScope.EXACT, "made"),),
        definition=f"The {name}.",
        mappings=(mapping,),
        source="made",
    )


def clean() -> Ontology:
    """Synthetic: nothing to report but the root, which has no parent."""
    chest, lung, liver = label(1, "chest"), label(2, "lung"), label(3, "liver")
    up = tuple(Relation(x.id, RelationKind.PART_OF, chest.id, "made") for x in (lung, liver))
    return Ontology("clean", (chest, lung, liver), up, notices=("Made; free to use.",))


def edited(**fields: object) -> Callable[[Ontology], Ontology]:
    """The ontology with another label 'lung'."""
    return lambda o: replace(o, labels=tuple(replace(x, **fields) if x.id == "T:2" else x for x in o.labels))  # type: ignore[arg-type]


def test_a_clean_ontology_has_nothing_but_its_root() -> None:
    assert report(clean()) == [ReportLine(Level.INFO, "missing-parent", "T:1", "chest")]


E, W, INFO = Level.ERROR, Level.WARNING, Level.INFO
CASES = [
    pytest.param(edited(name=" "), E, "missing-name", "", id="no-name"),
    pytest.param(edited(name="left  lung"), E, "name-formatting", "has spaces", id="two-spaces"),
    pytest.param(edited(name="lung\n"), E, "name-formatting", "has spaces", id="line-end"),
    pytest.param(edited(name="Liver"), W, "similar-names", "as 'liver'", id="case"),
    pytest.param(edited(definition=""), W, "missing-definition", "", id="no-definition"),
    pytest.param(edited(definition="the  LIVER."), E, "duplicate-definition", "as 'liver' is", id="same-definition"),
    pytest.param(edited(definition=" A lung."), W, "definition-whitespace", "", id="space-before"),
    pytest.param(edited(definition="a lung."), INFO, "lowercase-definition", "a lung.", id="lower-case"),
    pytest.param(edited(synonyms=(Synonym("x ", source="s"),)), W, "synonym-whitespace", "'x '", id="synonym-space"),
    pytest.param(edited(synonyms=(Synonym("Lung", source="s"),)), W, "synonym-is-name", "Lung", id="own-name"),
    pytest.param(edited(synonyms=(Synonym("x"),)), INFO, "missing-synonym-source", "x", id="synonym-source"),
    pytest.param(
        edited(synonyms=(Synonym("x", source="s"), Synonym("X", SynonymScope.BROAD, "s"))),
        W, "synonym-in-two-scopes", "x: broad, exact", id="two-scopes",
    ),
    pytest.param(
        edited(synonyms=(Synonym("Liver", SynonymScope.BROAD, "s"),)),
        INFO, "shared-synonym", "liver: also of liver", id="shared-synonym",
    ),
    pytest.param(edited(mappings=()), W, "missing-mapping", "", id="no-mapping"),
    pytest.param(
        edited(mappings=tuple(TermMapping(f"RID{i}", "x", MatchKind.EXACT, "x") for i in (8, 9))),
        W, "two-exact-mappings", "RID8, RID9", id="two-exact",
    ),
    pytest.param(
        edited(mappings=(TermMapping("RID3", "x", MatchKind.EXACT, "x"),)),
        W, "shared-exact-mapping", "RID3: also of liver", id="one-term-twice",
    ),
    pytest.param(
        edited(mappings=(TermMapping("RID2", "x", MatchKind.EXACT),)),
        INFO, "missing-justification", "RID2", id="justification",
    ),
    pytest.param(
        edited(mappings=(TermMapping("SCTID:1", "x", MatchKind.CLOSE, "x"),)),
        INFO, "mapping-outside-radlex", "SCTID:1", id="outside",
    ),
    pytest.param(edited(replaced_by="T:3"), E, "misused-replacement", "not deprecated", id="replaced-but-in-use"),
    pytest.param(edited(deprecated=True), INFO, "deprecated-without-replacement", "", id="gone-for-nothing"),
    pytest.param(
        lambda o: edited(deprecated=True, replaced_by="T:3")(
            replace(o, labels=(*o.labels[:2], replace(o.labels[2], deprecated=True)))
        ),
        W, "deprecated-replacement", "T:3", id="replaced-by-deprecated",
    ),
    pytest.param(lambda o: replace(o, notices=(" ",)), W, "missing-licence", "clean", id="licence"),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "level", "rule", "value"), CASES)
def test_each_rule_finds_what_it_is_for(
    edit: Callable[[Ontology], Ontology], level: Level, rule: str, value: str
) -> None:
    before = {line.rule for line in report(clean())}
    found = [line for line in report(edit(clean())) if line.rule == rule]
    assert rule not in before
    assert [line.level for line in found][:1] == [level]
    assert any(value in line.value for line in found)


def test_relations_without_source_and_to_deprecated_parents_are_found() -> None:
    ontology = clean()
    more = (Relation("T:3", RelationKind.IS_A, "T:2"),)
    gone = edited(deprecated=True, replaced_by="T:1")(replace(ontology, relations=(*ontology.relations, *more)))
    found = {(line.rule, line.label, line.value) for line in report(gone)}
    assert ("deprecated-parent", "T:3", "lung") in found
    assert ("missing-source", "T:3", "IS_A lung") in found
    pair = replace(ontology, exclusive_pairs=(ExclusivePair("T:2", "T:3"),))
    assert ("missing-source", "EXCLUSIVE_WITH liver") in {(line.rule, line.value) for line in report(pair)}


def test_a_merged_label_shares_its_names_without_a_word() -> None:
    twin = replace(label(4, "lungs"), deprecated=True, replaced_by="T:2", mappings=clean().label("lung").mappings)
    ontology = clean()
    named = edited(synonyms=(Synonym("lungs", SynonymScope.EXACT, "merge"),))
    merged = replace(named(ontology), labels=(*named(ontology).labels, twin))
    assert [line.rule for line in report(merged) if line.level is not Level.INFO] == []
    assert not [line for line in report(merged) if line.rule.startswith("shared")]


def test_the_ontologies_that_ship_are_as_told() -> None:
    released, repaired = (load_shipped(name) for name in ("lesanet-released", "lesanet-repaired"))
    errors = [line for line in report(released) if line.level is Level.ERROR]
    assert len(errors) == len(errors_in(check(released))) == 8
    assert not [line for line in report(repaired) if line.level is Level.ERROR]
    assert counts(report(repaired))[Level.WARNING, "missing-definition"] == 333


@settings(max_examples=60, deadline=None)
@given(any_ontology.ontologies())
def test_any_ontology_is_reported_as_a_table_of_whole_rows(ontology: Ontology) -> None:
    lines = report(ontology)
    rows = list(csv.reader(io.StringIO(report_tsv(lines)), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(lines) + 1
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert sum(counts(lines).values()) == len(lines)
    levels = [list(Level).index(line.level) for line in lines]
    assert levels == sorted(levels)

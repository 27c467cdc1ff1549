"""The language of changes: every line that is written is read back to the same change."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_changes import changes, ontologies
from made_ontology import CHEST, LEFT_LUNG, LIVER, LUNG, MASS, NODULE, SOLID, small

from kg.curation import kgcl_parser
from kg.curation.between import EMPTY, changes_between
from kg.curation.change_set import Change, ChangeSet, Composite
from kg.curation.describe import describe
from kg.curation.edits import Provenance
from kg.curation.facts import Header, LabelField, LabelMapping, LabelStatus, LabelSynonym, LabelText
from kg.curation.kgcl import to_kgcl, to_line, to_lines
from kg.curation.kgcl_parser import parse_changes
from kg.errors import ConflictError, InputError
from kg.ontology import (
    ExclusionException,
    ExclusiveGroup,
    ExclusivePair,
    Label,
    LabelClass,
    LabelSet,
    MatchKind,
    Ontology,
    Relation,
    RelationKind,
    SoftKind,
    SoftRelation,
    Synonym,
    SynonymScope,
    TermMapping,
)
from kg.shipped import load_shipped

quick = settings(deadline=None, max_examples=80, suppress_health_check=list(HealthCheck))
BY = Provenance("made", "curator", "2026-01-02")


def names_of(*ontologies: Ontology) -> dict[str, str]:
    return {label.id: label.name for ontology in ontologies for label in ontology.labels}


# ---- what is written is read back ------------------------------------------------------------------------------------


def test_everything_between_the_shipped_ontologies_can_be_written_and_read() -> None:
    released, repaired = load_shipped("lesanet-released"), load_shipped()
    for before, after in ((EMPTY, repaired), (released, repaired), (repaired, released), (repaired, EMPTY)):
        made = changes_between(before, after)
        assert parse_changes(to_lines(made, names_of(before, after)), before) == made
        with_defaults = to_lines(made, default=BY)
        assert parse_changes(with_defaults, before, BY.author, BY.created, BY.source) == made


@quick
@given(st.data())
def test_any_change_that_can_be_made_is_read_back_as_it_was_written(data: st.DataObject) -> None:
    ontology = data.draw(ontologies())
    change = data.draw(changes(ontology))
    default = data.draw(st.sampled_from([Provenance(), BY]))
    try:
        after = ChangeSet((change,)).apply(ontology)
    except ConflictError:
        return
    if isinstance(change.fact, LabelText | LabelStatus | Header) and None in (change.before, change.after):
        with pytest.raises(InputError, match="only replaces"):
            to_line(change)
        return
    names = data.draw(st.sampled_from([{}, names_of(ontology)]))
    for one, base in ((change, ontology), (change.inverse(), after)):
        line = to_line(one, names, default)
        assert len(line.splitlines()) == 1
        if not blank(one):
            assert parse_changes(line, base, default.author, default.created, default.source) == (one,), line


def blank(change: Change) -> bool:
    """Whether a change gives a label a blank name, which the reader refuses."""
    after = change.after
    return isinstance(after, LabelText) and after.field is LabelField.NAME and not after.text.strip()


@quick
@given(st.data())
def test_whole_texts_and_blocks_are_read_back_as_they_were_written(data: st.DataObject) -> None:
    before, after = data.draw(ontologies()), data.draw(ontologies())
    made = changes_between(before, after)
    text = to_lines(made, names_of(after))
    assert parse_changes(text, before) == made
    block = Composite(data.draw(st.sampled_from(["merge", "two words"])), ("nodule", "an odd <id>"), made)
    for one, base in ((block, before), (block.inverse(), after)):
        assert parse_changes(to_line(one, names_of(before)), base) == (one,)
        assert parse_changes(to_line(one).replace("\n", " \r\n\n# a remark\n"), base) == (one,)


# ---- KGCL ------------------------------------------------------------------------------------------------------------

CASES = [
    pytest.param(
        Change(LabelText(LUNG, LabelField.NAME, "lung"), LabelText(LUNG, LabelField.NAME, "lungs")),
        "rename T:2 from 'lung' to 'lungs'",
        "rename 'lung' to 'lungs'",
        id="rename",
    ),
    pytest.param(
        Change(None, Label("LKG:0000999", "cyst", LabelClass.TYPE, definition="Fluid.")),
        "create class LKG:0000999 'cyst'",
        "add label: 'cyst' (type, LKG:0000999)",
        id="label added",
    ),
    pytest.param(
        Change(Label(LIVER, "liver", LabelClass.BODYPART), None),
        "delete T:4",
        "remove label: 'liver' (bodypart, T:4)",
        id="label removed",
    ),
    pytest.param(
        Change(LabelStatus(LIVER), LabelStatus(LIVER, True, CHEST)),
        "obsolete T:4 with replacement T:1",
        "deprecate 'liver', replaced by 'chest'",
        id="deprecated with replacement",
    ),
    pytest.param(
        Change(LabelStatus(LIVER), LabelStatus(LIVER, True)), "obsolete T:4", "deprecate 'liver'", id="deprecated"
    ),
    pytest.param(
        Change(LabelStatus(MASS, True, NODULE), LabelStatus(MASS)), "unobsolete T:6", "use 'mass' again", id="revived"
    ),
    pytest.param(
        Change(None, LabelSynonym(LIVER, Synonym("hepar", SynonymScope.RELATED, "made"))),
        "create related synonym 'hepar' for T:4",
        "add related synonym: 'hepar' of 'liver' (source made)",
        id="synonym added",
    ),
    pytest.param(
        Change(LabelSynonym(LUNG, Synonym("pulmonary", SynonymScope.EXACT, "made")), None),
        "remove synonym 'pulmonary' for T:2",
        "remove exact synonym: 'pulmonary' of 'lung' (source made)",
        id="synonym removed",
    ),
    pytest.param(
        Change(
            LabelSynonym(LUNG, Synonym("pulmonary", SynonymScope.EXACT, "made")),
            LabelSynonym(LUNG, Synonym("pulmonal", SynonymScope.BROAD)),
        ),
        "change synonym from 'pulmonary' to 'pulmonal' for T:2",
        "change broad synonym: 'pulmonary' of 'lung' becomes 'pulmonal' of 'lung'",
        id="synonym changed",
    ),
    pytest.param(
        Change(LabelText(LUNG, LabelField.DEFINITION, ""), LabelText(LUNG, LabelField.DEFINITION, "It breathes.")),
        "add definition 'It breathes.' to T:2",
        "define 'lung': 'It breathes.'",
        id="definition added",
    ),
    pytest.param(
        Change(
            LabelText(CHEST, LabelField.DEFINITION, "Everything between neck and abdomen."),
            LabelText(CHEST, LabelField.DEFINITION, ""),
        ),
        "remove definition for T:1",
        "remove the definition of 'chest'",
        id="definition removed",
    ),
    pytest.param(
        Change(
            LabelText(CHEST, LabelField.DEFINITION, "Everything between neck and abdomen."),
            LabelText(CHEST, LabelField.DEFINITION, "It's the thorax."),
        ),
        "change definition of T:1 from 'Everything between neck and abdomen.' to 'It\\'s the thorax.'",
        "redefine 'chest': 'It\\'s the thorax.'",
        id="definition changed",
    ),
    pytest.param(
        Change(LabelText(SOLID, LabelField.CLASS, "attribute"), LabelText(SOLID, LabelField.CLASS, "type")),
        "change annotation of T:7 with lkg:class from 'attribute' to 'type'",
        "change the class of 'solid' from 'attribute' to 'type'",
        id="class changed",
    ),
    pytest.param(
        Change(None, Relation(NODULE, RelationKind.LOCATED_IN, LUNG, "made", evidence="a book")),
        "create edge T:5 lkg:locatedIn T:2",
        "add relation: 'nodule' located in 'lung' (source made)",
        id="relation added",
    ),
    pytest.param(
        Change(Relation(LEFT_LUNG, RelationKind.IS_A, LUNG, "RadLex"), None),
        "delete edge T:3 rdfs:subClassOf T:2",
        "remove relation: 'left lung' is a 'lung' (source RadLex)",
        id="relation removed",
    ),
    pytest.param(
        Change(
            Relation(LEFT_LUNG, RelationKind.PART_OF, LUNG, "made"),
            Relation(LEFT_LUNG, RelationKind.LOCATED_IN, LUNG, "made"),
        ),
        "change relationship between T:3 and T:2 from lkg:partOf to lkg:locatedIn",
        "change relation: 'left lung' part of 'lung' becomes 'left lung' located in 'lung' (source made)",
        id="kind of relation changed",
    ),
    pytest.param(
        Change(
            Relation(LEFT_LUNG, RelationKind.PART_OF, LUNG, "made"),
            Relation(LEFT_LUNG, RelationKind.PART_OF, CHEST, "made"),
        ),
        "move T:3 from T:2 to T:1",
        "change relation: 'left lung' part of 'lung' becomes 'left lung' part of 'chest' (source made)",
        id="relation moved",
    ),
    pytest.param(
        Change(None, ExclusivePair(LIVER, LUNG, "made")),
        "create edge T:2 lkg:exclusiveWith T:4",
        "add exclusive pair: 'lung' never with 'liver' (source made)",
        id="exclusive pair added",
    ),
    pytest.param(
        Change(None, ExclusionException(LIVER, CHEST, "made")),
        "create edge T:1 lkg:compatibleWith T:4",
        "add exception to exclusion: 'chest' may meet 'liver' (source made)",
        id="exception added",
    ),
    pytest.param(
        Change(SoftRelation(NODULE, SoftKind.CONFUSABLE_WITH, MASS), None),
        "delete edge T:5 lkg:confusableWith T:6",
        "remove soft relation: 'nodule' confusable with 'mass'",
        id="soft relation removed",
    ),
    pytest.param(
        Change(None, LabelMapping(LIVER, TermMapping("RID58", "liver", MatchKind.EXACT, "read"))),
        "create edge T:4 skos:exactMatch radlex:RID58",
        "add mapping: 'liver' exact match RID58 'liver'",
        id="mapping added",
    ),
    pytest.param(
        Change(
            LabelMapping(LUNG, TermMapping("RID9", "thorax", MatchKind.BROAD)),
            LabelMapping(LUNG, TermMapping("RID9", "thorax", MatchKind.RELATED)),
        ),
        "change relationship between T:2 and radlex:RID9 from skos:broadMatch to skos:relatedMatch",
        "change mapping: 'lung' broad match RID9 'thorax' becomes 'lung' related match RID9 'thorax'",
        id="mapping changed",
    ),
    pytest.param(
        Change(None, ExclusiveGroup("G:2", (LIVER, LUNG), "made")),
        None,
        "add exclusive group: 'G:2' of 'lung', 'liver' (source made)",
        id="group added",
    ),
    pytest.param(
        Change(LabelSet("few", (LUNG, CHEST), "2"), LabelSet("few", (LUNG, LIVER), "3")),
        None,
        "change label set: 'few', version becomes '3'; gains 'liver'; loses 'chest'",
        id="label set changed",
    ),
    pytest.param(
        Change(
            Relation(LUNG, RelationKind.LOCATED_IN, CHEST, "made", "someone", "2020-01-02", "a book"),
            Relation(NODULE, RelationKind.LOCATED_IN, LUNG, "made"),
        ),
        None,
        "change relation: 'lung' located in 'chest' becomes 'nodule' located in 'lung' (source made)",
        id="another child and parent",
    ),
    pytest.param(
        Change(
            ExclusivePair(LIVER, CHEST, "made", evidence="anatomy"),
            ExclusivePair(LIVER, CHEST, "made", evidence="a book"),
        ),
        None,
        "change exclusive pair: 'chest' never with 'liver', evidence 'anatomy' becomes 'a book'",
        id="evidence changed",
    ),
]


@pytest.mark.parametrize(("change", "kgcl", "words"), CASES)
def test_changes_read_as_sentences(change: Change, kgcl: str | None, words: str) -> None:
    assert to_kgcl(change) == kgcl
    line = to_line(change)
    assert line.startswith("lkg:" if kgcl is None else kgcl)
    assert parse_changes(line, small()) == (change,)
    assert describe(change, names_of(small())) == words
    if kgcl is not None:
        assert PUBLISHED.fullmatch(kgcl), kgcl


_ID, _TEXT = r"[A-Za-z0-9_]+:[A-Za-z0-9_]+", r"'(?:\\['\\]|[^'\\])*'"
PUBLISHED = re.compile(
    "|".join(
        form.replace("ID", _ID).replace("TEXT", _TEXT).replace(" ", r"\s+")
        for form in (
            "rename ID from TEXT to TEXT",
            "obsolete ID(?: with replacement ID)?",
            "unobsolete ID",
            "delete ID",
            "create (?:exact |narrow |broad |related )?synonym TEXT for ID",
            "remove synonym TEXT for ID",
            "change synonym from TEXT to TEXT for ID",
            "add definition TEXT to ID",
            "remove definition for ID",
            "change definition of ID (?:from TEXT )?to TEXT",
            "create class ID TEXT",
            "create edge ID ID ID",
            "delete edge ID ID ID",
            "change relationship between ID and ID from ID to ID",
            "change annotation of ID with ID from TEXT to TEXT",
            "(?:move|deepen|shallow) ID from ID to ID",
        )
    )
)
"""The sentences of the published grammar, as far as they are used."""


def test_names_are_a_remark_that_nobody_reads() -> None:
    change = Change(None, Relation(NODULE, RelationKind.LOCATED_IN, LUNG))
    names = {NODULE: "#: source 'x'", LUNG: "lung"}
    assert to_kgcl(change, names) == "create edge T:5 lkg:locatedIn T:2 # #: source \\'x\\', lung".replace("\\", "")
    assert parse_changes(to_line(change, names), small()) == (change,)


# ---- what people write -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "create edge T:5 lkg:locatedIn T:2",
        "create edge nodule located_in lung",
        "create edge 'nodule' LOCATED_IN \"lung\"",
        "  create  edge <T:5> locatedIn 'lung'  # a remark",
    ],
)
def test_labels_and_relations_can_be_written_in_several_ways(line: str) -> None:
    expected = Relation(NODULE, RelationKind.LOCATED_IN, LUNG, "made", "curator", "2026-01-02")
    assert parse_changes(line, small(), BY.author, BY.created, BY.source) == (Change(None, expected),)


@pytest.mark.parametrize(
    ("line", "same_as"),
    [
        pytest.param("rename T:2 from 'lung'@en to \"lungs\"@en", "rename T:2 from 'lung' to 'lungs'", id="language"),
        pytest.param("rename 'lung' -> 'lungs'", "rename T:2 from 'lung' to 'lungs'", id="arrow"),
        pytest.param("create synonym 'hepar' for T:4", "create exact synonym 'hepar' for T:4", id="no scope"),
        pytest.param("change definition of chest to 'x'", "change definition of T:1 from "
                     "'Everything between neck and abdomen.' to 'x'", id="definition"),
        pytest.param("deepen T:2 from T:1 to T:4 #: source 'x'", "move T:2 from T:1 to T:4 #: source 'x'", id="deepen"),
        pytest.param("create node LKG:0000999 'x' #: class 'type'", "create class LKG:0000999 'x' #: class 'type'",
                     id="node"),
        pytest.param("create edge T:5 rdfs:subClassOf T:2", "create edge T:5 is_a T:2", id="subclass"),
    ],
)  # fmt: skip
def test_what_other_writers_of_kgcl_write_is_read(line: str, same_as: str) -> None:
    assert parse_changes(line, small()) == parse_changes(same_as, small())


def test_a_clause_goes_before_what_the_caller_says() -> None:
    (change,) = parse_changes("create edge nodule is_a mass #: source 'a book' evidence 'page 3'", small(), "me")
    assert isinstance(change, Change)
    assert change.after == Relation(NODULE, RelationKind.IS_A, MASS, "a book", "me", "", "page 3")


def test_lines_may_speak_of_what_lines_above_made() -> None:
    text = """
    # a synthetic text
    create class 'ground glass' #: class 'attribute'
    create edge 'ground glass' inheres_in lung
    rename 'ground glass' to 'ground glass opacity'
    create exact synonym 'GGO' for 'ground glass opacity'
    """
    after = ChangeSet(parse_changes(text, small())).apply(small())
    label = after.by_name["ground glass opacity"]
    assert label.id == "LKG:0000334"
    assert label.synonyms == (Synonym("GGO"),)
    assert Relation(label.id, RelationKind.INHERES_IN, LUNG) in after.relations


def test_new_labels_get_ids_that_nobody_else_has() -> None:
    text = "create class 'a' #: class 'type'\ncreate class 'b' #: class 'type'"
    made = parse_changes(text, load_shipped(), used_ids=["LKG:0000500"])
    assert [part.fact.id for change in made for part in change.primitives() if isinstance(part.fact, Label)] == [
        "LKG:0000501",
        "LKG:0000502",
    ]


def test_the_documented_sentences_can_be_read_and_made() -> None:
    documented = (kgcl_parser.__doc__ or "").split("::", 1)[1]
    made = parse_changes(documented, load_shipped(), "curator")
    assert len(made) == len(documented.strip().splitlines()) == 11
    assert parse_changes(to_lines(made), load_shipped()) == made
    ChangeSet(made).apply(load_shipped())


def test_larger_edits_are_one_sentence() -> None:
    text = """
    lkg:merge 'left lung' into lung
    lkg:split nodule into 'solid nodule', 'soft nodule'
    lkg:deprecate 'soft nodule' with replacement 'solid nodule'
    lkg:push-down liver and chest except lung
    lkg:new-version '3' of label-set 'few' with 'solid nodule' without chest
    """
    made = parse_changes(text, small(), source="made")
    assert [change.kind for change in made if isinstance(change, Composite)] == [
        "merge", "split", "deprecate", "push-down",
    ]  # fmt: skip
    after = ChangeSet(made).apply(small())
    assert after.label_set("few").members == (LUNG, after.by_name["solid nodule"].id)
    assert parse_changes(to_lines(made, names_of(after)), small()) == made


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("create edge nodul is_a mass", "no label 'nodul'; did you mean 'nodule'", id="name"),
        pytest.param("\n\ndelete T:99", "line 3: there is no label 'T:99'", id="id"),
        pytest.param("create edge nodule likes mass", "'likes' is no relation; use one of", id="relation"),
        pytest.param("frobnicate lung", "'frobnicate' begins no sentence; begin with one of rename", id="sentence"),
        pytest.param("rename lung from 'lungs' to 'x'", "the name is 'lung' now, not 'lungs'", id="stale name"),
        pytest.param("rename lung to ' '", "the new name is blank", id="blank name"),
        pytest.param("rename lung to 'x' y", "has too much before 'y'", id="too much"),
        pytest.param("rename lung to", "expects a text in quotes at the end", id="too little"),
        pytest.param("rename lung to 'x", "cannot be read from \"'x\"", id="open quote"),
        pytest.param(r"rename lung to 'a\q'", r"unknown escape \\q", id="escape"),
        pytest.param(r"rename lung to '\Uffffffff'", r"line 1: has the escape \\Uffffffff", id="no character"),
        pytest.param("create class 'x'", "the class of the label is missing", id="no class"),
        pytest.param("create class 'x' #: class 'thing'", "'thing' is no class of labels", id="class"),
        pytest.param("create class 'x' #: colour 'red'", "clause 'colour' is unknown", id="clause"),
        pytest.param("rename lung to 'x' #: source 'y'", "clause 'source' does not belong here", id="misplaced clause"),
        pytest.param("create class 'x' #: class", "clause 'class' takes 1 values", id="clause without value"),
        pytest.param(
            "delete edge 'left lung' is_a lung", "several sources say so \\('RadLex', 'made'\\)", id="which source"
        ),
        pytest.param("delete edge nodule is_a lung", "'nodule' has no such relation", id="no such relation"),
        pytest.param("create edge liver exclusive_with chest #: source 'made'", "is there already", id="there already"),
        pytest.param("move 'left lung' from lung to chest", "3 kinds of relation|several sources", id="which kind"),
        pytest.param("add definition 'x' to chest", "'chest' has a definition", id="second definition"),
        pytest.param("lkg:begin 'merge' of T:1", "block of 'merge' is not closed; add lkg:end", id="open block"),
        pytest.param("lkg:end", "there is no block to close", id="no block"),
        pytest.param("lkg:begin 'a' of T:1\nlkg:merge nodule into lung", "line 2: a block holds no", id="nested"),
        pytest.param("lkg:delete exclusive-group 'G:9'", "there is no such exclusive-group", id="no such group"),
        pytest.param("lkg:merge lung into lung", "label 'lung': cannot replace itself", id="merge into itself"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=r"^line \d+: ") as caught:
        parse_changes(text, small())
    assert re.search(message, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)


@quick
@given(st.text(max_size=40) | st.lists(st.sampled_from([
    "create", "edge", "rename", "change", "lkg:change", "lkg:begin", "synonym", "'lung'", "T:2", "is_a", "#:", "source",
    "'x'", "of", "to", "from", ",", "lkg:split", "into", "label", "delete", "class",
]), max_size=8).map(" ".join))  # fmt: skip
def test_no_text_ends_in_anything_but_changes_or_a_named_line(text: str) -> None:
    try:
        assert isinstance(parse_changes(text, small()), tuple)
    except InputError as error:
        assert str(error).startswith("line ")


def test_a_key_with_two_spaces_is_found_again() -> None:
    named = replace(small(), exclusive_groups=(ExclusiveGroup("a  b", (LIVER, LUNG), "made"),))
    change = Change(named.exclusive_groups[0], ExclusiveGroup("a  b", (LIVER, NODULE), "made"))
    assert parse_changes(to_line(change), named) == (change,)

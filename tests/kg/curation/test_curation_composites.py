"""Merging, splitting, deprecating and removing labels, and pushing an exclusion down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_changes import IDS, ontologies
from made_ontology import CALCIFIED, CHEST, LEFT_LUNG, LIVER, LUNG, NODULE, SOLID, small

from kg.closures import Closures
from kg.curation import composites, edits
from kg.curation.assessment import assess
from kg.curation.change_set import ChangeSet, Composite
from kg.curation.edits import Provenance
from kg.curation.kgcl import to_line
from kg.curation.kgcl_parser import parse_changes
from kg.errors import UsageError
from kg.ontology import (
    ExclusionException,
    ExclusiveGroup,
    ExclusivePair,
    Label,
    LabelClass,
    Ontology,
    Relation,
    RelationKind,
    SoftKind,
    SoftRelation,
    Synonym,
    SynonymScope,
)
from kg.shipped import load_shipped

quick = settings(deadline=None, max_examples=80, suppress_health_check=list(HealthCheck))


def after(ontology: Ontology, composite: Composite) -> Ontology:
    """The ontology after a composite, which its inverse takes back and its line says in full."""
    made = ChangeSet((composite,)).apply(ontology)
    assert ChangeSet((composite.inverse(),)).apply(made) == ontology
    assert parse_changes(to_line(composite), ontology) == (composite,)
    return made


def ancestors(ontology: Ontology, name: str) -> set[str]:
    closures = Closures(ontology)
    row = closures.ancestors[[closures.index[ontology.label(name).id]], :].toarray()[0]
    return {ontology.labels[i].name for i in np.flatnonzero(row)}


def exclusive_ids(ontology: Ontology) -> set[frozenset[str]]:
    """All exclusive pairs, inherited ones too."""
    rows, columns = Closures(ontology).exclusive.nonzero()
    return {frozenset((ontology.labels[i].id, ontology.labels[j].id)) for i, j in zip(rows, columns, strict=True)}


# ---- merge -----------------------------------------------------------------------------------------------------------


def test_merging_two_real_labels_breaks_no_rule_and_keeps_every_consequence() -> None:
    ontology = load_shipped()
    change_set = ChangeSet((composites.merge(ontology, "mass", "nodule", "made"),))
    assessment = assess(ontology, change_set)
    assert (assessment.errors, assessment.warnings) == ((), ())
    made = assessment.after
    mass = made.label("mass")
    assert (mass.deprecated, mass.replaced_by) == (True, made.label("nodule").id)
    assert "nodule" in ancestors(made, "mass")
    assert ancestors(made, "lung mass") == ancestors(ontology, "lung mass") - {"mass"} | {"nodule"}
    assert Synonym("mass", SynonymScope.EXACT, "made") in made.label("nodule").synonyms
    assert made.label_sets == ontology.label_sets
    assert not [r for r in made.relations if mass.id in (r.child, r.parent)]


def test_what_is_said_of_the_label_given_up_is_said_of_the_one_that_is_kept() -> None:
    ontology = replace(
        small(),
        relations=(
            *small().relations,
            Relation(LIVER, RelationKind.LOCATED_IN, LUNG, "made"),
            Relation(LIVER, RelationKind.PART_OF, LEFT_LUNG, "made"),
            Relation(NODULE, RelationKind.LOCATED_IN, LIVER, "made"),
        ),
        exclusive_pairs=(ExclusivePair(LIVER, SOLID, "made", evidence="a book"), ExclusivePair(LIVER, LUNG, "made")),
        exclusive_groups=(ExclusiveGroup("G:1", (SOLID, LIVER)), ExclusiveGroup("G:2", (LUNG, LIVER))),
        exceptions=(ExclusionException(LIVER, CALCIFIED, "made"),),
        soft_relations=(SoftRelation(NODULE, SoftKind.TYPICALLY_LOCATED_IN, LIVER, "made"),),
    )
    made = after(ontology, composites.merge(ontology, "liver", "lung"))
    said = (
        *made.relations, *made.exclusive_pairs, *made.exclusive_groups, *made.exceptions, *made.soft_relations,
    )  # fmt: skip
    assert LIVER not in str(said)
    assert Relation(NODULE, RelationKind.LOCATED_IN, LUNG, "made", evidence="said of liver") in made.relations
    assert made.exclusive_pairs == (ExclusivePair(LUNG, SOLID, "made", evidence="a book; said of liver"),)
    assert made.exclusive_groups == (ExclusiveGroup("G:1", (SOLID, LUNG)),)
    assert made.exceptions == (ExclusionException(LUNG, CALCIFIED, "made", evidence="said of liver"),)
    soft = SoftRelation(NODULE, SoftKind.TYPICALLY_LOCATED_IN, LUNG, "made", evidence="said of liver")
    assert made.soft_relations == (soft,)
    assert not [r for r in made.relations if r.child == r.parent]


def test_synonyms_and_mappings_move_without_duplicates() -> None:
    labels = {k.id: k for k in small().labels}
    labels[LIVER] = replace(
        labels[LIVER],
        synonyms=(Synonym("PULMONARY"), Synonym("Lung"), Synonym("hepatic", SynonymScope.BROAD)),
        mappings=labels[LUNG].mappings[:1],
    )
    labels[LUNG] = replace(labels[LUNG], synonyms=(*labels[LUNG].synonyms, Synonym("Liver", SynonymScope.RELATED)))
    ontology = replace(small(), labels=tuple(labels.values()))
    made = after(ontology, composites.merge(ontology, "liver", "lung"))
    texts = {s.text: s.scope for s in made.by_id[LUNG].synonyms}
    assert texts == {
        "pulmonary": SynonymScope.EXACT,
        "Lunge 🫁": SynonymScope.RELATED,
        "hepatic": SynonymScope.BROAD,
        "Liver": SynonymScope.EXACT,
    }
    assert made.by_id[LIVER].synonyms == made.by_id[LIVER].mappings == ()
    assert made.by_id[LUNG].mappings == small().by_id[LUNG].mappings


@quick
@given(st.data())
def test_after_a_merge_nothing_but_the_replacement_names_the_label_given_up(data: st.DataObject) -> None:
    ontology = data.draw(ontologies())
    gone, kept = data.draw(st.permutations(IDS))[:2]
    in_use = tuple(replace(k, deprecated=False) for k in ontology.labels)
    ontology = replace(ontology, labels=in_use)
    made = after(ontology, composites.merge(ontology, gone, kept))
    assert made.by_id[gone].replaced_by == kept
    assert not [r for r in (*made.relations, *made.soft_relations) if gone in _ends(r)]
    assert not [p for p in (*made.exclusive_pairs, *made.exceptions) if gone in (p.a, p.b)]
    assert not [g for g in made.exclusive_groups if gone in g.members and kept in g.members]
    assert made.label_sets == ontology.label_sets
    for label in ontology.labels:
        if label.id not in (gone, kept):
            assert made.by_id[label.id] == label


def _ends(relation: Relation | SoftRelation) -> tuple[str, str]:
    if isinstance(relation, Relation):
        return relation.child, relation.parent
    return relation.subject, relation.object


# ---- deprecate, remove -----------------------------------------------------------------------------------------------


def test_a_label_that_is_replaced_keeps_its_relations_and_implies_its_replacement() -> None:
    ontology = load_shipped()
    made = after(ontology, composites.deprecate(ontology, "lung mass", "lung nodule"))
    assert ancestors(made, "lung mass") >= ancestors(ontology, "lung mass") | {"lung nodule"}
    made = after(ontology, composites.deprecate(ontology, "lung mass"))
    assert made.label("lung mass").deprecated
    assert made.relations == ontology.relations


def test_what_stands_between_a_label_and_its_replacement_goes() -> None:
    ontology = replace(small(), exclusive_groups=(ExclusiveGroup("G:1", (SOLID, CALCIFIED, LIVER), "made"),))
    made = after(ontology, composites.deprecate(ontology, "chest", "lung"))
    assert not [r for r in made.relations if CHEST in (r.child, r.parent)]
    assert assess(ontology, ChangeSet((composites.deprecate(ontology, "chest", "lung"),))).errors == ()
    made = after(ontology, composites.deprecate(ontology, "chest", "liver"))
    assert made.exclusive_pairs == ()
    made = after(ontology, composites.deprecate(ontology, "solid", "calcified"))
    assert made.exclusive_groups == (ExclusiveGroup("G:1", (CALCIFIED, LIVER), "made"),)
    made = after(small(), composites.deprecate(small(), "solid", "calcified"))
    assert made.exclusive_groups == ()


def test_a_label_is_removed_with_all_that_is_said_of_it() -> None:
    ontology = replace(small(), label_sets=())
    made = after(ontology, composites.remove_label(ontology, "liver"))
    assert LIVER not in made.by_id
    assert made.exclusive_pairs == ()
    assert assess(ontology, ChangeSet((composites.remove_label(ontology, "solid"),))).errors == ()


# ---- split -----------------------------------------------------------------------------------------------------------


def test_the_parts_of_a_label_that_is_kept_lie_below_it() -> None:
    ontology = load_shipped()
    by = Provenance("made", "curator")
    composite = composites.split(ontology, "lung nodule", ["solid lung nodule", "soft lung nodule"], by=by)
    made = after(ontology, composite)
    new = made.by_name["solid lung nodule"]
    assert composite.labels == (ontology.label("lung nodule").id, "LKG:0000334", "LKG:0000335")
    assert ancestors(made, "solid lung nodule") == ancestors(ontology, "lung nodule") | {"lung nodule"}
    assert Relation(new.id, RelationKind.IS_A, ontology.label("lung nodule").id, "made", "curator") in made.relations
    assert new.label_class is LabelClass.TYPE
    assert assess(ontology, ChangeSet((composite,))).errors == ()


def test_the_parts_of_a_label_that_is_not_kept_take_its_place() -> None:
    ontology = load_shipped()
    composite = composites.split(ontology, "rectum", ["upper rectum", "lower rectum"], keep=False)
    made = after(ontology, composite)
    assert made.label("rectum").deprecated
    for name in ("upper rectum", "lower rectum"):
        assert ancestors(made, name) == ancestors(ontology, "rectum")
    swapped = {made.by_name["upper rectum"].id: made.by_name["rectum"].id}
    upper = {frozenset(swapped.get(i, i) for i in p) for p in exclusive_ids(made) if {*swapped} & p}
    assert upper == {p for p in exclusive_ids(ontology) if made.by_name["rectum"].id in p}
    assert assess(ontology, ChangeSet((composite,))).errors == ()


def test_the_parts_of_a_member_of_a_group_do_not_exclude_each_other() -> None:
    made = after(small(), composites.split(small(), "solid", ["all solid", "part solid"], keep=False))
    new = {made.by_name[name].id for name in ("all solid", "part solid")}
    assert {frozenset((i, CALCIFIED)) for i in new} <= exclusive_ids(made)
    assert frozenset(new) not in exclusive_ids(made)


def test_what_a_split_label_says_of_itself_is_not_said_of_its_parts() -> None:
    said = replace(
        small(),
        exclusive_pairs=(ExclusivePair(SOLID, SOLID),),
        soft_relations=(SoftRelation(SOLID, SoftKind.CONFUSABLE_WITH, SOLID),),
    )
    made = after(said, composites.split(said, "solid", ["all solid", "part solid"], keep=False))
    assert {(p.a, p.b) for p in made.exclusive_pairs if CALCIFIED not in (p.a, p.b)} == {(SOLID, SOLID)}
    assert made.soft_relations == said.soft_relations


# ---- push down -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "open_",
    [["left kidney"], [("liver", "pelvis")], ["liver", ("kidney", "urinary bladder")]],
    ids=["one", "pair", "two"],
)
def test_a_real_exclusion_is_pushed_down_to_all_that_may_still_not_meet(open_: list[str | tuple[str, str]]) -> None:
    ontology = load_shipped()
    composite = composites.push_down(ontology, "abdomen", "pelvis", open_)
    made = after(ontology, composite)
    excepted = ontology
    for one in open_:
        pair = (one, "pelvis") if isinstance(one, str) else one
        excepted = ChangeSet((edits.add_exception(excepted, *pair),)).apply(excepted)
    assert exclusive_ids(made) == exclusive_ids(excepted)
    assert len(exclusive_ids(made)) < len(exclusive_ids(ontology))
    assert not [p for p in made.exclusive_pairs if {p.a, p.b} == {made.label("abdomen").id, made.label("pelvis").id}]
    assert assess(ontology, ChangeSet((composite,))).errors == ()


@quick
@given(st.data())
def test_a_pushed_down_exclusion_equals_an_exception_and_no_pair_of_it_is_needless(data: st.DataObject) -> None:
    ids = [f"T:{i}" for i in range(8)]
    upward = st.integers(1, 7).flatmap(lambda i: st.tuples(st.just(i), st.integers(0, i - 1)))
    relations = {Relation(ids[i], RelationKind.IS_A, ids[j]) for i, j in data.draw(st.lists(upward, max_size=10))}
    labels = tuple(Label(i, f"label {i}", LabelClass.TYPE) for i in ids)
    ontology = Ontology("made", labels, tuple(relations), (ExclusivePair(ids[0], ids[1], "made"),))
    closures = Closures(ontology)
    below = [
        [i for i in ids if i == top or closures.ancestors[closures.index[i], closures.index[top]]] for top in ids[:2]
    ]
    x, y = data.draw(st.sampled_from(below[0])), data.draw(st.sampled_from(below[1]))
    if {x, y} == {*ids[:2]}:
        return
    made = after(ontology, composites.push_down(ontology, ids[0], ids[1], [(x, y)]))
    excepted = replace(ontology, exceptions=(ExclusionException(x, y),))
    distinct = {pair for pair in exclusive_ids(excepted) if len(pair) == 2}
    assert {pair for pair in exclusive_ids(made) if len(pair) == 2} == distinct
    for pair in made.exclusive_pairs:
        fewer = replace(made, exclusive_pairs=tuple(p for p in made.exclusive_pairs if p != pair))
        assert frozenset((pair.a, pair.b)) not in exclusive_ids(fewer)


# ---- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        pytest.param(lambda o: composites.merge(o, "lung", LUNG), "cannot replace itself", id="into itself"),
        pytest.param(lambda o: composites.merge(o, "mass", "lung"), "'mass': is deprecated", id="given up already"),
        pytest.param(lambda o: composites.merge(o, "lung", "mass"), "'mass': is deprecated", id="into a deprecated"),
        pytest.param(lambda o: composites.merge(o, "lung", "nowhere"), "not in ontology made", id="into nothing"),
        pytest.param(lambda o: composites.deprecate(o, "mass"), "is deprecated already", id="deprecated twice"),
        pytest.param(lambda o: composites.deprecate(o, "lung", "mass"), "'mass': is deprecated", id="by a deprecated"),
        pytest.param(lambda o: composites.remove_label(o, "lung"), "label set all has it", id="in a label set"),
        pytest.param(
            lambda o: composites.remove_label(replace(o, label_sets=()), "nodule"), "it replaces 'mass'", id="replaces"
        ),
        pytest.param(lambda o: composites.split(o, "lung", ["a"]), "fewer than two labels", id="one part"),
        pytest.param(lambda o: composites.split(o, "lung", ["a", "A"]), "are alike", id="like parts"),
        pytest.param(lambda o: composites.split(o, "lung", ["a", "Liver"]), "is that of T:4 already", id="taken"),
        pytest.param(lambda o: composites.split(o, "mass", ["a", "b"]), "is deprecated", id="split deprecated"),
        pytest.param(
            lambda o: composites.split(o, "lung", ["a", "b"], keep=False), "'left lung' lies below it", id="not kept"
        ),
        pytest.param(
            lambda o: composites.push_down(o, "liver", "lung", ["left lung"]),
            "not listed as an exclusive",
            id="inherited",
        ),
        pytest.param(lambda o: composites.push_down(o, "liver", "chest", []), "nothing may meet", id="no reason"),
        pytest.param(
            lambda o: composites.push_down(o, "liver", "chest", ["nodule"]), "does not lie below", id="beside"
        ),
        pytest.param(
            lambda o: composites.push_down(o, "liver", "chest", [("chest", "liver")]), "does not lie below", id="itself"
        ),
        pytest.param(
            lambda o: composites.push_down(
                ChangeSet((edits.add_exclusive(o, "liver", "lung"),)).apply(o), "liver", "chest", ["left lung"]
            ),
            "'liver' and 'left lung': are exclusive for another reason too",
            id="another reason",
        ),
    ],
)
def test_a_composite_that_makes_no_sense_is_refused(edit: Callable[[Ontology], Composite], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        edit(small())

"""What stands in the review queues, in which order, and what an item becomes when it is promoted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from made_ontology import CALCIFIED, CHEST, LEFT_LUNG, LIVER, LUNG, MASS, NODULE, SOLID, small
from scipy.stats import binom

from kg import algebra
from kg.curation.change_set import ChangeSet
from kg.curation.composites import merge
from kg.curation.facts import LabelMapping, LabelSynonym
from kg.curation.label_data import LabelData
from kg.curation.queues import (
    Contradiction,
    Correlation,
    Counts,
    Item,
    Term,
    Topic,
    Unmapped,
    current_id,
    item_id,
    topic_of,
)
from kg.curation.queues_lesions import LabelledLesions
from kg.curation.queues_promotion import Choice, promote
from kg.curation.queues_ranked import (
    LearnedEdge,
    contradiction_items,
    correlation_items,
    surprise,
    term_items,
    unmapped_items,
)
from kg.curation.queues_rule import at_least, at_most, implies, meet
from kg.errors import ChangeRefusedError, UsageError
from kg.matrices import RelationMatrices
from kg.ontology import (
    ExclusionException,
    ExclusivePair,
    Label,
    LabelClass,
    MatchKind,
    Ontology,
    Relation,
    RelationKind,
    SoftKind,
    SoftRelation,
    SynonymScope,
)
from kg.rules import check
from kg.shipped import load_shipped

WHEN = "2026-03-04T05:06:07+00:00"


def lesions_with(ontology: Ontology, *said: set[str]) -> LabelledLesions:
    """Lesions of which these labels (ids) are said."""
    ids = [label.id for label in ontology.labels]
    labels = np.array([[label in one for label in ids] for one in said], bool).reshape(len(said), len(ids))
    ids = tuple(f"L:{i:05d}" for i in range(len(said)))
    return LabelledLesions(ontology, ids, algebra.as_bool(labels), np.arange(len(said)))


def about(items: tuple[Item, ...], *labels: str) -> Item:
    """The item about these labels."""
    (found,) = [item for item in items if set(item.labels) == set(labels)]
    return found


@pytest.fixture(scope="module")
def real() -> LabelledLesions:
    """The training lesions of the released labels, relevant and uncertain ones, with the repaired ontology."""
    from ingest.release import Release

    ontology = load_shipped()
    cohort = Release.shipped().cohort(RelationMatrices.from_ontology(ontology, "lesanet-171"))
    patients = dict(zip(cohort.table["lesion"].to_pylist(), cohort.table["patient"].to_pylist(), strict=True))
    return LabelledLesions.of_data(ontology, LabelData.of_cohort(cohort), patients, "train")


class TestContradictedPairs:
    def test_the_released_training_labels_contradict_abdomen_and_pelvis_most(self, real: LabelledLesions) -> None:
        items = contradiction_items(real)
        found = {frozenset(item.names): item.evidence for item in items}
        first = items[0]
        assert set(first.names) == {"abdomen", "pelvis"}
        assert first.score == 196
        for names, lesions in (("nodule thickening", 79), ("lung pleura", 147), ("abdomen chest", 80)):
            evidence = found[frozenset(names.split())]
            assert isinstance(evidence, Contradiction)
            assert evidence.contradictory == lesions

    def test_examples_are_lesions_that_have_both(self, real: LabelledLesions) -> None:
        positive = real.has.toarray()
        for item in contradiction_items(real)[:20]:
            columns = [real.closures.index[label] for label in item.labels]
            rows = [real.ids.index(lesion) for lesion in item.examples]
            assert rows
            assert positive[np.ix_(rows, columns)].all()

    @given(st.data())
    def test_counts_are_those_of_plain_sets(self, data: st.DataObject) -> None:
        size, draw = 6, data.draw
        index = st.integers(0, size - 1)
        pair = st.tuples(index, index).filter(lambda p: p[0] != p[1])
        names = [f"N:{i}" for i in range(size)]
        parents = draw(st.sets(pair.map(lambda p: (max(p), min(p))), max_size=6))
        pairs = draw(st.sets(pair.map(lambda p: (min(p), max(p))), min_size=1, max_size=4))
        free = draw(st.sets(pair.map(lambda p: (min(p), max(p))), max_size=2))
        said = draw(st.lists(st.sets(index), max_size=8))
        ontology = Ontology(
            "made",
            tuple(Label(name, name, LabelClass.TYPE) for name in names),
            tuple(Relation(names[c], RelationKind.IS_A, names[p]) for c, p in parents),
            tuple(ExclusivePair(names[a], names[b]) for a, b in pairs),
            exceptions=tuple(ExclusionException(names[a], names[b]) for a, b in free),
        )
        up = {i: {i} for i in range(size)}
        for child in range(size):  # parents have smaller numbers
            for c, p in parents:
                if c == child:
                    up[child] |= up[p]
        # No label lies below two that exclude each other, or is excepted from what it implies: no rule is broken.
        assume(not any({a, b} <= labels for a, b in {*pairs, *free} for labels in up.values()))
        excepted = {(x, y) for a, b in free for x in up[a] for y in up[b]}
        excepted |= {(y, x) for x, y in excepted}
        expected = {}
        for a, b in pairs:
            lesions = [set().union(*(up[label] for label in one)) for one in said]
            clashing = [
                one
                for one in lesions
                if any((x, y) not in excepted for x in one if a in up[x] for y in one if b in up[y])
            ]
            if clashing:
                expected[names[a], names[b]] = len(clashing)
        items = contradiction_items(lesions_with(ontology, *({names[i] for i in one} for one in said)))
        assert {item.labels: item.score for item in items} == expected
        # Exceptions for all that is said resolve every contradiction of a pair.
        for item in items:
            assert isinstance(item.evidence, Contradiction)
            more = tuple(ExclusionException(pair.first, pair.second) for pair in item.evidence.said)
            freed = replace(ontology, exceptions=(*ontology.exceptions, *more))
            left = contradiction_items(lesions_with(freed, *({names[i] for i in one} for one in said)))
            assert item.id not in {one.id for one in left}

    def test_a_group_lists_its_pairs_and_an_exception_takes_one_out(self) -> None:
        lesions = lesions_with(small(), {SOLID, CALCIFIED}, {SOLID})
        (item,) = contradiction_items(lesions)
        assert isinstance(item.evidence, Contradiction)
        assert item.evidence.listed == "G:1"
        freed = replace(small(), exceptions=(ExclusionException(SOLID, CALCIFIED),))
        assert contradiction_items(replace(lesions, ontology=freed)) == ()

    def test_a_contradiction_of_a_merged_label_comes_down_to_what_replaces_it(self) -> None:
        merged = ChangeSet((merge(small(), "left lung", "lung"),)).apply(small())
        (item,) = contradiction_items(lesions_with(merged, {LEFT_LUNG, LIVER}, {LUNG, LIVER}))
        assert isinstance(item.evidence, Contradiction)
        assert [(s.first, s.second, s.contradictory) for s in item.evidence.said] == [(LUNG, LIVER, 2)]

    def test_a_contradiction_comes_down_to_the_most_specific_labels(self) -> None:
        (item,) = contradiction_items(lesions_with(small(), {LEFT_LUNG, LIVER}, {LEFT_LUNG, LIVER}, {CHEST, LIVER}))
        assert isinstance(item.evidence, Contradiction)
        assert [(s.first, s.second, s.contradictory, s.together) for s in item.evidence.said] == [
            (LEFT_LUNG, LIVER, 2, 2),
            (CHEST, LIVER, 1, 3),
        ]


class TestIds:
    @given(st.lists(st.text(min_size=1), min_size=2, max_size=2), st.sampled_from([t for t in Topic if t != "term"]))
    def test_an_id_names_its_labels_in_either_order(self, labels: list[str], topic: Topic) -> None:
        item = item_id(topic, *labels)
        assert item == item_id(topic, *reversed(labels)) == current_id(item, small())
        assert topic_of(item) is topic
        assert item.count("/") == 2

    @pytest.mark.parametrize("item", ["", "nodule", "together", "together/", "gossip/T:1/T:2"])
    def test_what_is_no_id_is_refused(self, item: str) -> None:
        with pytest.raises(UsageError, match="unknown"):
            topic_of(item)


class TestCorrelations:
    def test_what_the_ontology_holds_is_left_out(self) -> None:
        known = [
            LearnedEdge(LEFT_LUNG, CHEST, 0.9, 1.0),  # a descendant
            LearnedEdge(LUNG, LEFT_LUNG, 0.9, 1.0),
            LearnedEdge(NODULE, LUNG, 0.9, 1.0),  # a soft relation
            LearnedEdge(CHEST, NODULE, 0.9, 1.0),  # what is typically in the lung is typically in the chest
            LearnedEdge(LIVER, LUNG, -0.9, 1.0),  # exclusive, and keeping apart
            LearnedEdge("gone", LUNG, 0.9, 1.0),
        ]
        assert correlation_items(lesions_with(small(), {LUNG}), "m", known) == ()

    def test_each_sign_is_an_item_and_both_directions_are_one(self) -> None:
        edges = [
            LearnedEdge(SOLID, NODULE, 0.2, 1.0),
            LearnedEdge(NODULE, SOLID, 0.5, 0.8),
            LearnedEdge(LIVER, NODULE, -0.3, 1.0),
            LearnedEdge(LUNG, LIVER, 0.4, 1.0),
        ]
        items = correlation_items(lesions_with(small(), {SOLID, NODULE}, {LIVER}), "m", edges)
        assert {item.id for item in items} == {
            item_id(Topic.TOGETHER, NODULE, SOLID),
            item_id(Topic.APART, LIVER, NODULE),
            item_id(Topic.CONFUSED, LUNG, LIVER),
        }
        both = about(items, NODULE, SOLID).evidence
        assert isinstance(both, Correlation)
        assert (both.to_second, both.to_first, both.weight, both.stability) == (0.5, 0.2, 0.5, 0.8)

    def test_a_merged_label_counts_for_its_replacement(self) -> None:
        edges = [LearnedEdge(MASS, SOLID, 0.3, 1.0), LearnedEdge(SOLID, NODULE, 0.2, 1.0)]
        (item,) = correlation_items(lesions_with(small(), {SOLID, NODULE}), "m", edges)
        assert item.labels == (NODULE, SOLID)
        assert current_id(item_id(Topic.TOGETHER, MASS, SOLID), small()) == item.id

    def test_lesions_count_after_expansion_and_chance_is_counted(self) -> None:
        said = [{LEFT_LUNG, SOLID}] * 3 + [{LUNG}] * 2 + [{SOLID}] * 2 + [{LIVER}] * 3
        (item,) = correlation_items(lesions_with(small(), *said), "m", [LearnedEdge(LUNG, SOLID, 0.5, 1.0)])
        assert isinstance(item.evidence, Correlation)
        counts = item.evidence.counts
        assert (counts.lesions, counts.first, counts.second, counts.together, counts.expected) == (10, 5, 5, 3, 2.5)
        # 3, 4 or 5 of 5 drawn from 5 of 10
        assert counts.probability == pytest.approx((10 * 10 + 5 * 5 + 1) / 252)
        assert item.examples == ("L:00000", "L:00001", "L:00002")

    def test_what_lesions_bear_out_stands_before_a_larger_weight_that_they_do_not(self) -> None:
        said = [{NODULE, SOLID}] * 30 + [{LIVER}] * 30 + [{CALCIFIED}]
        edges = [LearnedEdge(NODULE, SOLID, 0.2, 1.0), LearnedEdge(CALCIFIED, NODULE, 0.9, 1.0)]
        items = correlation_items(lesions_with(small(), *said), "m", edges)
        assert [item.labels for item in items] == [(NODULE, SOLID), (NODULE, CALCIFIED)]

    def test_surprise_has_the_sign_of_what_is_looked_for(self) -> None:
        more, fewer = Counts(100, 10, 10, 9, 1.0, 1e-8, 1, 9, 10), Counts(100, 50, 50, 5, 25.0, 1e-20, 1, 5, 50)
        assert surprise(more, True) == -surprise(more, False) == pytest.approx(8)
        assert surprise(fewer, False) == -surprise(fewer, True) == 10


class TestLabelsAndTerms:
    def test_labels_without_a_radlex_id_stand_by_their_lesions(self) -> None:
        items = unmapped_items(lesions_with(small(), {LEFT_LUNG}, {LEFT_LUNG, SOLID}))
        assert [(item.names[0], item.score) for item in items][:3] == [("chest", 2), ("left lung", 2), ("solid", 1)]
        assert not {"lung", "mass"} & {item.names[0] for item in items}  # mapped; deprecated
        assert items[0].evidence == Unmapped(2, ("all", "few"))

    def test_terms_that_a_label_has_by_now_are_left_out(self) -> None:
        terms = [
            term("Pulmonary "),
            term("liver", rid="RID1301"),
            term("tree in bud", reports=7),
            term("Tree in  bud", reports=9, source="other"),
            term("halo", rid="RID7", reports=8),
        ]
        items = term_items(small(), terms)
        assert [(item.id, item.names[0], item.score) for item in items] == [
            ("term/tree in bud", "Tree in  bud", 9),
            ("term/RID7", "halo", 8),
        ]


def term(text: str, rid: str = "", reports: int = 5, source: str = "made") -> Term:
    return Term("radlex" if rid else "phrase", text, rid, (), "", 20, reports, 5, source)


class TestTheRule:
    @given(st.integers(1, 400), st.data())
    def test_bounds_are_those_of_clopper_and_pearson(self, of: int, data: st.DataObject) -> None:
        together = data.draw(st.integers(0, of))
        low, high = at_least(together, of), at_most(together, of)
        assert 0 <= low <= together / of <= high <= 1
        if together:  # the share at the lower bound gives so many or more in one of twenty samples
            assert binom.sf(together - 1, of, low) == pytest.approx(0.05)
        if together < of:
            assert binom.cdf(together, of, high) == pytest.approx(0.05)

    @pytest.mark.parametrize(
        ("left", "right"), [("left lung", "right lung"), ("left kidney", "right kidney")], ids=["lungs", "kidneys"]
    )
    def test_left_and_right_partners_do_not_meet_in_the_released_labels(
        self, real: LabelledLesions, left: str, right: str
    ) -> None:
        a, b = (real.closures.index[real.ontology.by_name[name].id] for name in (left, right))
        assert real.together[a, b] > 0
        assert not meet(real.patients_with(a, b), min(real.patients_with(a), real.patients_with(b)))

    def test_a_handful_of_lesions_carries_nothing(self) -> None:
        assert not meet(4, 4)
        assert meet(5, 5)
        assert not implies(28, 28)
        assert implies(29, 29)


def correlated(ontology: Ontology, a: str, b: str, weight: float, *said: set[str]) -> Item:
    """The item of a correlation between two labels over lesions."""
    return about(correlation_items(lesions_with(ontology, *said), "m-1", [LearnedEdge(a, b, weight, 1.0)]), a, b)


def promoted(item: Item, ontology: Ontology, **choice: object) -> tuple[object, ...]:
    """The facts that an item adds; they make a sound change set."""
    made = promote(item, ontology, "A. Curator", WHEN, choice=Choice(**choice))  # type: ignore[arg-type]
    assert not set(check(made.apply(ontology))) - set(check(ontology))
    assert (made.author, made.created) == ("A. Curator", WHEN)
    assert item.id in made.source
    return tuple(change.after for change in made.primitives())


class TestPromotion:
    def test_labels_that_go_together_become_a_soft_relation(self) -> None:
        item = correlated(small(), SOLID, NODULE, 0.5, *[{SOLID, NODULE}] * 20, *[{SOLID}] * 10, *[{LIVER}] * 30)
        (made,) = promoted(item, small())
        assert isinstance(made, SoftRelation)
        assert (made.subject, made.kind, made.object) == (NODULE, SoftKind.TYPICALLY_HAS, SOLID)
        assert (made.source, made.author, made.created) == ("m-1", "A. Curator", "2026-03-04")
        assert "20 lesions of 20 patients have both" in made.evidence

    def test_a_type_in_a_body_part_is_typically_located_there(self) -> None:
        item = correlated(small(), LIVER, NODULE, 0.5, *[{LIVER, NODULE}] * 20, *[{LIVER}] * 10, *[{SOLID}] * 30)
        (made,) = promoted(item, small())
        assert isinstance(made, SoftRelation)
        assert (made.subject, made.kind, made.object) == (NODULE, SoftKind.TYPICALLY_LOCATED_IN, LIVER)

    def test_a_label_whose_lesions_have_the_other_becomes_its_child(self) -> None:
        item = correlated(small(), LIVER, NODULE, 0.5, *[{LIVER, NODULE}] * 40, *[{LIVER}] * 10, *[{SOLID}] * 80)
        (made,) = promoted(item, small())
        assert isinstance(made, Relation)
        assert (made.child, made.kind, made.parent) == (NODULE, RelationKind.LOCATED_IN, LIVER)

    def test_a_strict_relation_that_breaks_a_rule_stays_soft(self) -> None:
        # Solid nodules would have to be in the lung and in the liver, which are exclusive.
        located = replace(small(), relations=(*small().relations, Relation(SOLID, RelationKind.INHERES_IN, LUNG)))
        item = correlated(located, SOLID, NODULE, 0.5, *[{NODULE, SOLID}] * 40, *[{SOLID}] * 9, *[{CHEST}] * 80)
        blocked = replace(located, relations=(*located.relations, Relation(NODULE, RelationKind.LOCATED_IN, LIVER)))
        assert isinstance(promoted(item, located)[0], Relation)
        assert isinstance(promoted(item, blocked)[0], SoftRelation)

    def test_labels_of_one_class_that_lesions_do_not_tell_apart_are_confusable(self) -> None:
        ontology = replace(small(), exclusive_groups=())
        item = correlated(ontology, SOLID, CALCIFIED, 0.5, *[{SOLID}] * 5, *[{CALCIFIED}] * 5)
        (made,) = promoted(item, ontology)
        assert isinstance(made, SoftRelation)
        assert (made.subject, made.kind, made.object) == (SOLID, SoftKind.CONFUSABLE_WITH, CALCIFIED)

    def test_labels_of_two_classes_need_lesions_or_a_word_of_the_reviewer(self) -> None:
        item = correlated(small(), LIVER, NODULE, 0.5, {LIVER, NODULE}, *[{LIVER}] * 5, *[{NODULE}] * 5)
        with pytest.raises(ChangeRefusedError, match="more often than by chance"):
            promote(item, small(), "A", WHEN)
        (made,) = promoted(item, small(), kind=SoftKind.TYPICALLY_LOCATED_IN)
        assert isinstance(made, SoftRelation)
        assert (made.subject, made.object) == (NODULE, LIVER)
        with pytest.raises(UsageError, match="partners"):
            promote(item, small(), "A", WHEN, choice=Choice(kind=SoftKind.CONTRALATERAL_OF))

    def test_labels_that_never_meet_become_exclusive_and_others_are_refused(self) -> None:
        apart = [{NODULE}] * 80, [{LIVER}] * 80
        item = correlated(small(), NODULE, LIVER, -0.5, *apart[0], *apart[1])
        (made,) = promoted(item, small())
        assert isinstance(made, ExclusivePair)
        few = correlated(small(), NODULE, LIVER, -0.5, *apart[0][:20], *apart[1][:20])
        with pytest.raises(ChangeRefusedError, match="too little"):
            promote(few, small(), "A", WHEN)

    def test_confused_labels_are_confusable_unless_lesions_have_both(self) -> None:
        item = correlated(small(), LUNG, LIVER, 0.5, *[{LUNG}] * 40, *[{LIVER}] * 40, {LUNG, LIVER})
        (soft,) = promoted(item, small())
        assert isinstance(soft, SoftRelation)
        assert soft.kind is SoftKind.CONFUSABLE_WITH
        met = correlated(small(), LUNG, LIVER, 0.5, *[{LUNG}] * 40, *[{LIVER}] * 40, *[{LUNG, LIVER}] * 10)
        (made,) = promoted(met, small())
        assert made == ExclusionException(
            LUNG, LIVER, "m-1", "A. Curator", "2026-03-04",
            "weight +0.50, stability 1.00 (m-1); 10 lesions of 10 patients have both, 27.8 by chance; "
            "20.0% of the rarer label's 50 patients",
        )  # fmt: skip

    def test_a_contradicted_pair_gets_exceptions_as_far_down_as_lesions_show(self) -> None:
        said = [{LEFT_LUNG, LIVER}] * 10 + [{LIVER}] * 20 + [{LEFT_LUNG}] * 10
        (item,) = contradiction_items(lesions_with(small(), *said))
        (made,) = promoted(item, small())
        assert isinstance(made, ExclusionException)
        assert {made.a, made.b} == {LEFT_LUNG, LIVER}
        (dropped,) = promote(item, small(), "A", WHEN, choice=Choice(drop=True)).primitives()
        assert (dropped.before, dropped.after) == (small().exclusive_pairs[0], None)

    def test_an_error_of_the_labels_is_no_reason_for_an_exception(self) -> None:
        (item,) = contradiction_items(lesions_with(small(), {LUNG, LIVER}, *[{LUNG}] * 50, *[{LIVER}] * 50))
        with pytest.raises(ChangeRefusedError, match="errors of the labels"):
            promote(item, small(), "A", WHEN)

    def test_many_lesions_of_one_patient_are_no_reason_either(self) -> None:
        lesions = lesions_with(small(), *[{LUNG, LIVER}] * 10, *[{LUNG}] * 5, *[{LIVER}] * 5)
        (item,) = contradiction_items(lesions)
        assert isinstance(promoted(item, small())[0], ExclusionException)
        (of_one,) = contradiction_items(replace(lesions, patients=np.maximum(np.arange(20), 9)))
        assert (of_one.score, of_one.examples) == (10, ("L:00000",))
        with pytest.raises(ChangeRefusedError, match="errors of the labels"):
            promote(of_one, small(), "A", WHEN)

    def test_a_pair_of_a_group_is_not_dropped(self) -> None:
        (item,) = contradiction_items(lesions_with(small(), {SOLID, CALCIFIED}))
        with pytest.raises(UsageError, match="group G:1"):
            promote(item, small(), "A", WHEN, choice=Choice(drop=True))

    def test_a_term_becomes_what_the_reviewer_says(self) -> None:
        (item,) = term_items(small(), [term("halo", rid="RID7")])
        with pytest.raises(UsageError, match="radlex adopt RID7"):
            promote(item, small(), "A", WHEN)
        (synonym,) = promoted(item, small(), synonym_of="nodule", scope=SynonymScope.RELATED)
        assert isinstance(synonym, LabelSynonym)
        assert (synonym.label, synonym.synonym.text, synonym.synonym.scope) == (NODULE, "halo", SynonymScope.RELATED)
        (label,) = promoted(item, small(), label_class=LabelClass.ATTRIBUTE, new_id="T:99")
        assert isinstance(label, Label)
        assert (label.id, label.name, label.label_class) == ("T:99", "halo", LabelClass.ATTRIBUTE)
        assert [(m.object_id, m.predicate) for m in label.mappings] == [("RID7", MatchKind.EXACT)]

    def test_a_label_without_a_radlex_id_needs_one_to_be_named(self) -> None:
        item = about(unmapped_items(lesions_with(small(), {SOLID})), SOLID)
        with pytest.raises(UsageError, match="give --rid"):
            promote(item, small(), "A", WHEN)
        (made,) = promoted(item, small(), rid="RID5", rid_name="solid", match=MatchKind.CLOSE)
        assert isinstance(made, LabelMapping)
        assert (made.label, made.mapping.object_id, made.mapping.predicate) == (SOLID, "RID5", MatchKind.CLOSE)

    def test_what_is_promoted_leaves_the_queue_on_the_released_labels(self, real: LabelledLesions) -> None:
        ontology, kept = real.ontology, 0
        names = [("adenoma", "adrenal gland"), ("mesentery", "small bowel"), ("common iliac lymph node", "mass")]
        edges = [
            LearnedEdge(ontology.by_name[a].id, ontology.by_name[b].id, -0.3 if b == "mass" else 0.3, 1.0)
            for a, b in names
        ]
        items = (*correlation_items(real, "m", edges), *contradiction_items(real)[:30])
        for item in items:
            try:
                made = promote(item, ontology, "A", WHEN)
            except ChangeRefusedError:
                continue
            kept += 1
            after = replace(real, ontology=made.apply(ontology))
            left = (*correlation_items(after, "m", edges), *contradiction_items(after))
            scores = {one.id: one.score for one in left}
            assert scores.get(item.id, 0) < item.score
        assert kept > 15

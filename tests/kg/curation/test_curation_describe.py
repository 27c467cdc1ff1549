"""Changes in words."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_changes import changes, ontologies
from made_ontology import CHEST, LEFT_LUNG, LIVER, LUNG, NODULE, small

from kg.curation import composites
from kg.curation.between import EMPTY, changes_between
from kg.curation.change_set import Change, Composite
from kg.curation.describe import describe
from kg.curation.facts import Foreign, Header
from kg.ontology import ExclusiveGroup, LabelSet, Relation, RelationKind
from kg.shipped import load_shipped

NAMES = {label.id: label.name for label in small().labels}


def test_every_change_between_the_shipped_ontologies_has_its_own_line() -> None:
    released, repaired = load_shipped("lesanet-released"), load_shipped()
    names = {label.id: label.name for label in repaired.labels}
    for before, after in ((EMPTY, repaired), (released, repaired)):
        made = changes_between(before, after)
        lines = [describe(change, names) for change in made]
        assert len(set(lines)) == len(made)
        assert all(line.isprintable() for line in lines)


@settings(deadline=None, max_examples=80, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_every_change_has_a_description_on_one_line(data: st.DataObject) -> None:
    ontology = data.draw(ontologies())
    change = data.draw(changes(ontology))
    names = {label.id: label.name for label in ontology.labels}
    for one in (change, change.inverse(), Composite("merge", ("nodule",), (change,)), Composite("a\nb", (), (change,))):
        assert describe(one, names).isprintable()
        assert describe(one, {}).isprintable()


@pytest.mark.parametrize(
    ("composite", "words"),
    [
        pytest.param(composites.merge(small(), "liver", "chest"), "merge 'liver' into 'chest' (3 changes)", id="merge"),
        pytest.param(
            composites.merge(small(), "liver", "chest").inverse(),
            "take back: merge 'liver' into 'chest' (3 changes)",
            id="taken back",
        ),
        pytest.param(
            composites.split(small(), "nodule", ["a", "it's"]),
            "split 'nodule' into 'a', 'it\\'s' (4 changes)",
            id="split",
        ),
        pytest.param(composites.deprecate(small(), "liver"), "deprecate 'liver' (1 change)", id="deprecate"),
        pytest.param(
            composites.deprecate(small(), "liver", "chest"),
            "deprecate 'liver', replaced by 'chest' (2 changes)",
            id="replace",
        ),
        pytest.param(
            composites.push_down(small(), "chest", "liver", ["left lung"]),
            "push the exclusion of 'chest' and 'liver' down, except for 'left lung' (1 change)",
            id="push down",
        ),
        pytest.param(
            Composite("adopt-term", (NODULE, LUNG), (Change(None, Foreign("x")),)),
            "adopt term 'nodule' with 'lung' (1 change)",
            id="another kind",
        ),
    ],
)
def test_composites_are_named_by_what_they_do(composite: Composite, words: str) -> None:
    assert describe(composite, NAMES) == words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(
            Change(Relation(LEFT_LUNG, RelationKind.IS_A, LUNG), Relation(LEFT_LUNG, RelationKind.IS_A, LUNG, "made")),
            "change relation: 'left lung' is a 'lung', source '' becomes 'made'",
            id="provenance",
        ),
        pytest.param(
            Change(LabelSet("few", (LUNG, CHEST)), LabelSet("few", (CHEST, LUNG))),
            "change label set: 'few', its labels in another order",
            id="order of columns",
        ),
        pytest.param(
            Change(ExclusiveGroup("G:1", (LUNG, CHEST)), ExclusiveGroup("G:1", (LUNG, LIVER))),
            "change exclusive group: 'G:1', gains 'liver'; loses 'chest'",
            id="members",
        ),
        pytest.param(
            Change(None, Foreign("<a> <b> <c> .\n" * 50)),
            "add foreign OWL statement: '" + ("<a> <b> <c> .\n" * 50)[:97].replace("\n", "\\n") + "...'",
            id="long text",
        ),
        pytest.param(
            Change(Header("made", "1"), Header("made", "1", ("A notice.",))),
            "change ontology: 'made' version '1', notices '' becomes 'A notice.'",
            id="notices",
        ),
        pytest.param(
            Change(None, Relation("T:99", RelationKind.PART_OF, LUNG)),
            "add relation: T:99 part of 'lung'",
            id="no name",
        ),
    ],
)
def test_details_are_named_where_nothing_else_differs(change: Change, words: str) -> None:
    assert describe(change, NAMES) == words

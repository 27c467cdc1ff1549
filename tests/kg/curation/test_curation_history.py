"""Applying, undoing and looking back: what a curator saved is never lost, and nothing is saved by half."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_ontology import CHEST, LEFT_LUNG, LIVER, LUNG, MASS, NODULE, SOLID, small

from kg.connect import open_store
from kg.curation.application import apply_changes, undo
from kg.curation.between import EMPTY, changes_between
from kg.curation.change_set import Change, ChangeSet, Composite, change_set_from_json
from kg.curation.facts import LabelField, LabelStatus, LabelSynonym, LabelText
from kg.curation.history import as_of, bounds, matrices_as_of, revisions
from kg.errors import (
    ChangeRefusedError,
    ConflictError,
    InputError,
    LesionKGError,
    OntologyError,
    StaleRevisionError,
    UsageError,
)
from kg.graph_matrices import matrices_from_graph
from kg.graph_ontology import adopt, load_ontology, save_ontology, verify
from kg.ontology import (
    ExclusionException,
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
)
from kg.owl import write_owl
from kg.shipped import load_shipped
from kg.store import GraphStore


def synonym(label: str, text: str) -> Change:
    return Change(None, LabelSynonym(label, Synonym(text, source="test")))


def rename(label: str, before: str, after: str) -> Change:
    return Change(LabelText(label, LabelField.NAME, before), LabelText(label, LabelField.NAME, after))


def by(author: str, *changes: Change | Composite, reason: str = "a test", **overrides: str) -> ChangeSet:
    return ChangeSet(changes, author, reason=reason, overrides={k.replace("_", "-"): v for k, v in overrides.items()})


def content(store: GraphStore) -> list[object]:
    """Everything in the graph but the count of writes."""
    return [
        store.read(
            "MATCH (n) WHERE NOT n:Schema RETURN labels(n) AS l, properties(n) AS p ORDER BY l[0], n.id, n.name"
        ),
        store.read(
            "MATCH (a)-[r]->(b) RETURN type(r) AS t, a.id AS a, coalesce(b.id, b.name) AS b, properties(r) AS p "
            "ORDER BY t, a, b, r.source"
        ),
    ]


def test_shipped_ontologies_turn_into_each_other_and_back() -> None:
    released, repaired = load_shipped("lesanet-released"), load_shipped()
    for before, after in ((EMPTY, released), (released, repaired), (repaired, released)):
        change_set = ChangeSet(changes_between(before, after))
        made = change_set.apply(before)
        assert (made, made.notices, made.content_hash) == (after, after.notices, after.content_hash)
        assert ChangeSet(change_set.inverse()).apply(made) == before
        assert change_set_from_json(change_set.to_json()) == change_set
    assert changes_between(repaired, repaired) == ()


def test_an_applied_change_is_a_revision_with_everything_about_it(any_store: GraphStore) -> None:
    save_ontology(any_store, small(), author="importer", reason="the start")
    applied = apply_changes(any_store, by("curator", rename(LUNG, "lung", "lungs"), reason="both of them"), base=1)
    assert applied.sequence == 2 and not applied.already
    assert load_ontology(any_store).label(LUNG).name == "lungs"
    newest, first = revisions(any_store)
    assert (newest.kind, newest.author, newest.reason, newest.labels) == ("change", "curator", "both of them", (LUNG,))
    assert (first.kind, first.author, first.reason) == ("import", "importer", "the start")
    assert newest.change_set is not None and newest.change_set.changes == (rename(LUNG, "lung", "lungs"),)
    assert newest.ontology_hash == load_ontology(any_store).content_hash
    assert newest.matrix_hashes == first.matrix_hashes  # a name is no relation
    verify(any_store)


def test_history_is_searchable_by_label_author_and_date(any_store: GraphStore) -> None:
    save_ontology(any_store, small(), author="importer")
    apply_changes(any_store, by("ann", synonym(LUNG, "pulmo")), created="2020-01-02T10:00:00+00:00")
    apply_changes(any_store, by("bob", synonym(LIVER, "hepar")), created="2020-01-03T10:00:00+00:00")
    apply_changes(any_store, by("ann", synonym(LIVER, "jecur")), created="2020-01-04T10:00:00+00:00")

    def found(**search: str) -> list[int]:
        return [entry.sequence for entry in revisions(any_store, **search)]  # type: ignore[arg-type]

    assert found(author="ann") == [4, 2]
    assert found(label=LIVER) == [4, 3, 1]
    assert found(label=LIVER, author="ann") == [4]
    assert found(since="2020-01-03", until="2020-01-04") == [4, 3]
    assert found(until="2020-01-02") == [2]
    assert [entry.sequence for entry in revisions(any_store, limit=2)] == [4, 3]


@pytest.mark.parametrize("created", ["2020-01-03T12:00:00+00:00", "2020-01-03T12:00:00.123+00:00"])
def test_times_of_any_zone_mean_their_moment(created: str) -> None:
    def inside(since: str = "", until: str = "") -> bool:
        first, last = bounds(since, until)
        return (not first or created >= first) and (not last or created <= last)

    assert inside() and inside("2020-01-03", "2020-01-03") and inside("20200103") and inside("2020-W01-5")
    assert inside(since="2020-01-03T14:00+02:00") and not inside(since="2020-01-03T14:01+02:00")
    assert inside(since="2020-01-03T12:00:00Z") and inside(since="2020-01-03T12:00")
    assert inside(until="2020-01-03T12:00") and inside(until="2020-01-03T05:00-07:00")
    assert not inside(until="2020-01-03T11:59:59") and not inside(until="2020-01-02")


@pytest.mark.parametrize("text", ["yesterday", "2020-13-01", "9999-12-31T23:59-12:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    for pair in ((text, ""), ("", text)):
        with pytest.raises(UsageError, match="no day or time"):
            bounds(*pair)


def test_any_revision_comes_back_byte_for_byte(any_store: GraphStore, tmp_path: Path) -> None:
    repaired = load_shipped()
    save_ontology(any_store, repaired)

    def files(name: str, ontology: Ontology, sequence: int) -> list[bytes]:
        for suffix in ("ttl", "owl"):
            write_owl(ontology, tmp_path / f"{name}.{suffix}")
        matrices_as_of(any_store, sequence, "lesanet-171").save(tmp_path / f"{name}.safetensors")
        return [(tmp_path / f"{name}.{suffix}").read_bytes() for suffix in ("ttl", "owl", "safetensors")]

    then = []
    relation = repaired.relations[0]
    for sequence, changes in enumerate(((), (Change(relation, None),), (synonym(repaired.labels[0].id, "x"),)), 1):
        if changes:
            apply_changes(any_store, by("curator", *changes))
        now = load_ontology(any_store)
        matrices_from_graph(any_store, "lesanet-171").save(tmp_path / "now.safetensors")
        then.append(files(f"then{sequence}", now, sequence))
        assert then[-1][2] == (tmp_path / "now.safetensors").read_bytes()
    for sequence in (1, 2, 3):
        assert files(f"back{sequence}", as_of(any_store, sequence), sequence) == then[sequence - 1]


def test_a_stale_edit_of_the_same_fact_is_named_and_nothing_is_saved(any_store: GraphStore) -> None:
    save_ontology(any_store, small())
    apply_changes(any_store, by("ann", rename(LUNG, "lung", "lungs")), base=1)
    before = content(any_store)
    with pytest.raises(ConflictError, match=r"revision 2 by ann changed the same.*lungs.*nothing was saved"):
        apply_changes(any_store, by("bob", rename(LUNG, "lung", "pulmo")), base=1)
    assert content(any_store) == before


def test_a_stale_edit_of_other_facts_goes_through(any_store: GraphStore) -> None:
    save_ontology(any_store, small())
    apply_changes(any_store, by("ann", rename(LUNG, "lung", "lungs")), base=1)
    assert apply_changes(any_store, by("bob", synonym(LUNG, "pulmo")), base=1).sequence == 3
    lung = load_ontology(any_store).label(LUNG)
    assert lung.name == "lungs" and Synonym("pulmo", source="test") in lung.synonyms


@pytest.mark.parametrize("base", [-1, 7])
def test_a_base_that_is_no_revision_is_refused(any_store: GraphStore, base: int) -> None:
    save_ontology(any_store, small())
    with pytest.raises(UsageError, match=f"revision {base}: there is none"):
        apply_changes(any_store, by("ann", synonym(LUNG, "pulmo")), base=base)


REFUSED = [
    pytest.param(
        Change(None, Relation(CHEST, RelationKind.PART_OF, LEFT_LUNG)), ChangeRefusedError, "ancestors", id="cycle"
    ),
    pytest.param(Change(None, ExclusivePair(LEFT_LUNG, LUNG)), ChangeRefusedError, "own ancestor", id="own ancestor"),
    pytest.param(rename(LUNG, "lung", "liver"), ChangeRefusedError, "called 'liver'", id="name twice"),
    pytest.param(rename(LUNG, "heart", "liver"), ConflictError, "not what the change was made on", id="other name"),
    pytest.param(Change(None, ExclusivePair(LUNG, "T:99")), ConflictError, "no label T:99", id="dangling"),
    pytest.param(Change(ExclusivePair(SOLID, LUNG), None), ConflictError, "not there any more", id="not there"),
    pytest.param(
        Change(None, ExclusionException(LUNG, MASS)), ChangeRefusedError, "warning needless-exception", id="warning"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "error", "message"), REFUSED)
def test_what_breaks_a_rule_is_refused_and_nothing_is_saved(
    any_store: GraphStore, change: Change, error: type[LesionKGError], message: str
) -> None:
    save_ontology(any_store, small())
    before = content(any_store)
    with pytest.raises(error, match=message):
        apply_changes(any_store, by("ann", synonym(LIVER, "hepar"), change))
    assert content(any_store) == before


def test_what_changes_nothing_is_refused(any_store: GraphStore) -> None:
    with pytest.raises(InputError, match="changes nothing"):
        rename(LUNG, "lung", "lung")
    save_ontology(any_store, small())
    with pytest.raises(ChangeRefusedError, match="changes nothing"):
        apply_changes(any_store, by("ann", rename(LUNG, "lung", "lungs"), rename(LUNG, "lungs", "lung")))
    assert [entry.sequence for entry in revisions(any_store)] == [1]


def test_a_warning_needs_a_reason_which_is_kept(any_store: GraphStore) -> None:
    save_ontology(any_store, small())
    change = Change(None, ExclusionException(LUNG, MASS))
    applied = apply_changes(any_store, by("ann", change, needless_exception="a pair comes next"))
    assert [finding.rule for finding in applied.assessment.warnings] == ["needless-exception"]  # type: ignore[union-attr]
    assert revisions(any_store)[0].overrides == {"needless-exception": "a pair comes next"}


def test_an_exception_takes_its_pair_and_what_lies_above_out(any_store: GraphStore) -> None:
    save_ontology(any_store, small())  # chest and liver are exclusive, lung and left lung inherit it
    apply_changes(any_store, by("ann", Change(None, ExclusionException(LUNG, LIVER))))
    excludes = any_store.read(
        "MATCH (a:Label)-[:EXCLUDES]->(b:Label {id: $id}) RETURN a.id AS a ORDER BY a", {"id": LIVER}
    )
    assert [row["a"] for row in excludes] == [LEFT_LUNG]
    verify(any_store)


def test_the_same_proposal_is_never_applied_twice(any_store: GraphStore) -> None:
    save_ontology(any_store, small())
    first = apply_changes(any_store, by("ann", synonym(LUNG, "pulmo")), proposal="p1")
    again = apply_changes(any_store, by("ann", synonym(LUNG, "pulmo")), proposal="p1")
    assert (first.sequence, again.sequence, again.already) == (2, 2, True)


def test_undo_takes_back_a_change_that_nothing_later_depends_on(any_store: GraphStore) -> None:
    save_ontology(any_store, small())
    start = load_ontology(any_store)
    apply_changes(any_store, by("ann", rename(LUNG, "lung", "lungs")))
    apply_changes(any_store, by("bob", synonym(LIVER, "hepar")))
    assert undo(any_store, 2, "cyd", "one word is enough").sequence == 4
    assert load_ontology(any_store).label(LUNG).name == "lung"
    assert undo(any_store, 3, "cyd", "no Latin").sequence == 5
    assert load_ontology(any_store) == start
    entries = {entry.sequence: entry for entry in revisions(any_store)}
    assert (entries[4].kind, entries[4].undoes, entries[2].undone_by) == ("undo", 2, 4)
    assert undo(any_store, 4, "ann", "it was right").sequence == 6  # an undo can be undone
    assert load_ontology(any_store).label(LUNG).name == "lungs"


def test_undo_says_why_it_cannot(any_store: GraphStore) -> None:
    save_ontology(any_store, small())
    apply_changes(any_store, by("ann", rename(LUNG, "lung", "lungs")))
    apply_changes(any_store, by("bob", rename(LUNG, "lungs", "pulmo")))
    new = Label("T:20", "hilum", LabelClass.BODYPART)
    apply_changes(any_store, by("ann", Change(None, new)))
    apply_changes(any_store, by("bob", Change(None, Relation("T:20", RelationKind.PART_OF, LUNG))))
    before = content(any_store)
    for sequence, error, message in (
        (1, UsageError, "loaded a whole ontology"),
        (2, ConflictError, "revision 3 by bob changed the same"),
        (4, LesionKGError, "T:20"),
        (9, UsageError, "there is none"),
    ):
        with pytest.raises(error, match=message):
            undo(any_store, sequence, "cyd", "test")
    assert content(any_store) == before


def test_a_label_that_lesions_use_is_not_removed_by_undo(any_store: GraphStore) -> None:
    save_ontology(any_store, small())
    apply_changes(any_store, by("ann", Change(None, Label("T:20", "hilum", LabelClass.BODYPART))))
    any_store.write_transaction(
        lambda tx: tx.run("MATCH (k:Label {id: 'T:20'}) CREATE (:Lesion {id: 'DL:1'})-[:HAS_LABEL {source: 'x'}]->(k)")
    )
    with pytest.raises(OntologyError, match="lesions, sentences or models use it"):
        undo(any_store, 2, "ann", "a mistake")


def test_imports_and_adopted_edits_are_part_of_history(any_store: GraphStore) -> None:
    save_ontology(any_store, small(), author="ann")
    save_ontology(any_store, load_shipped(), author="bob", reason="the real one")
    any_store.write_transaction(lambda tx: tx.run("MATCH (k:Label {name: 'lung'}) SET k.definition = 'breathes'"))
    with pytest.raises(StaleRevisionError):
        apply_changes(any_store, by("ann", synonym("LKG:0000001", "x")))
    assert adopt(any_store, author="cyd") == 3
    assert [(e.sequence, e.kind) for e in revisions(any_store)] == [(3, "adopt"), (2, "import"), (1, "import")]
    newest = revisions(any_store)[0].change_set
    assert newest is not None and [c.as_dict()["change"] for c in newest.changes] == ["label-text"]
    assert (as_of(any_store, 1), as_of(any_store, 2)) == (small(), load_shipped())
    assert as_of(any_store, 3) == load_ontology(any_store)
    assert undo(any_store, 3, "ann", "not ours").sequence == 4
    assert load_ontology(any_store) == load_shipped()


def test_a_damaged_history_is_noticed(any_store: GraphStore) -> None:
    save_ontology(any_store, small())
    apply_changes(any_store, by("ann", synonym(LUNG, "pulmo")))
    any_store.write_transaction(
        lambda tx: tx.run("MATCH (r:Revision {sequence: 2}) SET r.changes = replace(r.changes, 'pulmo', 'polmo')")
    )
    with pytest.raises(StaleRevisionError, match="history was damaged"):
        as_of(any_store, 2)
    assert as_of(any_store, 1) == small()


NEW = [Label(f"N:{k}", f"new {k}", LabelClass.TYPE) for k in range(3)]
FACTS = [
    *NEW,
    *(LabelSynonym(label, Synonym(text)) for label in (LUNG, LIVER, "N:0") for text in ("aa", "bb")),
    *(Relation(child, RelationKind.IS_A, parent) for child in ("N:0", "N:1") for parent in ("N:1", "N:2", NODULE)),
    *(ExclusivePair(a, b) for a, b in ((LUNG, "N:0"), ("N:1", "N:2"), (NODULE, "N:2"))),
    *(SoftRelation("N:0", kind, LUNG) for kind in SoftKind),
    LabelSet("new", ("N:0", LUNG)),
]


VERBS = ("add", "remove", "rename", "status", "undo", "restart")


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(VERBS), st.integers(0, 99)), min_size=5, max_size=25))
def test_random_changes_undos_and_restarts_agree_with_a_simple_model(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("history") / "graph"
    store = open_store(folder)
    try:
        save_ontology(store, small())
        states = [small()]  # the model: a list of ontologies
        for verb, number in steps:
            now = states[-1]
            if verb == "restart":
                store.close()
                store = open_store(folder)
                continue
            wanted: Ontology | None = None
            try:
                if verb == "undo":
                    target = 1 + number % len(states)
                    undo(store, target, "x", "test")
                else:
                    change = _change(verb, number, now)
                    wanted = ChangeSet((change,)).apply(now)
                    apply_changes(store, by("x", change))
            except LesionKGError:
                assert load_ontology(store) == now
                continue
            after = load_ontology(store)
            if wanted is None:  # an undo: taking the difference of that revision back, at its own places
                back = ChangeSet(ChangeSet(changes_between(states[target - 2], states[target - 1])).inverse())
                wanted = back.apply(now)
            assert after == wanted
            states.append(after)
        assert [as_of(store, k + 1) for k in range(len(states))] == states
        verify(store)
    finally:
        store.close()


def _change(verb: str, number: int, now: Ontology) -> Change:
    fact = FACTS[number % len(FACTS)]
    label = now.labels[number % len(now.labels)]
    if verb == "add":
        return Change(None, fact)
    if verb == "remove":
        return Change(fact, None)
    if verb == "rename":
        return rename(label.id, label.name, f"{label.name[:20]} {number}")
    before = LabelStatus(label.id, label.deprecated, label.replaced_by)
    other = now.labels[(number + 1) % len(now.labels)].id
    return Change(
        before, replace(before, deprecated=not label.deprecated, replaced_by="" if label.deprecated else other)
    )

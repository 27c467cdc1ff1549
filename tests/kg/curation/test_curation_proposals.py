"""Proposals: apart from the truth until somebody accepted and applied them, with everything that happened to them."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from made_ontology import LIVER, LUNG, MASS, NODULE, small
from proposed import accepted, by, rename, synonym
from sqlalchemy import text

from kg.curation.application import apply_changes
from kg.curation.change_set import Change, ChangeSet
from kg.curation.history import revisions
from kg.curation.policy import read_policy, set_policy
from kg.curation.proposal import EventKind, Proposal, Status
from kg.curation.proposal_application import apply
from kg.curation.proposal_tables import CURATION_VERSION, open_curation, open_curation_at
from kg.curation.proposals import find, proposals, propose, review, revise, submit, withdraw
from kg.errors import ChangeRefusedError, ConflictError, LesionKGError, SchemaVersionError, StoreError, UsageError
from kg.graph_ontology import head, load_ontology, save_ontology, verify
from kg.ontology import ExclusionException, ExclusivePair, Relation, RelationKind
from kg.relational import DATABASE, Database, database_address
from kg.shipped import load_shipped
from kg.store import GraphStore


@pytest.fixture
def store(embedded_store: GraphStore) -> GraphStore:
    """A graph that holds the made ontology as revision 1."""
    save_ontology(embedded_store, small(), author="importer")
    return embedded_store


def told(proposal: Proposal) -> list[tuple[str, str, str, str]]:
    return [(one.kind.value, one.actor, one.comment, one.status.value) for one in proposal.events]


def test_a_proposal_changes_nothing_until_it_is_applied(database: Database, store: GraphStore) -> None:
    made = propose(database, store, by("ann", rename(LUNG, "lung", "lungs"), reason="both of them"))
    assert (made.status, made.number, made.base, made.revision) == (Status.PROPOSED, 1, 1, 0)
    review(database, "1", True, "bob", "right")
    assert (head(store).sequence, load_ontology(store)) == (1, small())

    applied = apply(database, store, "1", "carol")
    assert not applied.already
    assert load_ontology(store).label(LUNG).name == "lungs"
    assert told(applied.proposal) == [
        ("created", "ann", "both of them", "proposed"),
        ("accepted", "bob", "right", "accepted"),
        ("began", "carol", "", "accepted"),
        ("applied", "carol", "", "applied"),
    ]
    entry = revisions(store)[0]
    assert (entry.sequence, entry.author, entry.proposal, entry.reason) == (2, "ann", made.id, "both of them")
    assert entry.change_set is not None
    assert entry.change_set.review == f"bob, {applied.proposal.events[1].created[:10]}: right"
    verify(store)


def test_a_real_change_of_the_shipped_ontology_goes_all_the_way(database: Database, embedded_store: GraphStore) -> None:
    """Hemangioma under blood vessel makes vertebral hemangioma impossible; its relation goes."""
    repaired = load_shipped()
    save_ontology(embedded_store, repaired)
    wrong = next(
        r
        for r in repaired.relations
        if (r.child, r.parent) == (repaired.by_name["hemangioma"].id, repaired.by_name["blood vessel"].id)
    )
    proposal = accepted(database, embedded_store, by("ann", Change(wrong, None), source="RadLex"))
    assert apply(database, embedded_store, str(proposal.number), "ann").proposal.revision == 2
    assert wrong not in load_ontology(embedded_store).relations


def test_a_proposal_is_applied_once_however_often_it_is_asked_for(database: Database, store: GraphStore) -> None:
    proposal = accepted(database, store, by("ann", synonym(LUNG, "pulmo")))
    first = apply(database, store, proposal.id, "bob")
    again = apply(database, store, proposal.id, "carol")
    assert (first.already, again.already, again.proposal) == (False, True, first.proposal)
    assert [entry.proposal for entry in revisions(store)] == [proposal.id, ""]


MOVES = ("submit", "accept", "reject", "revise", "withdraw", "apply")
ALLOWED = {
    "draft": {"submit": "proposed", "revise": "draft", "withdraw": "withdrawn"},
    "proposed": {"accept": "accepted", "reject": "rejected", "revise": "proposed", "withdraw": "withdrawn"},
    "accepted": {"reject": "rejected", "revise": "proposed", "withdraw": "withdrawn", "apply": "applied"},
    "rejected": {},
    "withdrawn": {},
    "applied": {"apply": "applied"},
}
PATHS = {
    "draft": [],
    "proposed": ["submit"],
    "accepted": ["submit", "accept"],
    "rejected": ["submit", "reject"],
    "withdrawn": ["withdraw"],
    "applied": ["submit", "accept", "apply"],
}


@pytest.mark.parametrize("status", ALLOWED)
def test_what_may_follow_each_status_and_nothing_else(database: Database, store: GraphStore, status: str) -> None:
    for number, move in enumerate(MOVES):
        made = propose(database, store, by("ann", synonym(LIVER, f"hepar {move}")), draft=True)
        one = str(made.number)
        assert made.number == number + 1

        def go(step: str, one: str = one) -> object:
            table: dict[str, Callable[[], object]] = {
                "submit": lambda: submit(database, store, one, "ann"),
                "accept": lambda: review(database, one, True, "bob"),
                "reject": lambda: review(database, one, False, "bob", "wrong"),
                "revise": lambda: revise(database, store, one, by("ann", synonym(LIVER, f"jecur {one}"))),
                "withdraw": lambda: withdraw(database, one, "ann", "no"),
                "apply": lambda: apply(database, store, one, "bob"),
            }
            return table[step]()

        for step in PATHS[status]:
            go(step)
        before = find(database, one)
        assert before.status == status
        if move in ALLOWED[status]:
            go(move)
            assert find(database, one).status == ALLOWED[status][move]
        else:
            with pytest.raises(ConflictError, match=f"proposal {one}: is {status} "):
                go(move)
            assert find(database, one) == before


def test_a_proposal_that_breaks_a_rule_is_refused_and_a_draft_is_kept(database: Database, store: GraphStore) -> None:
    cycle = by("ann", Change(None, Relation(LUNG, RelationKind.IS_A, NODULE)), reason="a cycle in the end")
    broken = replace(cycle, changes=(*cycle.changes, Change(None, Relation(NODULE, RelationKind.IS_A, LUNG))))
    with pytest.raises(ChangeRefusedError, match="nothing was saved"):
        propose(database, store, broken)
    assert proposals(database) == []
    draft = propose(database, store, broken, draft=True)
    with pytest.raises(ChangeRefusedError):
        submit(database, store, draft.id, "ann")
    assert find(database, draft.id) == draft
    mended = revise(database, store, draft.id, by("ann", synonym(LUNG, "pulmo")), comment="without the cycle")
    assert submit(database, store, mended.id, "ann").status is Status.PROPOSED
    assert [event.change_set for event in find(database, draft.id).events] == [
        draft.change_set, mended.change_set, None,
    ]  # fmt: skip


def test_a_warning_needs_a_reason_which_is_kept(database: Database, store: GraphStore) -> None:
    ambiguous = by("ann", Change(None, ExclusionException(LUNG, NODULE)))
    with pytest.raises(ChangeRefusedError, match="warning") as refused:
        propose(database, store, ambiguous)
    rule = str(refused.value).split("warning ")[1].split(":")[0]
    answered = replace(ambiguous, overrides={rule: "they will be exclusive soon"})
    apply(database, store, accepted(database, store, answered).id, "ann")
    assert revisions(store)[0].overrides == {rule: "they will be exclusive soon"}


@pytest.mark.parametrize(
    ("change_set", "error"),
    [
        pytest.param(by("", synonym(LUNG, "x")), "has no author", id="nobody"),
        pytest.param(by("ann", synonym(LUNG, "x"), reason=" "), "has no reason", id="no reason"),
        pytest.param(by("ann"), "changes nothing", id="nothing"),
        pytest.param(by("a\0n", synonym(LUNG, "x")), r"U\+0000", id="NUL"),
        pytest.param(by("ann", synonym(LUNG, "x\udc80")), r"U\+DC80", id="half a character"),
        pytest.param(by("ann", rename(LUNG, "lungs", "x")), "not what the change was made on", id="stale"),
    ],
)
def test_what_is_no_proposal(database: Database, store: GraphStore, change_set: ChangeSet, error: str) -> None:
    with pytest.raises(LesionKGError, match=error):
        propose(database, store, change_set)
    assert proposals(database) == []


@pytest.mark.parametrize("name", ["0", "2", "x", "1-00000000", "", "99999999999999", "1'--"])
def test_a_proposal_that_is_not_there(database: Database, store: GraphStore, name: str) -> None:
    propose(database, store, by("ann", synonym(LUNG, "pulmo")))
    with pytest.raises(UsageError, match=r"`lesionkg ontology proposals` lists them"):
        find(database, name)


def test_where_the_policy_says_so_nobody_accepts_what_they_wrote(database: Database, store: GraphStore) -> None:
    assert not read_policy(database)
    own = propose(database, store, by("Ann Lee", synonym(LUNG, "pulmo")))
    review(database, own.id, True, "Ann Lee")
    set_policy(database, True)
    assert read_policy(database)
    with pytest.raises(UsageError, match="another one reviews"):
        apply(database, store, own.id, "bob")  # accepted before the policy held
    other = propose(database, store, by("Ann Lee", synonym(LIVER, "hepar")))
    for name in ("Ann Lee", "ann  lee", " ANN LEE "):
        with pytest.raises(UsageError, match=f"proposal {other.number}: {name.strip()} wrote it"):
            review(database, other.id, True, name)
    revise(database, store, other.id, by("bob", synonym(LIVER, "jecur")))
    for name in ("bob", "Ann Lee"):  # both wrote a version of it
        with pytest.raises(UsageError, match="another one reviews"):
            review(database, other.id, True, name)
    review(database, other.id, True, "carol")
    assert apply(database, store, other.id, "Ann Lee").proposal.status is Status.APPLIED
    assert revisions(store)[0].author == "bob"
    set_policy(database, False)
    assert apply(database, store, own.id, "bob").proposal.status is Status.APPLIED


def test_two_curators_a_stale_edit_the_conflict_is_named_and_nothing_is_saved(
    database: Database, store: GraphStore
) -> None:
    first = accepted(database, store, by("ann", rename(LUNG, "lung", "lungs")))
    second = accepted(database, store, by("bob", rename(LUNG, "lung", "pulmo")), "ann")
    apply(database, store, first.id, "ann")
    with pytest.raises(ConflictError, match="revision 2 by ann changed the same") as named:
        apply(database, store, second.id, "bob")
    kept = find(database, second.id)
    assert (kept.status, kept.worker, head(store).sequence) == (Status.ACCEPTED, "", 2)
    assert told(kept)[-1] == ("refused", "bob", str(named.value), "accepted")
    revise(database, store, second.id, by("bob", rename(LUNG, "lungs", "pulmo")))
    review(database, second.id, True, "ann")
    assert apply(database, store, second.id, "bob").proposal.revision == 3


def test_a_review_of_what_was_revised_meanwhile_is_a_conflict(database: Database, store: GraphStore) -> None:
    seen = propose(database, store, by("ann", synonym(LUNG, "pulmo")))
    revise(database, store, seen.id, by("ann", synonym(LUNG, "pulmones")), seen=1)
    with pytest.raises(ConflictError, match="was revised by ann meanwhile"):
        review(database, seen.id, True, "bob", seen=len(seen.events))
    with pytest.raises(ConflictError, match="was revised by ann meanwhile"):
        revise(database, store, seen.id, by("bob", synonym(LUNG, "x")), seen=1)
    assert review(database, seen.id, True, "bob", seen=2).status is Status.ACCEPTED


def test_a_revised_proposal_waits_for_a_review_again(database: Database, store: GraphStore) -> None:
    proposal = accepted(database, store, by("ann", synonym(LUNG, "pulmo")))
    assert proposal.review is not None and proposal.review.actor == "bob"
    again = revise(database, store, proposal.id, by("ann", synonym(LUNG, "pulmones")))
    assert (again.status, again.review) == (Status.PROPOSED, None)


def test_while_it_is_applied_nobody_else_touches_it(
    database: Database, store: GraphStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    proposal = accepted(database, store, by("ann", synonym(LUNG, "pulmo")))
    refused: list[str] = []

    def meanwhile(*arguments: object) -> object:
        for attempt in (
            lambda: withdraw(database, proposal.id, "ann"),
            lambda: review(database, proposal.id, False, "bob", "no"),
            lambda: apply(database, store, proposal.id, "carol"),
        ):
            with pytest.raises(ConflictError, match="dan is applying it"):
                attempt()
            refused.append("yes")
        return apply_changes(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("kg.curation.proposal_application.apply_changes", meanwhile)
    assert apply(database, store, proposal.id, "dan").proposal.status is Status.APPLIED
    assert len(refused) == 3


def test_a_proposal_for_another_graph_is_not_applied(
    database: Database, store: GraphStore, empty_graph_folder: Path, tmp_path: Path
) -> None:
    import graphs

    proposal = accepted(database, store, by("ann", synonym(LUNG, "pulmo")))
    with graphs.fresh(empty_graph_folder, tmp_path / "other") as other:
        save_ontology(other, small(), author="somebody else")
        with pytest.raises(ConflictError, match="made for another graph"):
            apply(database, other, proposal.id, "ann")
        assert head(other).sequence == 1
    assert find(database, proposal.id).status is Status.ACCEPTED


def test_proposals_are_found_by_status_author_and_label(database: Database, store: GraphStore) -> None:
    propose(database, store, by("ann", synonym(LUNG, "pulmo")))
    accepted(database, store, by("bob", synonym(LIVER, "hepar")), "ann")
    propose(database, store, by("ann", Change(None, ExclusivePair(LIVER, NODULE))))
    withdraw(database, "1", "ann")

    def found(**search: object) -> list[int]:
        return [one.number for one in proposals(database, **search)]  # type: ignore[arg-type]

    assert found() == [3, 2, 1]
    assert found(author="ann") == [3, 1]
    assert found(label=LIVER) == [3, 2]
    assert found(statuses=[Status.PROPOSED, Status.WITHDRAWN]) == [3, 1]
    assert found(label=MASS) == found(graph="another") == []
    assert [one.as_dict()["status"] for one in proposals(database, author="bob")] == ["accepted"]


def test_a_proposal_with_any_text_comes_back_as_it_was(database: Database, store: GraphStore) -> None:
    made = by("Zoë 'x' \\", synonym(LUNG, '肺 "🫁"; DROP TABLE proposals'), reason="100 % {sure}\nor :not")
    kept = propose(database, store, made)
    assert replace(kept.change_set, created="") == made
    assert find(database, kept.id) == kept


def test_the_newest_of_two_stores_with_the_same_number_is_told_apart(database: Database, store: GraphStore) -> None:
    one, two = (propose(database, store, by("ann", synonym(LUNG, name))) for name in ("a", "b"))
    assert one.id != two.id and {one.number, two.number} == {1, 2}
    assert find(database, one.id).number == 1


def test_a_store_of_a_newer_program_is_not_touched(database: Database, curation_address: str) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE curation_settings SET value = '999' WHERE name = 'version'"))
    with pytest.raises(SchemaVersionError, match=f"version 999, newer than {CURATION_VERSION}"):
        open_curation_at(curation_address)


def test_the_store_is_a_private_file_in_wal_mode_unless_an_address_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DATABASE, raising=False)
    assert database_address(tmp_path) == str(tmp_path / "curation.sqlite")
    with open_curation(tmp_path / "home") as database:
        assert stat.S_IMODE(Path(database.where).stat().st_mode) == 0o600
        with database.read() as connection:
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    monkeypatch.setenv(DATABASE, str(tmp_path / "elsewhere.sqlite"))
    with open_curation(tmp_path / "home") as database:
        assert database.where == str(tmp_path / "elsewhere.sqlite")


def test_an_error_of_the_store_is_one_line_without_values(tmp_path: Path) -> None:
    (tmp_path / "curation.sqlite").write_bytes(b"no database at all, but long enough to be looked at" * 50)
    with pytest.raises(StoreError, match=r"^curation store .*curation\.sqlite: is damaged, or no database"):
        open_curation(tmp_path)
    with pytest.raises(UsageError, match="curation store address with scheme 'mysql'"):
        open_curation_at("mysql://user:secret@host/name")
    with pytest.raises(StoreError) as error:
        open_curation_at("postgresql+psycopg://user:secret@127.0.0.1:1/name")
    assert "secret" not in str(error.value) and "\n" not in str(error.value)


def test_events_cannot_be_written_twice(database: Database, store: GraphStore) -> None:
    propose(database, store, by("ann", synonym(LUNG, "pulmo")))
    with pytest.raises(StoreError, match="refused"), database.write() as connection:
        connection.execute(text("INSERT INTO proposal_events SELECT * FROM proposal_events"))
    assert [event.kind for event in find(database, "1").events] == [EventKind.CREATED]

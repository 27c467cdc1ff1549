"""The review board: what a reviewer sees, decides, and takes back; on a made graph behind each adapter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from made_ontology import CHEST, LEFT_LUNG, LIVER, LUNG, NODULE, SOLID, small

from kg.curation.decisions import Action, Standing
from kg.curation.proposal import Status
from kg.curation.proposal_application import apply
from kg.curation.proposal_tables import open_curation_at
from kg.curation.proposals import find, review
from kg.curation.queues import QueueKind, Term, Topic, item_id
from kg.curation.queues_promotion import Choice
from kg.curation.queues_terms import keep_terms
from kg.errors import ConflictError, UsageError
from kg.graph_ontology import save_ontology
from kg.ontology import ExclusionException, LabelClass, SoftKind, SoftRelation
from kg.relational import Database
from kg.store import GraphStore, Transaction
from queries.kept import Kept
from queries.pair_evidence import ALL
from queries.promotion_options import DROP, RULE, options, rule_in_numbers
from queries.review_actions import defer_item, promote_item, reject_item, stamp, take_back
from queries.review_board import Board, evidence_of_pair, read_board

PAIR = item_id(Topic.TOGETHER, NODULE, SOLID)
CONTRADICTED = item_id(Topic.CONTRADICTED, CHEST, LIVER)


@pytest.fixture
def store(any_store: GraphStore) -> GraphStore:
    """The made ontology; twelve lesions of the left lung, six of them of the liver too; a model's correlations."""
    save_ontology(any_store, small())

    def work(tx: Transaction) -> None:
        rows = [{"id": f"L:{i:02d}", "split": "train" if i < 8 else "test", "liver": i < 6} for i in range(12)]
        tx.run_many("UNWIND $rows AS row CREATE (l:Lesion {id: row.id, split: row.split})", rows)
        for label, chosen in ((LEFT_LUNG, rows), (LIVER, rows[:6])):
            tx.run_many(
                "UNWIND $rows AS row MATCH (l:Lesion {id: row.id}) MATCH (k:Label {id: $label}) "
                "CREATE (l)-[:HAS_LABEL {source: 'made', verified: false}]->(k)",
                chosen,
                {"label": label},
            )
        tx.run("CREATE (m:Model {id: 'm', created: '2026-01-01'})")
        tx.run_many(
            "UNWIND $rows AS row MATCH (a:Label {id: row.a}) MATCH (b:Label {id: row.b}) "
            "CREATE (a)-[:CORRELATES_WITH {model: 'm', weight: row.weight, stability: 1.0, reading: 'co-occurs', "
            "together: 0, lift: 1.0, review: 'open'}]->(b)",
            [{"a": NODULE, "b": SOLID, "weight": 0.5}, {"a": LIVER, "b": LUNG, "weight": 0.4}],
        )

    any_store.write_transaction(work)
    return any_store


@pytest.fixture
def kept(store: GraphStore) -> Kept:
    return Kept(store)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_curation_at(tmp_path / "curation.sqlite") as opened:
        yield opened


def seen(board: Board, item: str) -> Standing:
    found = board.find(item)
    assert found is not None
    return found


def test_a_reviewer_promotes_defers_rejects_and_takes_back(kept: Kept, database: Database) -> None:
    board = read_board(kept, database)
    assert [one.item.id for one in board.waiting(QueueKind.CORRELATIONS)] == [PAIR]
    assert board.last("A") is None
    made = promote_item(
        database, kept.store, board, seen(board, PAIR), "A", "seen often", Choice(kind=SoftKind.TYPICALLY_HAS)
    )
    proposal = find(database, made.proposal)
    (change,) = proposal.change_set.changes
    assert isinstance(change.after, SoftRelation)  # type: ignore[union-attr]
    assert (change.after.subject, change.after.kind, change.after.object) == (NODULE, SoftKind.TYPICALLY_HAS, SOLID)  # type: ignore[union-attr]
    assert (proposal.author, proposal.change_set.reason, proposal.status) == ("A", "seen often", Status.PROPOSED)

    board = read_board(kept, database)
    assert board.waiting(QueueKind.CORRELATIONS) == ()
    assert [one.action for one in board.decided(QueueKind.CORRELATIONS)] == [Action.PROMOTED]
    last = board.last("A")
    assert last == made
    assert stamp(kept, database, board) == 1
    take_back(database, made, "A")
    assert find(database, made.proposal).status is Status.WITHDRAWN

    board = read_board(kept, database)
    assert [one.item.id for one in board.waiting(QueueKind.CORRELATIONS)] == [PAIR]
    assert board.last("A") is None
    with pytest.raises(UsageError, match="nothing to take back"):
        take_back(database, seen(board, PAIR).decision, "A")  # type: ignore[arg-type]
    tomorrow = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()
    deferred = defer_item(database, seen(board, PAIR), "A", "later", tomorrow)
    board = read_board(kept, database)
    assert not seen(board, PAIR).open
    assert seen(read_board(kept, database, today=tomorrow), PAIR).open
    take_back(database, deferred, "B")
    rejected = reject_item(database, seen(read_board(kept, database), PAIR), "B", "chance")
    board = read_board(kept, database)
    assert (board.waiting(QueueKind.CORRELATIONS), board.last("B")) == ((), rejected)
    with pytest.raises(UsageError, match="rejected for good by B"):
        promote_item(database, kept.store, board, seen(board, PAIR), "A", "but", Choice(kind=SoftKind.TYPICALLY_HAS))


def test_of_two_reviewers_the_second_is_told_and_proposes_nothing(kept: Kept, database: Database) -> None:
    board = read_board(kept, database)
    mine = seen(board, PAIR)
    reject_item(database, mine, "A", "chance")
    choice = Choice(kind=SoftKind.TYPICALLY_HAS)
    with pytest.raises(ConflictError, match=r"A rejected it on .* meanwhile; look again"):
        promote_item(database, kept.store, board, mine, "B", "seen", choice)
    with pytest.raises(ConflictError, match=r"A rejected it on .* meanwhile; look again"):
        defer_item(database, mine, "B", "later", "")
    with pytest.raises(UsageError, match="there is none"):
        find(database, "1")


@pytest.mark.parametrize("until", ["2020-01-01", "soon"])
def test_a_day_that_is_past_or_none_is_refused(kept: Kept, database: Database, until: str) -> None:
    with pytest.raises(UsageError, match="until"):
        defer_item(database, seen(read_board(kept, database), PAIR), "A", "later", until)


def test_what_was_promoted_and_applied_is_decided_and_no_longer_waits(kept: Kept, database: Database) -> None:
    board = read_board(kept, database)
    made = promote_item(database, kept.store, board, seen(board, CONTRADICTED), "A", "they meet", Choice())
    found = find(database, made.proposal)
    assert [(c.after.a, c.after.b) for c in found.change_set.changes] == [(LEFT_LUNG, LIVER)]  # type: ignore[union-attr]
    assert all(isinstance(c.after, ExclusionException) for c in found.change_set.changes)  # type: ignore[union-attr]
    review(database, made.proposal, accept=True, reviewer="B")
    apply(database, kept.store, made.proposal, "B")
    board = read_board(kept, database)
    assert board.find(CONTRADICTED) is None, "the graph changed, and so did the queues"
    assert [one.item for one in board.decided(QueueKind.CONTRADICTED)] == [CONTRADICTED]
    with pytest.raises(ConflictError, match="is applied as revision 2; undo that revision"):
        take_back(database, made, "A")


def test_the_ways_to_promote_tell_what_they_change_or_why_not(kept: Kept, database: Database) -> None:
    board = read_board(kept, database)
    ontology = board.gathered.sources.lesions.ontology
    ways = {one.key: one for one in options(seen(board, PAIR).item, ontology)}
    assert "do not have both more often than by chance" in ways[RULE].refused
    assert ways["TYPICALLY_HAS"].changes == ("add soft relation: 'nodule' typically has 'solid' (source m)",)
    assert "neither label is a body part" in ways["TYPICALLY_LOCATED_IN"].refused
    (chance, _), (implied, _) = rule_in_numbers(seen(board, PAIR).item)
    assert "than by chance (0 against 0.0 expected" in chance
    assert "90% are asked" in implied
    pair = seen(board, CONTRADICTED).item
    assert [one.key for one in options(pair, ontology) if not one.refused] == [RULE, DROP]
    assert [holds for _, holds in rule_in_numbers(pair)] == [True]


def test_a_term_becomes_a_synonym_or_a_new_label(kept: Kept, database: Database) -> None:
    read_board(kept, database)  # makes the tables
    keep_terms(database, "ours", [Term("word", "halo", "", (), "nodule", 20, 10, 8, "ours")])
    board = read_board(kept, database)
    (one,) = board.waiting(QueueKind.TERMS)
    with pytest.raises(UsageError, match="say what it becomes"):
        promote_item(database, kept.store, board, one, "A", "used", Choice())
    made = promote_item(database, kept.store, board, one, "A", "used", Choice(label_class=LabelClass.ATTRIBUTE))
    (change,) = find(database, made.proposal).change_set.changes
    assert (change.after.name, change.after.label_class) == ("halo", LabelClass.ATTRIBUTE)  # type: ignore[union-attr]


def test_the_evidence_for_a_pair_counts_each_split(kept: Kept, database: Database) -> None:
    gathered = read_board(kept, database).gathered
    found = evidence_of_pair(kept, gathered, LIVER, LUNG)
    counts = {one.split: (one.lesions, one.first, one.second, one.together) for one in found.splits}
    assert counts == {"train": (8, 6, 8, 6), "test": (4, 0, 4, 0), ALL: (12, 6, 12, 6)}
    assert [one.lift for one in found.splits] == [1.0, None, 1.0]
    assert [(one.source, one.target, one.weight) for one in found.learned] == [("liver", "lung", 0.4)]
    (relation,) = found.relations
    assert (relation.kind, relation.asserted) == ("exclusive", False)
    assert relation.chain == ("liver EXCLUSIVE_WITH chest", "lung LOCATED_IN chest")
    assert evidence_of_pair(kept, gathered, LEFT_LUNG, LUNG).shared == ("chest",)


def test_what_is_kept_lasts_until_the_graph_changes(kept: Kept, database: Database) -> None:
    first = read_board(kept, database).gathered
    assert read_board(kept, database).gathered is first
    reject_item(database, seen(read_board(kept, database), PAIR), "A", "chance")
    assert stamp(kept, database, read_board(kept, database)) == 1
    assert read_board(kept, database).gathered is first, "a review is no part of it"
    kept.store.write_transaction(lambda tx: tx.run("CREATE (l:Lesion {id: 'L:99'})"))
    assert read_board(kept, database).gathered is not first

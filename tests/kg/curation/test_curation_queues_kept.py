"""What curators decide about items of the queues outlives models and publishing, and reaches the graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import postgres
import pytest
from made_ontology import CHEST, LEFT_LUNG, LIVER, LUNG, MASS, NODULE, SOLID, small

from kg.curation.application import undo
from kg.curation.decisions import Action, Decision, decide, decisions_about, latest, standing
from kg.curation.proposal_application import apply
from kg.curation.proposal_tables import open_curation_at
from kg.curation.proposals import proposals, propose, review, revise, withdraw
from kg.curation.queues import Item, QueueKind, Term, Topic, Unmapped, item_id
from kg.curation.queues_graph import read_sources, stamp_reviews
from kg.curation.queues_promotion import Choice, promote
from kg.curation.queues_proposals import propose_item, require_no_open_proposal
from kg.curation.queues_tables import make_queue_tables
from kg.curation.queues_terms import keep_terms, kept_terms, read_candidates
from kg.curation.reconcile import failed
from kg.errors import ConflictError, InputError, UsageError
from kg.graph_ontology import load_ontology, save_ontology
from kg.relational import Database
from kg.store import GraphStore, Transaction

PAIR = item_id(Topic.TOGETHER, NODULE, SOLID)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    try:
        with postgres.running() as url:
            yield url
    except postgres.NoPostgresError as error:
        pytest.skip(str(error))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty curation store of each kind in turn."""
    where: str | Path = tmp_path / "curation.sqlite"
    if request.param == "postgresql":
        where = postgres.new_database(request.getfixturevalue("server"))
    with open_curation_at(where) as opened:
        make_queue_tables(opened)
        yield opened


def decision(action: Action, item: str = PAIR, reviewer: str = "A. Curator", day: int = 1, **more: str) -> Decision:
    return Decision(item, action, reviewer, "looked at the lesions", f"2026-03-{day:02d}T10:00:00+00:00", **more)


class TestDecisions:
    def test_the_newest_decision_stands_and_all_are_kept(self, database: Database) -> None:
        first = decide(database, decision(Action.DEFERRED, until="2026-04-01"))
        second = decide(database, decision(Action.REJECTED, reviewer="B", evidence="weight +0.5", day=2), first)
        assert latest(database) == {PAIR: second}
        assert decisions_about(database, PAIR) == [first, second]
        assert (first.number, second.number) == (1, 2)

    def test_a_rejected_item_is_rejected_for_good_until_it_is_reopened(self, database: Database) -> None:
        rejected = decide(database, decision(Action.REJECTED))
        for action in (Action.PROMOTED, Action.DEFERRED, Action.REJECTED):
            with pytest.raises(UsageError, match=r"rejected for good by A\. Curator on 2026-03-01"):
                decide(database, decision(action), rejected)
        reopened = decide(database, decision(Action.REOPENED, day=2), rejected)
        assert decide(database, decision(Action.PROMOTED, day=3), reopened).number == 3

    def test_of_two_curators_who_saw_the_same_one_decides(self, database: Database) -> None:
        seen = decide(database, decision(Action.DEFERRED))
        decide(database, decision(Action.REJECTED, reviewer="B", day=2), seen)
        with pytest.raises(ConflictError, match="B rejected it on 2026-03-02 meanwhile"):
            decide(database, decision(Action.PROMOTED, reviewer="C", day=3), seen)
        assert [one.reviewer for one in decisions_about(database, PAIR)] == ["A. Curator", "B"]

    def test_a_decision_needs_an_item_a_reviewer_and_a_reason(self, database: Database) -> None:
        for wrong in (
            decision(Action.REJECTED, item="nodule"),
            decision(Action.REJECTED, reviewer=" "),
            replace(decision(Action.REJECTED), reason=""),
        ):
            with pytest.raises(UsageError):
                decide(database, wrong)
        assert latest(database) == {}

    def test_a_decision_about_a_merged_label_holds_for_its_replacement(self, database: Database) -> None:
        merged = item_id(Topic.TOGETHER, MASS, SOLID)
        decide(database, decision(Action.REJECTED, item=merged))
        found = latest(database, small())[PAIR]
        assert (found.action, found.item) == (Action.REJECTED, PAIR)
        with pytest.raises(UsageError, match="for good"):
            decide(database, decision(Action.PROMOTED), found)
        # One about the label itself goes first.
        own = decide(database, decision(Action.REOPENED, day=2), found)
        assert latest(database, small())[PAIR] == own

    @pytest.mark.parametrize(
        ("made", "waits"),
        [
            pytest.param(None, True, id="nobody decided"),
            pytest.param(decision(Action.REJECTED), False, id="rejected"),
            pytest.param(decision(Action.REOPENED), True, id="reopened"),
            pytest.param(decision(Action.DEFERRED), False, id="deferred without a day"),
            pytest.param(decision(Action.DEFERRED, until="2026-03-10"), True, id="deferred, and the day has come"),
            pytest.param(decision(Action.DEFERRED, until="2026-03-11"), False, id="deferred to a later day"),
            pytest.param(decision(Action.PROMOTED, proposal="7"), False, id="promoted"),
            pytest.param(decision(Action.PROMOTED, proposal="8"), True, id="promoted into a proposal that failed"),
        ],
    )
    def test_an_item_waits_while_nothing_is_decided_about_it(self, made: Decision | None, waits: bool) -> None:
        item = Item(PAIR, QueueKind.CORRELATIONS, (NODULE, SOLID), ("nodule", "solid"), 1.0, Unmapped(1, ()))
        (found,) = standing([item], {PAIR: made} if made else {}, "2026-03-10", failed={"8"})
        assert (found.item, found.decision, found.open) == (item, made, waits)


class TestTerms:
    HEADER = "kind,candidate,rid,parents,nearest,mentions,reports,patients\n"

    def test_candidates_are_kept_until_their_reports_are_counted_again(
        self, database: Database, tmp_path: Path
    ) -> None:
        file = tmp_path / "candidates.csv"
        file.write_text(
            self.HEADER + "radlex,halo sign,RID7,sign|imaging sign,nodule,20,10,8\nphrase,tree in bud,,,,9,9,5\n",
            encoding="utf-8",
        )
        terms = read_candidates(file, "ours")
        assert terms[0] == Term("radlex", "halo sign", "RID7", ("sign", "imaging sign"), "nodule", 20, 10, 8, "ours")
        assert keep_terms(database, "ours", terms) == 2
        keep_terms(database, "theirs", [replace(terms[1], source="theirs")])
        keep_terms(database, "ours", terms[:1])
        assert [(one.source, one.text) for one in kept_terms(database)] == [
            ("ours", "halo sign"),
            ("theirs", "tree in bud"),
        ]

    @pytest.mark.parametrize(
        "row",
        [
            pytest.param("word,smith,,,,9,9,4", id="fewer than five patients"),
            pytest.param("word,halo,,,,9,10,8", id="more reports than mentions"),
            pytest.param("word,halo,,,,9,8,9", id="more patients than reports"),
            pytest.param("name,halo,,,,9,9,9", id="another kind"),
            pytest.param("word,,,,,9,9,9", id="no text"),
            pytest.param("word,halo,,,,nine,9,9", id="no number"),
            pytest.param("word,halo", id="too short"),
        ],
    )
    def test_a_file_that_is_no_table_of_candidates_is_refused(self, tmp_path: Path, row: str) -> None:
        file = tmp_path / "candidates.csv"
        file.write_text(self.HEADER + row + "\n", encoding="utf-8")
        with pytest.raises(InputError) as caught:
            read_candidates(file, "ours")
        assert "smith" not in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.fixture
def store(any_store: GraphStore) -> GraphStore:
    """A filled graph behind each adapter in turn."""
    fill(any_store)
    return any_store


def fill(store: GraphStore) -> None:
    """The made ontology with lesions and the correlations of a model."""
    save_ontology(store, small())
    said = [(f"L:{i:02d}", label) for i in range(12) for label in (LEFT_LUNG, *([LIVER] if i < 6 else []))]
    labelled = [{"lesion": lesion, "label": label} for lesion, label in said]

    def work(tx: Transaction) -> None:
        tx.run_many("UNWIND $rows AS row MERGE (l:Lesion {id: row.lesion})", labelled)
        tx.run_many(
            "UNWIND $rows AS row MATCH (l:Lesion {id: row.lesion}) MATCH (k:Label {id: row.label}) "
            "CREATE (l)-[:HAS_LABEL {source: 'made', verified: false}]->(k)",
            labelled,
        )

    store.write_transaction(work)
    publish(store, "m-1", "2026-01-01T00:00:00Z", (NODULE, SOLID, 0.5), (LIVER, LUNG, 0.4))


def publish(store: GraphStore, model: str, created: str, *edges: tuple[str, str, float]) -> None:
    """A model with its correlations, as `learn.publish` writes them."""
    rows = [{"from": a, "to": b, "weight": weight} for a, b, weight in edges]

    def work(tx: Transaction) -> None:
        tx.run("MERGE (m:Model {id: $id}) SET m.created = $created", {"id": model, "created": created})
        tx.run_many(
            "UNWIND $rows AS row MATCH (a:Label {id: row.from}) MATCH (b:Label {id: row.to}) "
            "CREATE (a)-[:CORRELATES_WITH {model: $model, weight: row.weight, stability: 1.0, reading: '', "
            "together: 0, lift: 1.0, review: 'open'}]->(b)",
            rows,
            {"model": model},
        )

    store.write_transaction(work)


def reviews(store: GraphStore) -> dict[tuple[str, str, str], str]:
    rows = store.read(
        "MATCH (a:Label)-[r:CORRELATES_WITH]->(b:Label) RETURN r.model AS model, a.id AS a, b.id AS b, "
        "r.review AS review ORDER BY model, a, b"
    )
    return {(row["model"], row["a"], row["b"]): row["review"] for row in rows}


class TestTheGraph:
    def test_queues_come_from_the_newest_model_and_the_labels_of_lesions(self, store: GraphStore) -> None:
        publish(store, "m-2", "2026-02-01T00:00:00Z", (CHEST, SOLID, 0.3))
        sources = read_sources(store)
        assert (sources.revision, sources.model) == (1, "m-2")
        items = sources.items()
        assert [item.id for item in items[QueueKind.CORRELATIONS]] == [item_id(Topic.TOGETHER, CHEST, SOLID)]
        assert [(item.labels, item.score) for item in items[QueueKind.CONTRADICTED]] == [((CHEST, LIVER), 6)]
        assert items[QueueKind.CONTRADICTED][0].examples == tuple(f"L:{i:02d}" for i in range(5))
        older = read_sources(store, "m-1").items()
        assert [item.id for item in older[QueueKind.CORRELATIONS]] == [PAIR]
        assert [item.id for item in older[QueueKind.CONFUSED]] == [item_id(Topic.CONFUSED, LIVER, LUNG)]

    def test_an_unknown_model_is_named_beside_those_there_are(self, store: GraphStore) -> None:
        with pytest.raises(UsageError, match="'m-9': has no correlations in this graph; these have: m-1"):
            read_sources(store, "m-9")

    def test_a_graph_without_lesions_has_queues_of_its_labels(self, embedded_store: GraphStore) -> None:
        save_ontology(embedded_store, small())
        publish(embedded_store, "m-1", "2026-01-01T00:00:00Z", (NODULE, SOLID, 0.5))
        items = read_sources(embedded_store).items()
        assert {item.score for item in items[QueueKind.UNMAPPED]} == {0}
        assert [item.id for item in items[QueueKind.CORRELATIONS]] == [PAIR]
        assert items[QueueKind.CONTRADICTED] == ()

    def test_a_decision_reaches_the_correlations_of_every_model(self, store: GraphStore, tmp_path: Path) -> None:
        database = open_curation_at(tmp_path / "curation.sqlite")
        make_queue_tables(database)
        rejected = decide(database, decision(Action.REJECTED))
        decide(database, decision(Action.DEFERRED, item=item_id(Topic.CONFUSED, LUNG, LIVER)))
        ontology = load_ontology(store)
        assert stamp_reviews(store, latest(database, ontology)) == 2
        assert stamp_reviews(store, latest(database, ontology)) == 0
        # A new model learns it again, in the other direction, and something of the other sign.
        publish(store, "m-2", "2026-02-01T00:00:00Z", (SOLID, NODULE, 0.2), (NODULE, SOLID, -0.2), (MASS, SOLID, 0.9))
        assert PAIR in latest(database)
        assert stamp_reviews(store, latest(database, ontology)) == 2
        assert reviews(store) == {
            ("m-1", LIVER, LUNG): "deferred",
            ("m-1", NODULE, SOLID): "rejected",
            ("m-2", MASS, SOLID): "rejected",  # merged into nodule
            ("m-2", NODULE, SOLID): "open",
            ("m-2", SOLID, NODULE): "rejected",
        }
        decide(database, decision(Action.REOPENED, day=2), rejected)
        assert stamp_reviews(store, latest(database, ontology)) == 3
        assert set(reviews(store).values()) == {"open", "deferred"}
        database.close()


def waiting(database: Database, store: GraphStore) -> set[str]:
    """Items of all queues of the graph that wait for a decision."""
    sources = read_sources(store)
    decisions = latest(database, sources.lesions.ontology)
    nothing = failed(database, store)
    found = (standing(items, decisions, "2026-03-10", nothing) for items in sources.items().values())
    return {one.item.id for rows in found for one in rows if one.open}


class TestInTheGraph:
    ITEM = item_id(Topic.CONTRADICTED, CHEST, LIVER)

    @pytest.fixture
    def graph(self, embedded_store: GraphStore) -> GraphStore:
        fill(embedded_store)
        return embedded_store

    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[Database]:
        with open_curation_at(tmp_path / "curation.sqlite") as opened:
            make_queue_tables(opened)
            yield opened

    def test_a_rejected_item_stays_away_whatever_later_models_learn(
        self, database: Database, graph: GraphStore
    ) -> None:
        assert PAIR in waiting(database, graph)
        decide(database, decision(Action.REJECTED))
        publish(graph, "m-2", "2026-02-01T00:00:00Z", (SOLID, NODULE, 0.9), (LIVER, SOLID, 0.1))
        assert read_sources(graph).model == "m-2"
        assert PAIR not in waiting(database, graph)
        assert item_id(Topic.TOGETHER, LIVER, SOLID) in waiting(database, graph)

    def promoted(self, database: Database, store: GraphStore, seen: Decision | None = None) -> Decision:
        sources = read_sources(store)
        (item,) = sources.items()[QueueKind.CONTRADICTED]
        change_set = promote(item, sources.lesions.ontology, "A. Curator", "2026-03-04T05:06:07+00:00")
        made = decision(Action.PROMOTED, item=item.id)
        return propose_item(database, store, change_set, made, seen, sources.revision)

    def test_an_item_waits_again_when_its_proposal_comes_to_nothing(
        self, database: Database, graph: GraphStore
    ) -> None:
        assert self.ITEM in waiting(database, graph)
        first = self.promoted(database, graph)
        assert self.ITEM not in waiting(database, graph)
        review(database, first.proposal, accept=False, reviewer="B", comment="no")
        assert self.ITEM in waiting(database, graph)
        second = self.promoted(database, graph, first)
        assert self.ITEM not in waiting(database, graph)
        review(database, second.proposal, accept=True, reviewer="B")
        carried_out = apply(database, graph, second.proposal, "B")
        assert read_sources(graph).items()[QueueKind.CONTRADICTED] == ()
        undo(graph, carried_out.proposal.revision, "B", "not so")
        assert self.ITEM in waiting(database, graph)
        assert [one.proposal for one in decisions_about(database, self.ITEM)] == [first.proposal, second.proposal]

    def test_nothing_else_is_decided_while_its_proposal_is_open(self, database: Database, graph: GraphStore) -> None:
        first = self.promoted(database, graph)
        with pytest.raises(ConflictError, match=r"proposal 1 by A\. Curator is open; .*withdraw 1"):
            self.promoted(database, graph, first)
        with pytest.raises(ConflictError, match="proposal 1"):
            require_no_open_proposal(database, self.ITEM, first)
        # Also when its author put other changes in its place, with another source.
        others = replace(proposals(database)[0].change_set, source="a book")
        revise(database, graph, "1", others)
        with pytest.raises(ConflictError, match="proposal 1"):
            self.promoted(database, graph, first)
        withdraw(database, "1", "A. Curator")
        require_no_open_proposal(database, self.ITEM, first)
        assert len(proposals(database)) == 1

    def test_a_promotion_that_was_stopped_half_way_is_not_proposed_twice(
        self, database: Database, graph: GraphStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stopped(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr("kg.curation.queues_proposals.decide", stopped)
            with pytest.raises(KeyboardInterrupt):
                self.promoted(database, graph)
        assert self.ITEM in waiting(database, graph)
        made = self.promoted(database, graph)
        assert [one.id for one in proposals(database)] == [made.proposal]
        assert self.ITEM not in waiting(database, graph)

    def test_another_change_for_an_item_waits_for_the_first(self, database: Database, graph: GraphStore) -> None:
        sources = read_sources(graph)
        (item,) = sources.items()[QueueKind.CONTRADICTED]
        ontology = sources.lesions.ontology
        dropped = promote(item, ontology, "B", "2026-03-04T05:06:07+00:00", choice=Choice(drop=True))
        propose(database, graph, dropped)
        with pytest.raises(ConflictError, match="proposal 1 by B is open"):
            self.promoted(database, graph)
        assert latest(database) == {}

"""What every graph store does: one suite, run over each adapter."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kg.errors import ConflictError, QueryRefusedError, StoreError
from kg.schema import SCHEMA_VERSION
from kg.store import SLICE, GraphStore, Transaction


def ids(store: GraphStore) -> list[str]:
    return [row["id"] for row in store.read("MATCH (k:Label) RETURN k.id AS id ORDER BY id")]


def add(*names: str) -> Any:
    def work(tx: Transaction) -> None:
        tx.run_many("UNWIND $rows AS row CREATE (:Label {id: row.id})", [{"id": name} for name in names])

    return work


def test_a_new_graph_is_empty_and_carries_the_schema(any_store: GraphStore) -> None:
    assert any_store.read("MATCH (n) RETURN labels(n) AS labels, n.version AS version ORDER BY version") == [
        {"labels": ["Schema"], "version": SCHEMA_VERSION}
    ]


@pytest.mark.parametrize(
    "value",
    [
        True,
        0,
        -(2**62),
        2**31,
        1.0,
        0.1 + 0.2,
        1e-300,
        "",
        "größer als 10 mm · 病变 · 🫁",
        'it\'s "quoted" \\ and\nbroken',
        [1, 2, 3],
        [0.5, 1.0],
        ["a", ""],
        [True, False],
        [],
    ],
)
def test_a_property_comes_back_as_it_went_in(any_store: GraphStore, value: object) -> None:
    def work(tx: Transaction) -> None:
        tx.run("CREATE (:Label {id: 'a', value: $value})", {"value": value})
        tx.run_many("UNWIND $rows AS row CREATE (k:Label) SET k = row", [{"id": "b", "value": value}])

    any_store.write_transaction(work)
    for row in any_store.read("MATCH (k:Label) RETURN k.value AS value ORDER BY k.id"):
        assert row["value"] == value
        assert type(row["value"]) is type(value)
        if isinstance(value, list):
            assert [type(item) for item in row["value"]] == [type(item) for item in value]
    together = "MATCH (a:Label {id: 'a'}), (b:Label {id: 'b'}) WHERE a.value = b.value RETURN count(*) AS n ORDER BY n"
    assert any_store.read(together) == [{"n": 1}]


def test_results_are_plain_python(any_store: GraphStore) -> None:
    any_store.write_transaction(add("a", "b"))
    rows = any_store.read(
        "MATCH (k:Label) WITH collect(k.id) AS found "
        "RETURN size(found) AS n, {first: found[0], deep: [{x: 1.5}]} AS map, null AS nothing, 1.0 AS one ORDER BY n"
    )
    assert rows == [{"n": 2, "map": {"first": "a", "deep": [{"x": 1.5}]}, "nothing": None, "one": 1.0}]
    assert type(rows[0]["n"]) is int
    assert type(rows[0]["one"]) is float
    assert type(rows[0]["map"]) is dict


def test_dates_and_times_come_back_as_text(any_store: GraphStore) -> None:
    (row,) = any_store.read(
        "RETURN date('2020-02-29') AS day, datetime('2020-02-29T12:30:00Z') AS moment, [date('2021-01-01')] AS days, "
        "duration('P1D') AS length ORDER BY day"
    )
    assert row["day"] == "2020-02-29"
    assert row["moment"].startswith("2020-02-29T12:30")
    assert row["days"] == ["2021-01-01"]
    assert row["length"] == "P1D"


@pytest.mark.parametrize("what", ["a", "r", "p", "[a, b]", "{node: a}"])
def test_nodes_relationships_and_paths_are_not_returned(any_store: GraphStore, what: str) -> None:
    any_store.write_transaction(lambda tx: tx.run("CREATE (:Label {id: 'a'})-[:IS_A]->(:Label {id: 'b'})"))
    with pytest.raises(StoreError, match="not a scalar, list or map"):
        any_store.read(f"MATCH p = (a:Label)-[r:IS_A]->(b:Label) RETURN {what} AS it")


def test_a_property_set_to_null_is_absent(any_store: GraphStore) -> None:
    any_store.write_transaction(
        lambda tx: tx.run_many(
            "UNWIND $rows AS row MERGE (k:Label {id: row.id}) SET k += row", [{"id": "a", "name": None, "source": "x"}]
        )
    )
    assert any_store.read("MATCH (k:Label) RETURN properties(k) AS p, k.name AS name ORDER BY k.id") == [
        {"p": {"id": "a", "source": "x"}, "name": None}
    ]


def test_unknown_names_match_nothing(any_store: GraphStore) -> None:
    assert any_store.read("MATCH (n:NeverHeardOf) RETURN n.id AS id ORDER BY id") == []
    assert any_store.read("MATCH (:Label)-[r:NEVER_HEARD_OF]->(:Label) RETURN count(r) AS n ORDER BY n") == [{"n": 0}]


def test_a_transaction_sees_its_own_writes(any_store: GraphStore) -> None:
    def work(tx: Transaction) -> list[dict[str, Any]]:
        add("a", "b")(tx)
        return tx.run("MATCH (k:Label) RETURN k.id AS id ORDER BY id")

    assert any_store.write_transaction(work) == [{"id": "a"}, {"id": "b"}]


def test_a_failed_transaction_stores_nothing(any_store: GraphStore) -> None:
    def work(tx: Transaction) -> None:
        add("a", "b")(tx)
        raise KeyError("a defect of the caller")

    with pytest.raises(KeyError):
        any_store.write_transaction(work)
    assert ids(any_store) == []
    with pytest.raises(FileNotFoundError):  # and no error of the caller is taken for one of the store
        any_store.write_transaction(lambda tx: open("/nowhere/at/all"))  # noqa: SIM115, PTH123
    any_store.write_transaction(add("c"))
    assert ids(any_store) == ["c"]


def test_write_transactions_do_not_nest(any_store: GraphStore) -> None:
    with pytest.raises(StoreError, match="do not nest"):
        any_store.write_transaction(lambda tx: any_store.write_transaction(add("a")))
    assert ids(any_store) == []
    any_store.write_transaction(add("b"))
    assert ids(any_store) == ["b"]


def test_a_failed_statement_stores_nothing_of_its_transaction(any_store: GraphStore) -> None:
    def work(tx: Transaction) -> None:
        add("a")(tx)
        tx.run("MATCH (k:Label RETURN k.id AS id")

    with pytest.raises(StoreError) as caught:
        any_store.write_transaction(work)
    assert "\n" not in str(caught.value)
    assert ids(any_store) == []


def test_a_key_is_unique(any_store: GraphStore) -> None:
    any_store.write_transaction(add("secret-key-of-a-patient"))
    with pytest.raises(StoreError, match="key exists already") as caught:
        any_store.write_transaction(add("b", "secret-key-of-a-patient"))
    assert "secret" not in str(caught.value)
    assert ids(any_store) == ["secret-key-of-a-patient"]


def test_many_rows_arrive_in_slices_and_again_change_nothing(any_store: GraphStore) -> None:
    rows = [{"id": f"{i:06d}", "index": i} for i in range(SLICE + 7)]
    links = [{"a": f"{i:06d}", "b": f"{i + 1:06d}"} for i in range(0, SLICE, 10)]

    def load(tx: Transaction) -> None:
        tx.run_many("UNWIND $rows AS row MERGE (l:Lesion {id: row.id}) SET l += row", rows)
        tx.run_many(
            "UNWIND $rows AS row MATCH (a:Lesion {id: row.a}) MATCH (b:Lesion {id: row.b}) "
            "MERGE (a)-[r:SIMILAR_TO {model: $model}]->(b)",
            links,
            {"model": "m"},
        )

    for _ in range(2):
        any_store.write_transaction(load)
        (count,) = any_store.read(
            "MATCH (l:Lesion) OPTIONAL MATCH (l)-[r:SIMILAR_TO {model: 'm'}]->() "
            "RETURN count(DISTINCT l.id) AS lesions, sum(l.index) AS total, count(r) AS links ORDER BY lesions"
        )
        assert count == {"lesions": len(rows), "total": sum(range(len(rows))), "links": len(links)}


def test_no_rows_are_no_statement(any_store: GraphStore) -> None:
    any_store.write_transaction(lambda tx: tx.run_many("UNWIND $rows AS row CREATE (:Label {id: row.id})", []))
    assert ids(any_store) == []


def test_collected_relationships_are_all_deleted(any_store: GraphStore) -> None:
    """The form every delete uses. Without ``collect`` the embedded engine passes over some parallel relationships."""
    names = [f"{i:03d}" for i in range(60)]
    kept = {("000", "001"), ("059", "000")}
    links = [{"a": a, "b": b} for a in names for b in names[::7] for _ in range(3)]

    def load(tx: Transaction) -> None:
        add(*names)(tx)
        tx.run_many(
            "UNWIND $rows AS row MATCH (a:Label {id: row.a}) MATCH (b:Label {id: row.b}) CREATE (a)-[:IS_A]->(b)",
            [*links, *({"a": a, "b": b} for a, b in kept)],
        )

    def delete(tx: Transaction) -> None:
        tx.run_many(
            "UNWIND $rows AS row MATCH (k:Label {id: row.id}) SET k += row", [{"id": n, "t": n * 50} for n in names]
        )
        tx.run_many(
            "UNWIND $rows AS row MATCH (a:Label {id: row.a})-[r:IS_A]->(b:Label {id: row.b}) "
            "WITH collect(r) AS found FOREACH (r IN found | DELETE r)",
            [{"a": a, "b": b} for a in names for b in names[::7] if (a, b) not in kept],
        )

    any_store.write_transaction(load)
    any_store.write_transaction(delete)
    rows = any_store.read(
        "MATCH (a:Label)-[r:IS_A]->(b:Label) RETURN a.id AS a, b.id AS b, count(r) AS n ORDER BY a, b"
    )
    assert [(row["a"], row["b"], row["n"]) for row in rows] == [("000", "001", 1), ("059", "000", 4)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE (:Label {id: 'x'})",
        "MATCH (k:Label) SET k.name = 'x'",
        "MATCH (k:Label) DETACH DELETE k",
        "MATCH (k:Label) REMOVE k.id RETURN 1 AS one",
        "MERGE (k:Label {id: 'x'}) RETURN k.id AS id",
        "MATCH (k:Label) CALL (k) { SET k.name = 'x' } RETURN 1 AS one",
        "MATCH (k:Label) FOREACH (x IN [1] | SET k.name = 'x')",
        "RETURN 'innocent' AS x; MATCH (k:Label) DETACH DELETE k",
        "/* reads */ mErGe (k:Label {id: 'x'})",
        "RETURN '\\u0027 AS x MERGE (k:Label {id: \\u0027x\\u0027}) //' AS y",
        "CREATE CONSTRAINT c FOR (n:Label) REQUIRE n.name IS UNIQUE",
        "CREATE INDEX i FOR (n:Label) ON (n.source)",
        "DROP CONSTRAINT label_id",
        "LOAD CSV FROM 'file:///etc/hostname' AS line RETURN line",
        "CALL apoc.load.json('file:///etc/hostname') YIELD value RETURN value",
        "CALL `db`.`createLabel`('X')",
        "CALL dbms.listConfig() YIELD name RETURN name",
        "SHOW USERS",
        "USE system MATCH (n) RETURN 1 AS one",
    ],
)
def test_a_read_refuses_to_write_and_to_reach_out(any_store: GraphStore, statement: str) -> None:
    any_store.write_transaction(add("a"))
    for attempt in (any_store.read, lambda text: any_store.read_transaction(lambda tx: tx.run(text))):
        with pytest.raises(QueryRefusedError):
            attempt(statement)
    assert any_store.read("MATCH (k:Label) RETURN properties(k) AS p ORDER BY k.id") == [{"p": {"id": "a"}}]


def test_names_that_look_like_clauses_can_be_read(any_store: GraphStore) -> None:
    any_store.write_transaction(lambda tx: tx.run("CREATE (:Label {id: 'a', set: 1, `delete`: 2})"))
    assert any_store.read(
        "MATCH (k:Label) WHERE k.id <> 'CREATE' // SET nothing\n"
        "RETURN k.set AS `set`, k.`delete` AS d, {merge: $create} AS map ORDER BY d",
        {"create": 3},
    ) == [{"set": 1, "d": 2, "map": {"merge": 3}}]


def test_a_read_transaction_loads_nothing(any_store: GraphStore) -> None:
    with pytest.raises(StoreError, match="read transaction"):
        any_store.read_transaction(lambda tx: tx.run_many("UNWIND $rows AS row RETURN 1 AS one", [{"id": "a"}]))


def test_a_read_transaction_sees_one_state_while_others_write(any_store: GraphStore) -> None:
    """Two labels always have equal counters; a writer moves both at once while readers look at one after the other."""
    any_store.write_transaction(lambda tx: tx.run("CREATE (:Label {id: 'a', n: 0}), (:Lesion {id: 'b', n: 0})"))
    rounds = 12

    def write() -> None:
        for _ in range(rounds):
            any_store.write_transaction(
                lambda tx: tx.run("MATCH (a:Label {id: 'a'}), (b:Lesion {id: 'b'}) SET a.n = a.n + 1, b.n = b.n + 1")
            )

    def look(tx: Transaction) -> tuple[int, int]:
        (a,) = tx.run("MATCH (a:Label {id: 'a'}) RETURN a.n AS n ORDER BY n")
        (b,) = tx.run("MATCH (b:Lesion {id: 'b'}) RETURN b.n AS n ORDER BY n")
        return a["n"], b["n"]

    seen: list[tuple[int, int]] = []
    with ThreadPoolExecutor() as pool:
        writer = pool.submit(write)
        while not writer.done():
            try:
                seen.append(any_store.read_transaction(look))
            except ConflictError:
                continue
        writer.result()
    assert [pair for pair in seen if pair[0] != pair[1]] == []
    assert any_store.read_transaction(look) == (rounds, rounds)


def test_overlapping_writers_lose_no_update(any_store: GraphStore) -> None:
    any_store.write_transaction(lambda tx: tx.run("CREATE (:Label {id: 'a', n: 0})"))

    def work(tx: Transaction) -> None:
        (row,) = tx.run("MATCH (k:Label {id: 'a'}) RETURN k.n AS n ORDER BY n")
        tx.run("MATCH (k:Label {id: 'a'}) SET k.n = $n", {"n": row["n"] + 1})

    def increment() -> None:
        for _ in range(5):
            any_store.write_transaction(work)

    with ThreadPoolExecutor() as pool:
        for thread in [pool.submit(increment) for _ in range(3)]:
            thread.result()
    assert any_store.read("MATCH (k:Label {id: 'a'}) RETURN k.n AS n ORDER BY n") == [{"n": 15}]


@pytest.mark.parametrize("failure", [StoreError("half of a commit was seen"), KeyError("half of a commit was seen")])
def test_a_write_that_failed_while_another_committed_runs_again(any_store: GraphStore, failure: Exception) -> None:
    """As of two that make the same next revision: the later one sees the other's, and goes on from there."""

    def next_one(tx: Transaction) -> str:
        seen = [row["id"] for row in tx.run("MATCH (k:Label) RETURN k.id AS id ORDER BY id")]
        tries.append(len(seen))
        if len(tries) == 1:
            # As a client of the owner's Bolt does, who does not queue behind the writers of this process.
            with ThreadPoolExecutor() as pool:
                pool.submit(any_store._attempt, add("label-0")).result()  # type: ignore[attr-defined]
            raise failure
        add(f"label-{len(seen)}")(tx)
        return f"label-{len(seen)}"

    tries: list[int] = []
    assert any_store.write_transaction(next_one) == "label-1"
    assert tries == [0, 1]
    assert ids(any_store) == ["label-0", "label-1"]


def test_a_read_that_failed_while_another_committed_runs_again(any_store: GraphStore) -> None:
    tries = []

    def newest(tx: Transaction) -> object:
        tries.append(tx.run("MATCH (k:Label) RETURN k.id AS id ORDER BY id"))
        if len(tries) == 1:
            with ThreadPoolExecutor() as pool:
                pool.submit(any_store.write_transaction, add("a")).result()
            raise KeyError("half of a commit was seen")
        return tries[-1]

    assert any_store.read_transaction(newest) == [{"id": "a"}]


def test_what_fails_while_nobody_writes_is_not_run_again(any_store: GraphStore) -> None:
    tries = []

    def fail(tx: Transaction) -> None:
        tries.append(tx.run("MATCH (k:Label) RETURN k.id AS id ORDER BY id"))
        raise KeyError("a defect of the caller")

    for transaction in (any_store.write_transaction, any_store.read_transaction):
        with pytest.raises(KeyError):
            transaction(fail)
    assert len(tries) == 2


def test_writes_are_counted(any_store: GraphStore) -> None:
    def writes() -> int:
        (row,) = any_store.read("MATCH (s:Schema) RETURN s.writes AS n ORDER BY n")
        return int(row["n"])

    before = writes()
    any_store.write_transaction(add("a"))
    any_store.read("MATCH (k:Label) RETURN k.id AS id ORDER BY id")
    assert writes() == before + 1


def test_errors_fit_on_one_line(any_store: GraphStore) -> None:
    for statement in ("MATCH (k:Label) RETURN nobody AS x", "RETURN 1 +", "RETURN toInteger([1]) + {} AS x"):
        with pytest.raises(StoreError) as caught:
            any_store.read(statement)
        assert "\n" not in str(caught.value)
        assert "None" not in str(caught.value)
        assert any_store.url in str(caught.value)

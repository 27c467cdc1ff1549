"""``lesionkg ontology queue`` and ``decide``, on real lesions with a synthetic model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from small_release import first_lesions
from synthetic_runs import synthetic_run
from typer.testing import CliRunner, Result

from ingest.load import load_deeplesion
from kg.connect import open_store
from kg.errors import InputError, UsageError
from kg.graph_cohort import load_cohort
from kg.graph_matrices import matrices_from_graph
from kg.graph_ontology import save_ontology
from kg.shipped import load_shipped
from kg.store import GraphStore
from learn.publish import publish
from lesionkg.cli.ontology import app

BY = ("--reviewer", "A. Curator", "--reason", "looked at the lesions")


def run(*arguments: object) -> Result:
    """Run a subcommand; an error of ours, which the command tree turns into one line, is raised."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json").output)


def learn(store: GraphStore, seed: int) -> str:
    """Publish a synthetic model; returns its id."""
    cohort = load_cohort(store, "lesanet")
    made = synthetic_run(cohort, matrices_from_graph(store, "lesanet-171"), seed, f"2026-0{seed}-01T00:00:00Z")
    return publish(store, made, cohort).model


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with real lesions and the correlations of a synthetic model."""
    folder = tmp_path_factory.mktemp("template") / "home"
    with open_store(folder / "graph") as store:
        save_ontology(store, load_shipped())
        load_deeplesion(store, first_lesions(1500))
        learn(store, 1)
    return folder


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    """A copy of it to work on."""
    shutil.copytree(template, tmp_path / "home")
    return tmp_path / "home"


def reviews(store: GraphStore, model: str) -> list[str]:
    """What the graph says of a model's correlations."""
    rows = "MATCH (:Label)-[r:CORRELATES_WITH {model: $m}]->(:Label) RETURN r.review AS review ORDER BY review"
    return [row["review"] for row in store.read(rows, {"m": model})]


def items(home: Path, queue: str, *options: object) -> dict[str, Any]:
    """The items of a queue by their id."""
    shown = run_json("queue", queue, "--home", home, "--limit", 10_000, *options)["queues"][queue]["shown"]
    return {item["id"]: item for item in shown}


def test_all_queues_are_listed_with_their_evidence_and_what_items_would_become(home: Path) -> None:
    text = run("queue", "--home", home).output
    for words in ("synthetic-0000000001", "contradicted/LKG:0000006/LKG:0000007", "would add exception", "see DL:0"):
        assert words in text
    found = run_json("queue", "--home", home, "--limit", 2)
    assert set(found["queues"]) == {"correlations", "contradicted", "confused", "terms", "unmapped"}
    assert all(len(queue["shown"]) <= 2 for queue in found["queues"].values())
    train = run_json("queue", "contradicted", "--home", home, "--cohort", "lesanet", "--split", "train")
    assert train["lesions"]["number"] < found["lesions"]["number"]


def test_queues_rank_downwards_and_skip_what_the_ontology_says(home: Path) -> None:
    ontology = load_shipped()
    learned = items(home, "correlations")
    scores = [item["score"] for item in learned.values()]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) > 50
    exclusive = {frozenset(pair) for pair in ontology.all_exclusive_pairs}
    parents = {frozenset(pair) for pair in ontology.parent_pairs}
    assert not {frozenset(item["labels"]) for item in learned.values()} & (exclusive | parents)


def test_a_rejected_item_stays_away_from_a_new_model_and_can_be_reopened(home: Path) -> None:
    item = next(iter(items(home, "correlations")))
    assert run_json("decide", item, "--reject", *BY, "--home", home)["action"] == "rejected"
    with open_store(home / "graph") as store:
        assert "rejected" in reviews(store, "synthetic-0000000001")
        # The next model learns the same, and nothing else.
        cohort, matrices = load_cohort(store, "lesanet"), matrices_from_graph(store, "lesanet-171")
        run_2 = synthetic_run(cohort, matrices, 2, "2026-02-01T00:00:00Z")
        j, i = (matrices.position[label] for label in item.split("/")[1:])
        run_2.spl_weight[:] = 0
        run_2.spl_weight[:, i, j] = 0.9 if item.startswith("together") else -0.9
        publish(store, run_2, cohort, threshold=0.5)
        assert reviews(store, "synthetic-0000000002") == ["open"]
    assert item not in items(home, "correlations")
    hidden = items(home, "correlations", "--all")[item]
    assert hidden["evidence"]["model"] == "synthetic-0000000002"
    assert hidden["decision"]["reviewer"] == "A. Curator"
    with pytest.raises(UsageError, match="rejected for good by A"):
        run("decide", item, "--promote", *BY, "--home", home)
    run("decide", next(iter(items(home, "unmapped"))), "--defer", *BY, "--home", home)
    with open_store(home / "graph") as store:
        assert reviews(store, "synthetic-0000000002") == ["rejected"]
    run("decide", item, "--reopen", *BY, "--home", home)
    assert list(items(home, "correlations")) == [item]


def test_a_deferred_item_comes_back_on_its_day(home: Path) -> None:
    first, second = list(items(home, "unmapped"))[:2]
    assert (
        "deferred until 2020-01-01"
        in run("decide", first, "--defer", "--until", "2020-01-01", *BY, "--home", home).output
    )
    run("decide", second, "--defer", "--until", "2999-01-01", *BY, "--home", home)
    left = items(home, "unmapped")
    assert first in left
    assert second not in left
    text = run("queue", "unmapped", "--home", home, "--all").output
    assert "deferred until 2999-01-01 by A. Curator" in text
    assert "1 open, 1 decided" in text


def test_terms_that_mining_counted_are_taken_in_and_kept(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "candidates.csv"
    header = "kind,candidate,rid,parents,nearest,mentions,reports,patients\n"
    file.write_text(header + "phrase,tree in bud,,,lung,20,10,8\nradlex,halo sign,RID35057,,,9,9,7\n")
    items(home, "terms", "--candidates", file, "--source", "ours")
    assert list(items(home, "terms")) == ["term/tree in bud", "term/RID35057"]
    file.write_text(header + "word,smith,,,,9,9,2\n")
    with pytest.raises(InputError, match="fewer than 5 patients"):
        run("queue", "--candidates", file, "--home", home)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("queue", "gossip"), "queue 'gossip': unknown", id="another queue"),
        pytest.param(("queue", "--model", "m-9"), "m-9", id="another model"),
        pytest.param(("queue", "--split", "dev"), "split 'dev'", id="another split"),
        pytest.param(("decide", "nodule", "--reject"), "item 'nodule': unknown", id="no id of an item"),
        pytest.param(("decide", "unmapped/LKG:0000040"), "give one of", id="no decision"),
        pytest.param(("decide", "unmapped/LKG:0000040", "--reject", "--defer"), "give one of", id="two decisions"),
        pytest.param(("decide", "unmapped/LKG:0000001", "--reject"), "stands in no queue", id="not in a queue"),
        pytest.param(("decide", "unmapped/LKG:0000040", "--reopen"), "nobody decided", id="nothing to reopen"),
        pytest.param(("decide", "unmapped/LKG:0000040", "--reject", "--until", "2026-01-01"), "--defer", id="until"),
        pytest.param(("decide", "unmapped/LKG:0000040", "--defer", "--until", "soon"), "no day", id="no day"),
        pytest.param(("decide", "unmapped/LKG:0000040", "--promote"), "name its term", id="no RadLex id"),
    ],
)
def test_wrong_usage_is_one_line(template: Path, arguments: tuple[str, ...], words: str) -> None:
    decides = BY if arguments[0] == "decide" else ()
    with pytest.raises(UsageError, match=words) as caught:
        run(*arguments, *decides, "--home", template)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2

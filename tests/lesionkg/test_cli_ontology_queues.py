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
from kg.curation.describe import describe
from kg.curation.proposal import Status
from kg.curation.proposal_tables import open_curation
from kg.curation.proposals import proposals
from kg.errors import InputError, UsageError
from kg.graph_cohort import load_cohort
from kg.graph_matrices import matrices_from_graph
from kg.graph_ontology import save_ontology
from kg.shipped import load_shipped
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


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with real lesions and the correlations of a synthetic model."""
    folder = tmp_path_factory.mktemp("template") / "home"
    with open_store(folder / "graph") as store:
        save_ontology(store, load_shipped())
        load_deeplesion(store, first_lesions(1500))
        cohort, matrices = load_cohort(store, "lesanet"), matrices_from_graph(store, "lesanet-171")
        publish(store, synthetic_run(cohort, matrices, 1, "2026-01-01T00:00:00Z"), cohort)
    return folder


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    """A copy of it to work on."""
    shutil.copytree(template, tmp_path / "home")
    return tmp_path / "home"


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


def test_a_rejected_item_leaves_the_queue_and_can_be_reopened(home: Path) -> None:
    item = next(iter(items(home, "correlations")))
    assert run_json("decide", item, "--reject", *BY, "--home", home)["correlations_stamped"] >= 1
    hidden = items(home, "correlations", "--all")[item]
    assert not hidden["open"]
    assert hidden["decision"]["reviewer"] == "A. Curator"
    assert "reopened by A. Curator" in run("decide", item, "--reopen", *BY, "--home", home).output
    assert item in run("queue", "correlations", "--limit", 1, "--home", home).output


def test_a_promoted_item_is_a_proposal_and_leaves_the_queue(home: Path) -> None:
    item, shown = next((one, shown) for one, shown in items(home, "contradicted").items() if shown["becomes"])
    made = run_json("decide", item, "--promote", *BY, "--home", home)
    with open_curation(home) as database:
        (proposal,) = proposals(database)
    names = {label.id: label.name for label in load_shipped().labels}
    assert (proposal.id, proposal.status, proposal.author) == (made["proposal"], Status.PROPOSED, "A. Curator")
    assert [describe(change, names) for change in proposal.change_set.changes] == shown["becomes"]
    text = run("queue", "contradicted", "--all", "--home", home).output
    assert f"promoted as proposal {proposal.id} by A. Curator" in text
    assert "1 decided" in text


def test_terms_that_mining_counted_are_taken_in_and_kept(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "candidates.csv"
    header = "kind,candidate,rid,parents,nearest,mentions,reports,patients\n"
    file.write_text(header + "phrase,tree in bud,,,lung,20,10,8\nradlex,halo sign,RID35057,,,9,9,7\n")
    items(home, "terms", "--candidates", file, "--source", "ours")
    assert list(items(home, "terms")) == ["term/tree in bud", "term/RID35057"]
    for item in ("term/tree in bud", "term/RID35057"):
        run("decide", item, "--promote", "--new-label", "attribute", *BY, "--home", home)
    assert items(home, "terms") == {}
    with open_curation(home) as database:
        ids = [label for one in proposals(database) for label in one.change_set.labels]
    assert len(set(ids)) == 2  # each proposal gets an id of its own
    file.write_text(header + "word,smith,,,,9,9,2\n")
    with pytest.raises(InputError, match="fewer than 5 patients"):
        run("queue", "--candidates", file, "--home", home)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("queue", "gossip"), "queue 'gossip': unknown", id="another queue"),
        pytest.param(("decide", "nodule", "--reject"), "item 'nodule': unknown", id="no id of an item"),
        pytest.param(("decide", "unmapped/LKG:0000040"), "give one of", id="no decision"),
        pytest.param(("decide", "unmapped/LKG:0000040", "--reject", "--defer"), "give one of", id="two decisions"),
        pytest.param(("decide", "unmapped/LKG:0000001", "--reject"), "stands in no queue", id="not in a queue"),
        pytest.param(("decide", "unmapped/LKG:0000040", "--reopen"), "nobody decided", id="nothing to reopen"),
        pytest.param(("decide", "unmapped/LKG:0000040", "--reject", "--until", "2026-01-01"), "--defer", id="until"),
        pytest.param(("decide", "unmapped/LKG:0000040", "--defer", "--until", "soon"), "no day", id="no day"),
        pytest.param(("decide", "unmapped/LKG:0000040", "--promote"), "give --rid", id="no RadLex id"),
        pytest.param(("decide", "unmapped/LKG:0000040", "--promote", "--override", "no"), "RULE=REASON", id="override"),
    ],
)
def test_wrong_usage_is_one_line(template: Path, arguments: tuple[str, ...], words: str) -> None:
    decides = BY if arguments[0] == "decide" else ()
    with pytest.raises(UsageError, match=words) as caught:
        run(*arguments, *decides, "--home", template)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2

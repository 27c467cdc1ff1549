"""The command ``lesionkg ontology impact``."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_release import first_lesions
from synthetic_runs import synthetic_run
from typer.testing import CliRunner, Result

from ingest.load import load_deeplesion
from kg.connect import open_store
from kg.curation.between import changes_between
from kg.curation.change_set import ChangeSet, change_set_from_json
from kg.curation.impact import impact
from kg.curation.label_data import read_label_data
from kg.curation.proposal_application import apply
from kg.curation.proposal_tables import open_curation
from kg.curation.proposals import propose, review
from kg.errors import CohortError, InputError, UsageError
from kg.graph_cohort import load_cohort
from kg.graph_matrices import matrices_from_graph
from kg.graph_ontology import save_ontology
from kg.ontology import Ontology
from kg.owl import write_owl
from kg.shipped import load_shipped
from learn.publish import publish
from lesionkg.cli.ontology.base import app

LESIONS = 300


def run(*arguments: object) -> Result:
    """Run the subcommand; an error of ours, which the command tree turns into one line, is raised."""
    result = CliRunner().invoke(app, ["impact", *(str(a) for a in arguments)], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json").output)


def without_pair(ontology: Ontology) -> Ontology:
    """Abdomen and pelvis no longer exclusive."""
    ids = {ontology.label("abdomen").id, ontology.label("pelvis").id}
    return replace(ontology, exclusive_pairs=tuple(p for p in ontology.exclusive_pairs if {p.a, p.b} != ids))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose graph holds the first 300 real lesions and a synthetic model."""
    folder = tmp_path_factory.mktemp("home")
    with open_store(folder / "graph") as store:
        save_ontology(store, load_shipped())
        load_deeplesion(store, first_lesions(LESIONS))
        cohort = load_cohort(store, "lesanet")
        matrices = matrices_from_graph(store, "lesanet-171")
        publish(store, synthetic_run(cohort, matrices, 1, "2026-01-01T00:00:00Z"), cohort)
    return folder


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same change as a change set, as lines and as an ontology."""
    folder = tmp_path_factory.mktemp("files")
    before = load_shipped()
    after = without_pair(before)
    (folder / "changes.json").write_text(ChangeSet(changes_between(before, after)).to_json(), encoding="utf-8")
    (folder / "changes.txt").write_text("delete edge abdomen EXCLUSIVE_WITH pelvis\n", encoding="utf-8")
    write_owl(after, folder / "after.ttl")
    return folder


@pytest.fixture(scope="module")
def found(home: Path, files: Path) -> Any:
    """The impact of the change, as JSON."""
    return run_json(files / "changes.json", "--home", home)


def test_a_change_is_measured_on_what_the_graph_holds(home: Path, found: Any) -> None:
    with open_store(home / "graph", read_only=True) as store:
        data = read_label_data(store, "lesanet")
    expected = impact(load_shipped(), without_pair(load_shipped()), data, "lesanet-171").as_dict()
    assert found | {"models": [], "summary": ""} == expected | {
        "before": load_shipped().content_hash,
        "after": without_pair(load_shipped()).content_hash,
        "models": [],
        "summary": "",
    }
    assert found["splits"]["all"]["negatives_lost"] > 0
    assert found["summary"].endswith("models behind 1")
    (model,) = found["models"]
    assert model["falls_behind"]
    assert (model["broken_before"], model["broken_after"]) == (0, 0)


@pytest.mark.parametrize("given", [("changes.txt",), ("--after", "after.ttl")])
def test_lines_and_an_ontology_say_the_same(home: Path, files: Path, found: Any, given: tuple[str, ...]) -> None:
    arguments = [files / part if "." in part else part for part in given]
    assert run_json(*arguments, "--home", home) == found


def test_a_proposal_is_measured_before_and_after_it_is_applied(
    home: Path, files: Path, found: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "home"
    shutil.copytree(home, folder)
    text = (files / "changes.json").read_text(encoding="utf-8")
    change_set = replace(change_set_from_json(text), author="ana", reason="a test")
    with open_curation(folder) as database, open_store(folder / "graph") as store:
        number = propose(database, store, change_set).number
    assert run_json("--proposal", number, "--home", folder) == found
    with open_curation(folder) as database, open_store(folder / "graph") as store:
        review(database, str(number), accept=True, reviewer="ben")
        assert apply(database, store, str(number), actor="ben").proposal.revision == 2
    assert run_json("--proposal", number, "--home", folder)["splits"] == found["splits"]
    with pytest.raises(UsageError, match="proposal"):
        run("--proposal", 99, "--home", folder)


def test_text_is_cut_with_the_count_of_the_rest(home: Path, files: Path, found: Any) -> None:
    result = run(files / "changes.json", "--home", home, "--most", 2)
    assert result.exit_code == 0
    lost = len(found["matrix_cells"]["exclusive_lost"])
    assert f"matrix cells, exclusive pairs lost: {lost}" in result.output
    assert f"... and {lost - 2} more of them" in result.output
    assert "falls behind" in result.output
    assert "junction tree: 119 bags" in result.output
    assert result.output.count("DL:") == min(2, len(found["stops_contradictory"]))


def test_shipped_labels_need_no_graph(files: Path, tmp_path: Path) -> None:
    result = run(files / "changes.json", "--released", "--home", tmp_path / "nowhere")
    assert "24,121 lesions change" in result.output
    assert "abdomen x pelvis: " in result.output
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.slow
def test_revisions_can_be_compared_and_lists_counted_as_frozen(home: Path) -> None:
    assert run_json("--before", "graph@1", "--after", "graph", "--home", home)["labels"] == []
    result = run("--after", "graph@1", "--frozen", "--home", home)
    assert "counted on cohort lesanet-" in result.output
    assert "The relation matrices stay as they are." in result.output
    assert "all labelled lesions" in run("--after", "graph", "--cohort", "official", "--home", home).output


def test_the_model_is_trained_before_and_after(home: Path, files: Path) -> None:
    text = run(files / "changes.json", "--home", home, "--retrain", "metadata", "--seeds", "3", "--most", 1).output
    assert "metadata model trained before and after: " in text
    assert re.search(r"mean of all labels +0\.\d{4} -> 0\.\d{4} ", text)
    assert "true labels as the ontology after the change expands them" in text
    assert text.count("more labels; --json shows all") == 3
    assert "These models saw no pixels. Research use only" in text


@pytest.mark.slow
def test_the_model_on_all_shipped_lesions_is_as_good_as_documented(files: Path) -> None:
    again = run_json(files / "changes.json", "--released", "--retrain", "metadata", "--seeds", "0")["retraining"]
    assert (again["training_lesions"], again["test_lesions"], again["test_patients"]) == (2563, 1761, 506)
    assert (again["seeds"], again["saw_pixels"]) == ([0], False)
    assert {label["name"] for label in again["affected"]} >= {"abdomen", "pelvis"}
    for yardstick in again["yardsticks"].values():
        for model in ("before", "after"):
            assert yardstick["macro"]["all"]["auc"][model][0] > 0.88


@pytest.mark.slow
def test_wrong_usage_says_what_to_do(home: Path, files: Path, tmp_path: Path) -> None:
    changes = files / "changes.json"
    for message, arguments in (
        ("of what", ()),
        ("of what", (changes, "--after", "graph")),
        ("--retrain 'image'", (changes, "--retrain", "image")),
        ("--released and --frozen", (changes, "--released", "--frozen")),
        ("--cohort official", (changes, "--cohort", "official", "--frozen")),
        ("seeds 'a'", (changes, "--seeds", "a")),
    ):
        with pytest.raises(UsageError, match=message):
            run(*arguments, "--home", home)
    with pytest.raises(InputError, match="cannot be read as text"):
        run(tmp_path / "absent.json", "--home", home)
    with pytest.raises(InputError, match="is not JSON"):
        (tmp_path / "bad.json").write_text("{", encoding="utf-8")
        run(tmp_path / "bad.json", "--home", home)
    with pytest.raises(CohortError, match="not in this graph"):
        run(changes, "--cohort", "nobody", "--home", home)

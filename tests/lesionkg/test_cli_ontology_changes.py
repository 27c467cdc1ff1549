"""``lesionkg ontology propose``, ``review``, ``apply``, ``undo`` and ``history``, on the shipped ontology."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from small_release import first_lesions
from typer.testing import CliRunner, Result

from ingest.load import load_deeplesion
from kg.connect import open_store
from kg.curation.application import apply_changes
from kg.curation.proposal_application import _begin
from kg.curation.proposal_tables import open_curation
from kg.curation.proposals import find
from kg.errors import ChangeRefusedError, ConflictError, InputError, UsageError
from kg.graph_ontology import load_ontology, save_ontology
from kg.relational import DATABASE
from kg.shipped import load_shipped
from lesionkg.cli.ontology import app
from lesionkg.cli.ontology.curating import CURATOR

WHY = ("--author", "Ann", "--reason", "radiologists say so")
RENAME = "rename 'hemangioma' from 'hemangioma' to 'haemangioma'"
SYNONYM = "create exact synonym 'pulmo' for 'lung'"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the shipped ontology and real lesions."""
    folder = tmp_path_factory.mktemp("template") / "home"
    with open_store(folder / "graph") as store:
        save_ontology(store, load_shipped(), author="importer")
        load_deeplesion(store, first_lesions(300))
    return folder


@pytest.fixture
def home(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it that a test may change; nobody is named by the environment."""
    for name in (DATABASE, CURATOR):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(template, tmp_path / "home")
    return tmp_path / "home"


def run(*arguments: object) -> Result:
    """Run a subcommand; an error of ours, which the command tree turns into one line, is raised."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json").stdout)


def test_a_change_is_proposed_reviewed_applied_found_and_undone(home: Path) -> None:
    at = ("--home", home)
    text = run("propose", RENAME, SYNONYM, *WHY, "--source", "a textbook", *at).output
    assert "proposal 1" in text and "proposed on revision 1  Ann: radiologists say so" in text
    assert "'haemangioma'" in text and "'pulmo'" in text and "source: a textbook" in text
    assert run_json("proposals", "--status", "proposed", *at)[0]["number"] == 1
    assert "accepted by Bob: fine" in run("review", 1, "--accept", "--reviewer", "Bob", "--comment", "fine", *at).output
    applied = run_json("apply", 1, "--by", "Carol", *at)
    assert (applied["status"], applied["revision"]) == ("applied", 2)
    assert run_json("apply", 1, "--by", "Carol", *at)["revision"] == 2

    assert [e["sequence"] for e in run_json("history", *at)] == [2, 1]
    for search in (["--search", "PULMO textbook"], ["--label", "haemangioma"], ["--author", "Ann"], ["--limit", 1]):
        expected = [2, 1] if search[0] == "--label" else [2]
        assert [e["sequence"] for e in run_json("history", *search, *at)] == expected
    assert run("history", "--search", "nowhere", *at).output == "no revisions\n"
    whole = run("history", 2, *at).output
    assert "revision 2" in whole and "(proposal 1)" in whole and "review: Bob, " in whole and "'pulmo'" in whole

    assert run_json("undo", 2, "--author", "Ann", "--reason", "a mistake", *at) == {"undone": 2, "revision": 3}
    assert "taken back by 3" in run("history", *at).output
    with open_store(home / "graph") as store:
        assert load_ontology(store) == load_shipped()
    with pytest.raises(ConflictError, match="took it back already"):
        run("undo", 2, *WHY, *at)


def test_propose_with_apply_needs_a_policy_that_lets_authors_review(home: Path) -> None:
    at = ("--home", home)
    assert run_json("propose", RENAME, *WHY, "--apply", *at)["revision"] == 2
    assert run_json("policy", *at) == {"reviewer_differs": False}
    assert "must differ" in run("policy", "--reviewer-differs", *at).output
    with pytest.raises(UsageError, match="another one reviews"):
        run("propose", SYNONYM, *WHY, "--apply", *at)
    run("propose", SYNONYM, *WHY, *at)
    with pytest.raises(UsageError, match="proposal 2: ann wrote it"):
        run("review", 2, "--accept", "--reviewer", "ann", *at)
    with pytest.raises(UsageError, match="undo of revision 2: Ann wrote it"):
        run("undo", 2, *WHY, *at)
    run("undo", 2, *WHY, "--reviewer", "Bob", *at)
    assert run_json("history", *at)[0]["reason"] == "radiologists say so (reviewed by Bob)"


def test_an_interrupted_apply_is_finished_at_start_up_which_says_so(home: Path) -> None:
    at = ("--home", home)
    for line in (RENAME, SYNONYM):
        run("propose", line, *WHY, *at)
    for number in (1, 2):
        run("review", number, "--accept", "--reviewer", "Bob", *at)
    with open_curation(home) as database, open_store(home / "graph") as store:
        for number in ("1", "2"):
            _begin(database, number, "Carol")
        proposal = find(database, "1")
        apply_changes(store, proposal.change_set, proposal.base, proposal.id)
        with database.write() as connection:
            connection.exec_driver_sql("UPDATE proposals SET worker = 'gone'")
    said = run("proposals", *at)
    assert "proposal 1: its apply was interrupted; the graph took it as revision 2, noted as applied" in said.stderr
    assert (
        "proposal 2: its apply was interrupted; the graph did not take it, rolled back; apply it again" in said.stderr
    )
    assert run("proposals", *at).stderr == ""
    assert [one["status"] for one in run_json("proposals", *at)] == ["accepted", "applied"]
    assert run_json("apply", 2, "--by", "Carol", *at)["revision"] == 3


def test_changes_come_from_files_and_history_gives_them_back(home: Path, tmp_path: Path) -> None:
    at = ("--home", home)
    lines = tmp_path / "changes.txt"
    lines.write_text(f"# two\n{RENAME}\n{SYNONYM}\n", encoding="utf-8")
    made = run_json("propose", "--file", lines, *WHY, *at)
    assert len(made["change_set"]["changes"]) == 2
    saved = tmp_path / "changes.json"
    saved.write_text(json.dumps(made["change_set"]), encoding="utf-8")
    again = run_json("propose", "--file", saved, "--reason", "once more", *at)
    assert again["change_set"] == {**made["change_set"], "reason": "once more"}
    revised = run_json("propose", SYNONYM, *WHY, "--revise", 2, *at)
    assert (revised["number"], len(revised["change_set"]["changes"])) == (2, 1)
    run("withdraw", 1, "--by", "Ann", "--comment", "twice", *at)
    assert "withdrawn by Ann: twice" in run("proposals", 1, *at).output
    draft = run_json("propose", RENAME, *WHY, "--draft", *at)
    assert (draft["status"], run_json("submit", draft["number"], "--by", "Ann", *at)["status"]) == ("draft", "proposed")


def test_new_labels_of_two_proposals_get_two_ids(home: Path) -> None:
    at = ("--home", home)
    made = [run_json("propose", f"create class '{name}' #: class 'type'", *WHY, *at) for name in ("one", "two")]
    ids = [one["change_set"]["changes"][0]["after"]["id"] for one in made]
    assert ids[0] != ids[1]
    for number in (1, 2):
        run("review", number, "--accept", "--reviewer", "Bob", *at)
        run("apply", number, "--by", "Ann", *at)
    assert [entry["labels"] for entry in run_json("history", "--limit", 2, *at)] == [[ids[1]], [ids[0]]]


def test_the_measured_impact_is_kept(home: Path) -> None:
    line = "delete edge 'lung nodule' located_in 'lung'"
    made = run_json("propose", line, *WHY, "--impact", "official", "--home", home)
    assert made["change_set"]["impact"].startswith("official: ") and "lesions change" in made["change_set"]["impact"]


def test_an_error_is_refused_with_its_way_out_and_nothing_is_kept(home: Path) -> None:
    at = ("--home", home)
    cycle = "create edge 'lung' located_in 'lung nodule'"
    with pytest.raises(ChangeRefusedError, match=r"drop .* nothing was saved"):
        run("propose", cycle, *WHY, *at)
    assert run("proposals", *at).output == "no proposals\n"
    assert run_json("propose", cycle, *WHY, "--draft", *at)["status"] == "draft"


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        pytest.param(["propose", *WHY], UsageError, "give lines of changes, or --file", id="nothing"),
        pytest.param(["propose", "x", "--file", "y"], UsageError, "one of them", id="both"),
        pytest.param(["propose", SYNONYM, "--reason", "x"], UsageError, "has no author", id="nobody"),
        pytest.param(["propose", SYNONYM, "--author", "x"], UsageError, "has no reason", id="no reason"),
        pytest.param(["propose", "what is this", *WHY], InputError, "line 1", id="no change"),
        pytest.param(["propose", "--file", "absent.json", *WHY], InputError, "cannot be read", id="no file"),
        pytest.param(["propose", SYNONYM, *WHY, "--override", "x"], UsageError, "RULE=REASON", id="override"),
        pytest.param(["propose", SYNONYM, *WHY, "--base", "7"], UsageError, "revision 7: there is none", id="base"),
        pytest.param(["propose", SYNONYM, *WHY, "--apply", "--draft"], UsageError, "not together", id="apply draft"),
        pytest.param(["propose", SYNONYM, *WHY, "--revise", "7"], UsageError, "proposal 7: there is none", id="revise"),
        pytest.param(["review", "1", "--reviewer", "x"], UsageError, "--accept and --reject", id="neither"),
        pytest.param(["review", "1", "--accept", "--reviewer", "x"], UsageError, "there is none", id="no proposal"),
        pytest.param(["proposals", "--status", "odd"], UsageError, "use one of draft", id="status"),
        pytest.param(["proposals", "--label", "odd"], UsageError, "label 'odd'", id="label"),
        pytest.param(["history", "7"], UsageError, "revision 7: there is none", id="revision"),
        pytest.param(["history", "--since", "yesterday"], UsageError, "no day or time", id="since"),
        pytest.param(["undo", "1", *WHY], UsageError, "loaded a whole ontology", id="undo import"),
        pytest.param(["undo", "1", "--author", "x"], UsageError, "--reason", id="undo without reason"),
    ],
)
def test_what_is_asked_for_wrongly(
    template: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], error: type[Exception], said: str
) -> None:
    for name in (DATABASE, CURATOR):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(error, match=said):
        run(*arguments, "--home", template)


def test_who_acts_comes_from_the_environment_or_is_the_login(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = ("--home", home)
    monkeypatch.setenv(CURATOR, "Dana")
    assert run_json("propose", SYNONYM, "--reason", "why not", *at)["author"] == "Dana"
    assert run_json("review", 1, "--accept", *at)["events"][-1]["actor"] == "Dana"
    monkeypatch.delenv(CURATOR)
    monkeypatch.setattr("getpass.getuser", lambda: "login")
    assert run_json("apply", 1, *at)["events"][-1]["actor"] == "login"

    def nobody() -> str:
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nobody)
    with pytest.raises(UsageError, match=f"give --by, or set {CURATOR}"):
        run("withdraw", 1, *at)

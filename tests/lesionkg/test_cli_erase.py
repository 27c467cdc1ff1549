"""``lesionkg erase``: nothing of a patient is left anywhere, the others stay, and a killed erasure goes on."""

from __future__ import annotations

import io
import json
import re
import shutil
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import graphs
import numpy as np
import pyarrow.parquet as pq
import pytest
from erasable_home import KILLS, LESION, OTHER, PATIENT, REAL, RUN, TEXT, everything, killed, make_home

from ingest.images.build_cache import verify_cache
from ingest.images.patch_cache import PatchCache
from kg.cohort import Cohort
from kg.connect import open_store
from kg.curation.pending import PendingChanges
from kg.curation.proposal_tables import open_curation
from kg.errors import TrainingError
from kg.graph_cohort import freeze, load_cohort
from kg.graph_lines import read_content
from kg.integrity import edge_counts
from learn.run import require_nobody_erased
from learn.run_folder import read_config
from lesionkg.cli.app import run
from queries.history import QueryHistory
from queries.saved import SavedQueries

WORDS = (LESION, PATIENT, REAL, "ACC-900001", "REPORT-55501", "cheerful gardener")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("template") / "home"
    make_home(home)
    return home


@pytest.fixture(scope="module")
def erased(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after an erasure that nobody disturbed."""
    home = tmp_path_factory.mktemp("erased") / "home"
    shutil.copytree(template, home)
    assert run(["erase", PATIENT, "--yes", "--home", str(home)]) == 0
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "home"))


def test_before_it_the_patient_is_in_graph_vault_and_files(template: Path) -> None:
    found = everything(template)
    assert all(word.encode() in found for word in WORDS)


def test_after_it_no_byte_names_him(erased: Path) -> None:
    found = everything(erased).replace(b"HOSPITAL-47110", b"")
    assert [word for word in WORDS if word.encode() in found] == []
    assert [word for word in WORDS if word.encode("utf-32-le") in found] == []


def test_his_surrogates_are_gone_and_the_other_patient_stays(template: Path, erased: Path) -> None:
    gone, left = _surrogates(template) - _surrogates(erased), _surrogates(erased)
    assert {surrogate[0] for surrogate in gone} == {"P", "S", "R", "L", "T"}
    assert all(surrogate.encode() not in everything(erased) for surrogate in gone)
    assert len(left) == 5
    with open_store(erased / "graph", read_only=True) as store:
        held = {row["id"] for row in store.read("MATCH (n) WHERE n.id IS NOT NULL RETURN n.id AS id ORDER BY id")}
        assert left <= held
        assert OTHER in held
        assert all(count.agrees for count in edge_counts(store))


def test_the_cohort_says_what_happened_and_can_be_used_and_frozen_anew(
    template: Path, erased: Path, tmp_path: Path
) -> None:
    graph = shutil.copytree(erased / "graph", tmp_path / "graph")
    with open_store(template / "graph", read_only=True) as store:
        before = load_cohort(store, "lesanet")
    with open_store(graph) as store:
        after = load_cohort(store, before.id)
        anew = freeze(store, "again", before.id)
    assert after.erased is not None
    assert after.erased.lesions == 1
    assert after.table.equals(before.filter(np.array([i != LESION for i in before.table["lesion"].to_pylist()])).table)
    assert after.label_data_hash != before.label_data_hash
    assert after.label_data_hashes == (after.label_data_hash, before.label_data_hash)
    assert anew.erased is None
    assert LESION not in anew.table["lesion"].to_pylist()
    after.write_parquet(tmp_path / "cohort.parquet")
    assert Cohort.read_parquet(tmp_path / "cohort.parquet").erased == after.erased
    with pytest.raises(TrainingError, match="erased from cohort"):
        require_nobody_erased(SimpleNamespace(run_id="r", lesions=(LESION,)), after)  # type: ignore[arg-type]


def test_commands_tell_of_the_erasure(erased: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["cohort", "show", "lesanet", "--home", str(erased)]) == 0
    assert "1 of its lesions were erased" in capfd.readouterr().out
    assert run(["cohort", "list", "--home", str(erased)]) == 0
    assert "(1 erased)" in capfd.readouterr().out
    assert run(["graph", "verify", "--home", str(erased)]) == 0
    assert run(["ingest", "images", "--verify", "--home", str(erased)]) == 0


def test_files_lose_him_and_keep_the_others(erased: Path) -> None:
    exports = erased / "exports"
    assert sorted(path.name for path in exports.iterdir()) == ["rows.csv", "rows.json", "rows.jsonl", "rows.parquet"]
    assert (exports / "rows.csv").read_text() == f"lesion,note\n{OTHER},c\n"
    assert json.loads((exports / "rows.json").read_text()) == {"rows": [[OTHER, 2]]}
    assert pq.read_table(exports / "rows.parquet").to_pylist() == [{"a": [OTHER], "n": 2}]
    assert (erased / "queries" / "mine.cypher").read_text() == "MATCH (l:Lesion {id: '[erased]'}) RETURN l.id"
    assert (erased / "vault-notes.txt").read_text() == "[erased] was here, HOSPITAL-47110 too"
    assert (erased / "patches" / "problems.csv").read_text() == f"lesion,reason\n{OTHER},y\n"


def test_the_patch_cache_holds_the_others_as_they_were(template: Path, erased: Path) -> None:
    before, after = PatchCache.open(template / "patches"), PatchCache.open(erased / "patches")
    assert set(before.lesions) - set(after.lesions) == {LESION}
    assert verify_cache(after) == ()
    for lesion in after.lesions:
        assert np.array_equal(after.pixels[after.row_of[lesion]], before.pixels[before.row_of[lesion]])
    assert before.pixels[before.row_of[LESION]].tobytes() not in (erased / "patches" / "patches.i16").read_bytes()


def test_the_run_is_whole_and_has_no_prediction_for_him(erased: Path) -> None:
    folder = erased / "runs" / RUN
    assert read_config(folder, "lesionkg-run/1")["erased"] == 1
    assert LESION not in pq.read_table(folder / "predictions.parquet")["lesion"].to_pylist()


def test_texts_that_stay_lose_his_ids_only(erased: Path) -> None:
    with open_store(erased / "graph", read_only=True) as store:
        (reason,) = store.read("MATCH (r:Revision {head: true}) RETURN r.reason AS reason ORDER BY reason")
    assert reason["reason"] == f"after a look at [erased], {OTHER}"
    with sqlite3.connect(erased / "curation.sqlite") as database:
        rows = database.execute("SELECT action, subject, details FROM audit ORDER BY number").fetchall()
    assert rows[0] == ("lesion", "[erased]", '{"looked": "twice"}')
    assert [row[0] for row in rows[1:]] == ["erasure", "erasure"]
    assert all(re.fullmatch("E-[0-9a-f]{16}", row[1]) for row in rows[1:])


def test_queries_and_unfinished_changes_lose_him_and_can_still_be_read(erased: Path) -> None:
    with open_curation(erased) as database:
        free, given = QueryHistory(database).of("anna")
        pending = PendingChanges(database, "a graph").read("anna")
    assert (given.name, given.given, given.outcome) == ("similar-lesions", {"lesion": "[erased]"}, "5 rows")
    assert free.cypher == "MATCH (p:Patient {id: '[erased]'}) RETURN p.id"
    assert free.outcome == "refused near [erased]"
    assert pending.entries == ("create synonym 'as in [erased]' for 'lung'",)
    assert (pending.reason, pending.source) == ("see [erased]", "[erased]")
    saved = SavedQueries(erased / "queries").read("one-lesion")
    assert (saved.title, saved.question, saved.problem) == ("Lesion [erased]", "What of [erased]?", "")
    assert [one.default for one in saved.parameters] == ["[erased]"]


def test_a_dry_run_tells_everything_and_changes_nothing(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said = _json(["erase", PATIENT, "--dry-run", "--home", str(home)], capfd)
    assert {name: said["subject"][name] for name in ("patients", "lesions", "reports")} == {
        "patients": 2,  # one person under two ids
        "lesions": 3,
        "reports": 1,
    }
    assert said["runs"][0]["run"] == RUN
    assert list(said["runs"][0]["splits"].values()) == [1]
    assert "exports/rows.parquet" in said["files"]
    assert LESION.encode() in everything(home)


@pytest.mark.slow
@pytest.mark.parametrize("points", [["folder aside"], list(KILLS)])
def test_a_killed_erasure_goes_on_and_ends_like_one_that_was_not(
    points: list[str], home: Path, erased: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for point in points:
        killed(home, point)
    said = _json(["erase", PATIENT, "--yes", "--home", str(home)], capfd)
    assert said["proved"]
    assert said["cohorts"]  # known from the plan, though the graph forgot
    assert _content(home) == _content(erased)
    names = [sorted(str(p.relative_to(f)) for p in f.rglob("*") if "graph" not in p.parts) for f in (home, erased)]
    assert names[0] == names[1]
    left = everything(home).replace(b"HOSPITAL-47110", b"")
    assert [word for word in WORDS if word.encode() in left] == []


def test_the_identifier_comes_on_standard_input_and_a_backup_is_told_of(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["graph", "backup", str(home / "old.zip"), "--home", str(home)]) == 0
    words = ["erase", "--identifier", "--yes", "--home", str(home)]
    for more, code in ((), 1), (["--keep-backups"], 0):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{REAL}\n"))
        capfd.readouterr()
        assert run([*words, *more]) == code
        out, err = capfd.readouterr()
        assert "old.zip: a backup that holds the patient" in err
        assert [word for word in WORDS if word in out + err] == []
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{REAL}\n"))
    assert run(words) == 2
    assert "neither graph nor vault knows" in capfd.readouterr().err


def test_what_it_cannot_clean_is_named_by_place_and_nothing_is_called_proved(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (home / "strange.bin").write_bytes(b"\0\1" + LESION.encode())
    (home / "torn.parquet").write_bytes(b"PAR1 nothing")
    assert run(["erase", PATIENT, "--yes", "--home", str(home)]) == 1
    err = capfd.readouterr().err
    assert "strange.bin: still names the patient" in err
    assert "torn.parquet (cannot be read" in err
    assert LESION not in err
    assert REAL in (home / "vault.db").read_bytes().decode("latin-1")  # so that it can be searched for again
    (home / "strange.bin").unlink()
    (home / "torn.parquet").unlink()
    assert run(["erase", PATIENT, "--yes", "--home", str(home)]) == 0


def test_it_refuses_beside_a_server_and_for_a_stranger(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with graphs.serving(home / "graph"):
        assert run(["erase", PATIENT, "--yes", "--home", str(home)]) == 1
    assert "a server (process" in capfd.readouterr().err
    assert run(["erase", "DL:P9999", "--yes", "--home", str(home)]) == 2
    assert run(["erase", "--yes", "--home", str(home)]) == 2
    assert TEXT.splitlines()[1].encode() in everything(home)


def _json(words: list[str], capfd: pytest.CaptureFixture[str]) -> Any:
    capfd.readouterr()
    assert run([*words, "--json"]) == 0
    return json.loads(capfd.readouterr().out)


def _surrogates(home: Path) -> set[str]:
    with sqlite3.connect(home / "vault.db") as vault:
        return {row[0] for row in vault.execute("SELECT surrogate FROM surrogates")}


def _content(home: Path) -> str:
    with open_store(home / "graph", read_only=True) as store:
        return store.read_transaction(lambda tx: read_content(tx).content_hash)

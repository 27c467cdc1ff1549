"""The vault, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import logging
import multiprocessing
import re
import sqlite3
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import postgres
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, inspect, text

from ingest.vault import PREFIXES, Mark, StoredReport, Vault
from kg.errors import LesionKGError, SchemaVersionError, StoreError, UsageError


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    try:
        with postgres.running() as url:
            yield url
    except postgres.NoPostgresError as error:
        pytest.skip(str(error))


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty vault on each engine in turn."""
    if request.param == "sqlite":
        return str(tmp_path / "vault.db")
    return postgres.new_database(request.getfixturevalue("server"))


@pytest.fixture
def vault(where: str) -> Iterator[Vault]:
    with Vault(where) as opened:
        yield opened


def stored(vault: Vault, number: int, source: str = "reports", text: str = "the text") -> StoredReport:
    return StoredReport(vault.surrogate("report", source, str(number)), source, str(number), text, "P-1", "S-1")


def ask(where: str, names: list[str], pipe: object) -> None:
    """In a process of its own: ask for surrogates, key by key."""
    with Vault(where) as vault:
        pipe.send({name: vault.surrogate("patient", name) for name in names})  # type: ignore[attr-defined]


def test_a_key_has_one_surrogate_in_every_run(where: str) -> None:
    with Vault(where) as vault:
        first = vault.surrogates("patient", [("MRN-1",), ("MRN-2",)])
        study = vault.surrogate("study", "MRN-1", "A1")
    with Vault(where) as vault:
        assert vault.surrogates("patient", [("MRN-2",), ("MRN-1",)]) == first
        assert vault.surrogate("study", "MRN-1", "A1") == study
        assert vault.real_key(study) == ("MRN-1", "A1")
        assert vault.surrogate("study", "MRN-2", "A1") != study
        assert len(set(first.values())) == 2


def test_surrogates_say_nothing_of_the_key(where: str, tmp_path: Path) -> None:
    with Vault(where) as vault, Vault(tmp_path / "other.db") as other:
        for kind, prefix in PREFIXES.items():
            surrogate = vault.surrogate(kind, "MRN-1")
            assert re.fullmatch(rf"{prefix}-[0-9a-f]{{20}}", surrogate)
            assert surrogate != other.surrogate(kind, "MRN-1")
        assert vault.digest("a", "b") == vault.digest("a", "b")
        assert (
            len({vault.digest("a", "b"), vault.digest("ab"), vault.digest("a", "b", ""), other.digest("a", "b")}) == 4
        )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(st.text(st.characters(codec=None), max_size=8), min_size=1, max_size=3).map(tuple), max_size=6)
)
def test_any_key_comes_back(vault: Vault, keys: list[tuple[str, ...]]) -> None:
    found = vault.surrogates("study", keys)
    assert set(found) == set(keys)
    assert len(set(found.values())) == len(found)
    assert {vault.real_key(surrogate) for surrogate in found.values()} == set(keys)


def test_keys_of_any_length_and_number_fit(vault: Vault) -> None:
    keys = [(f"{number}" * 5000,) for number in range(3)] + [(str(number),) for number in range(1201)]
    found = vault.surrogates("patient", keys)
    assert len(set(found.values())) == len(keys)
    assert vault.surrogates("patient", keys[:2]) == {key: found[key] for key in keys[:2]}


def test_processes_that_ask_at_the_same_time_get_the_same_surrogates(where: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    names = [f"MRN-{number}" for number in range(40)]
    pipes = [spawn.Pipe(duplex=False) for _ in range(3)]
    processes = [
        spawn.Process(target=ask, args=(where, names[::order], sender))
        for order, (_, sender) in zip((1, -1, 1), pipes, strict=True)
    ]
    for process in processes:
        process.start()
    answers = [receiver.recv() for receiver, _ in pipes]
    for process in processes:
        process.join()
    assert answers[0] == answers[1] == answers[2]
    assert len(set(answers[0].values())) == len(names)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param("a\0b \x07 \u00a0 é 日本 \U0001f9ec \udce4 c\r\n", id="every kind of character"),
        pytest.param("x" * 10_000_000, id="ten megabytes"),
    ],
)
def test_a_text_comes_back_as_it_was(vault: Vault, content: str) -> None:
    report = stored(vault, 1, text=content)
    vault.add_reports([report], "run 1")
    assert vault.report(report.report) == report


def test_looking_for_a_key_gives_it_no_surrogate(vault: Vault) -> None:
    given = vault.surrogate("report", "reports", "R1")
    assert vault.find("report", [("reports", "R1"), ("reports", "R2")]) == {("reports", "R1"): given}
    assert vault.find("report", [("reports", "R2")]) == {}


def test_reports_are_replaced_listed_by_run_and_forgotten(vault: Vault) -> None:
    first, second, other = stored(vault, 1), stored(vault, 2), stored(vault, 1, "elsewhere")
    assert len({first.report, second.report, other.report}) == 3
    vault.add_reports([first, second, other], "run 1")
    vault.add_reports([replace(first, text="changed", study="S-2")], "run 2")
    assert vault.report(first.report).text == "changed"
    assert vault.owners([first.report, second.report, "T-0"]) == {
        first.report: ("P-1", "S-2"),
        second.report: ("P-1", "S-1"),
    }
    assert vault.seen([first.report, second.report], "run 2") == {first.report}
    assert vault.unseen("reports", "run 2", 10) == [second.report]
    vault.confirm([second.report], "run 2")
    assert vault.unseen("reports", "run 2", 10) == []
    vault.forget([second.report])
    assert set(vault.reports([first.report, second.report, other.report])) == {first.report, other.report}
    assert vault.surrogate("report", "reports", "2") == second.report
    with pytest.raises(UsageError, match=second.report):
        vault.report(second.report)


def test_marks_are_kept_by_study_and_replaced(vault: Vault) -> None:
    mark = Mark("L-1", "P-1", "S-1", "R-1", 4, 61, "BM-7", 22.0, None)
    further = replace(mark, image=9, bookmark="")
    vault.add_marks([mark, further, replace(mark, lesion="L-2", study="S-2")])
    assert vault.marks(["S-1", "S-3"]) == {"S-1": (further, mark), "S-3": ()}
    vault.add_marks([replace(mark, long_mm=23.0)])
    assert vault.marks(["S-1"])["S-1"] == (further, replace(mark, long_mm=23.0))


def test_a_failed_step_stores_nothing(vault: Vault) -> None:
    good = stored(vault, 1)
    with pytest.raises(StoreError, match="refused"):
        vault.add_reports([good, replace(stored(vault, 2), patient=None)], "run 1")  # type: ignore[arg-type]
    assert vault.reports([good.report]) == {}


def test_two_vaults_made_at_once_are_one(where: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    pipes = [spawn.Pipe(duplex=False) for _ in range(2)]
    processes = [spawn.Process(target=ask, args=(where, ["MRN-1"], sender)) for _, sender in pipes]
    for process in processes:
        process.start()
    answers = [receiver.recv() for receiver, _ in pipes]
    for process in processes:
        process.join()
    with Vault(where) as vault:
        assert answers == [{"MRN-1": vault.surrogate("patient", "MRN-1")}] * 2


def test_a_newer_vault_is_not_touched(where: str) -> None:
    Vault(where).close()
    engine = create_engine(where if "://" in where else f"sqlite:///{where}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE vault SET value = '99' WHERE name = 'version'"))
    engine.dispose()
    with pytest.raises(SchemaVersionError, match="version 99, newer than 1"):
        Vault(where)


def test_the_tables_are_the_same_on_both_engines(where: str) -> None:
    Vault(where).close()
    engine = create_engine(where if "://" in where else f"sqlite:///{where}")
    names = {table: {column["name"] for column in inspect(engine).get_columns(table)} for table in ("marks", "reports")}
    engine.dispose()
    assert set(Mark.__slots__) == names["marks"]
    assert "text" in names["reports"]


def test_the_sqlite_files_are_for_their_owner_only(tmp_path: Path) -> None:
    where = tmp_path / "new" / "vault.db"
    with Vault(where) as vault:
        vault.add_reports([stored(vault, 1)], "run 1")
        files = sorted(where.parent.iterdir())
        assert where.with_name("vault.db-wal") in files
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    where.chmod(0o644)
    Vault(where).close()
    assert stat.S_IMODE(where.stat().st_mode) == 0o600
    with sqlite3.connect(where) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_nothing_of_a_patient_or_password_is_shown(
    where: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with Vault(where) as vault:
        report = replace(stored(vault, 1), id="ACC-7", text="Erika Mustermann", date="2020-01-02")
        mark = Mark("L-1", "P-1", "S-1", "R-1", 4711, 815, "BM-Mustermann")
        vault.add_reports([report], "run 1")
        vault.add_marks([mark])
        vault.surrogate("patient", "MRN-0815")
        with pytest.raises(StoreError) as caught:
            vault.add_reports([replace(report, patient=None)], "run 1")  # type: ignore[arg-type]
        assert caught.value.__cause__ is None
        shown = [repr(vault), repr(report), repr(mark), str(caught.value), *capfd.readouterr()]
    shown += [
        record.getMessage() for record in caplog.records if record.name.startswith(("sqlalchemy", "ingest", "kg"))
    ]
    for word in ("Mustermann", "MRN-0815", "ACC-7", "4711", "815", "2020-01-02", "SecretPassword"):
        assert not [line for line in shown if word in line]


@pytest.mark.parametrize(
    ("address", "error", "words"),
    [
        pytest.param("mysql://u:SecretPassword@h/db", UsageError, "'mysql': unknown", id="another kind of database"),
        pytest.param(
            "postgresql+psycopg://u:SecretPassword@h:port/db", UsageError, "not readable", id="no port number"
        ),
        pytest.param(
            "postgresql+psycopg://u:SecretPassword@127.0.0.1:1/db", StoreError, r"u:\*\*\*@127", id="no server"
        ),
        pytest.param("postgresql://u:SecretPassword@127.0.0.1:1/db", StoreError, r"u:\*\*\*@127", id="short scheme"),
    ],
)
def test_a_wrong_address_is_one_line_without_the_password(address: str, error: type[LesionKGError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        Vault(address)
    assert "SecretPassword" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda path: path.write_bytes(b"no database" * 100), id="another file"),
        pytest.param(lambda path: path.mkdir(), id="a folder"),
    ],
)
def test_a_file_that_is_no_vault_is_refused(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    path = tmp_path / "vault.db"
    spoil(path)
    with pytest.raises(StoreError, match=r"vault .*vault.db: (refused|is damaged)"):
        Vault(path)

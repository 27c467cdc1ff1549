"""The audit log: what is asked of it, who writes it at the same time, and what happens when it cannot be written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from postgres import NoPostgresError, running
from sqlalchemy import text

from kg.curation.proposal_tables import open_curation_at
from kg.errors import StoreError, UsageError
from kg.relational import Database
from lesionkg.server.audit import Action, Audit, Filter
from lesionkg.server.people import Role, User
from lesionkg.server.users import Users

ANNA, BEN = User("anna", Role.READER), User("ben", Role.CURATOR)

WRITER = """
import sys
from kg.curation.proposal_tables import open_curation_at
from lesionkg.server.audit import Action, Audit
from lesionkg.server.people import Role, User
audit = Audit(open_curation_at(sys.argv[1]))
for number in range(40):
    audit.record(User(sys.argv[2], Role.READER), Action.QUERY, str(number))
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path_factory.mktemp("audit") / "curation.sqlite")
        return
    try:
        with running() as url:
            yield url
    except NoPostgresError as error:
        pytest.skip(str(error))


@pytest.fixture
def store(where: str) -> Iterator[Database]:
    with open_curation_at(where) as found:
        Users(found)
        with found.write() as connection:
            for table in ("audit", "users", "sessions"):
                connection.execute(text(f"DELETE FROM {table}"))
        yield found


def test_it_answers_who_did_what_to_what_since_when(store: Database) -> None:
    audit = Audit(store)
    audit.record(ANNA, Action.QUERY, "lesions-of-label", rows=12)
    audit.record(BEN, Action.CHANGE, "LKG:0000012", text="a\0b\ud800 'quoted' {{x}}")
    audit.record(ANNA, Action.LESION, "lesion:7")
    newest, change, query = audit.entries()
    assert (newest.person, newest.action, newest.subject) == ("anna", "lesion", "lesion:7")
    assert query.details == {"rows": 12}
    assert "'quoted' {{x}}" in change.details["text"]
    assert [entry.subject for entry in audit.entries(Filter(person="anna"))] == ["lesion:7", "lesions-of-label"]
    assert [entry.person for entry in audit.entries(Filter(action="change"))] == ["ben"]
    assert [entry.action for entry in audit.entries(Filter(subject="lesion:7"))] == ["lesion"]
    assert audit.entries(Filter(since="2999-01-01")) == ()
    assert len(audit.entries(Filter(since="2000-01-01T00:00+09:00"))) == 3
    assert audit.entries(Filter(since=newest.moment))[0] == newest
    assert audit.entries(Filter(before=newest.number, most=1)) == (change,)
    for wrong in (Filter(action="dance"), Filter(since="yesterday")):
        with pytest.raises(UsageError, match="audit"):
            audit.entries(wrong)


def test_threads_and_processes_write_together_and_no_row_is_lost(store: Database, where: str) -> None:
    audit = Audit(store)
    processes = [subprocess.Popen([sys.executable, "-c", WRITER, where, name]) for name in ("cleo", "dora")]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: audit.record(ANNA, Action.QUERY, str(number)), range(80)))
    assert [process.wait(120) for process in processes] == [0, 0]
    found = audit.entries()
    assert len({entry.number for entry in found}) == 160
    for name, count in (("anna", 80), ("cleo", 40), ("dora", 40)):
        assert {entry.subject for entry in found if entry.person == name} == {str(n) for n in range(count)}


def test_users_and_their_rows_in_the_log_stand_or_fall_together(store: Database) -> None:
    users, audit = Users(store), Audit(store)
    users.add("anna", Role.READER, BEN)
    with pytest.raises(UsageError, match="already"):
        users.add("anna", Role.ADMIN, BEN)
    with pytest.raises(UsageError, match="none of this name"):
        users.remove("zoe", BEN)
    for name in ("", " anna", "an na", "a" * 65, "<b>", "anna\n"):
        with pytest.raises(UsageError, match="user"):
            users.add(name, Role.READER, BEN)
    assert [str(account.user.role) for account in users.accounts()] == ["reader"]
    assert [(entry.subject, entry.details["done"]) for entry in audit.entries()] == [("anna", "add")]


def test_a_row_that_cannot_be_written_stops_what_it_tells_of(tmp_path: Path) -> None:
    with open_curation_at(tmp_path / "curation.sqlite") as store:
        users, audit = Users(store), Audit(store)
        with store.write() as connection:
            connection.execute(text("DROP TABLE audit"))
        with pytest.raises(StoreError):
            users.add("anna", Role.READER, BEN)
        assert users.accounts() == ()
        with pytest.raises(StoreError):
            audit.record(ANNA, Action.QUERY, "any")

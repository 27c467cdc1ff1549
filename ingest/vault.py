"""The vault: report text, and the random surrogates that stand for real identifiers everywhere else.

It is a relational store, SQLite in one file by default, PostgreSQL by URL. Nothing in it is ever written to the graph,
a log or an error: surrogates come from :mod:`secrets`, so that they say nothing of the key they stand for, and errors
name the kind of failure only. A surrogate is given once: the same key has it in every later run and in every process.

Values travel as parameters. Keys are found by their SHA-256, so that a key of any length and any characters fits.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sqlalchemy import Connection, delete, select, update

from ingest.vault_tables import MARKS, METADATA, REPORTS, SURROGATES, VAULT
from kg.errors import UsageError
from kg.relational import Database

if TYPE_CHECKING:
    from types import TracebackType

VAULT_VERSION = 1
"""Version of the tables. A vault with a higher one was written by a newer program and is not touched."""

PREFIXES = {"patient": "P", "study": "S", "series": "R", "lesion": "L", "report": "T"}
"""Kinds of keys, and what the surrogates of each begin with."""

_CHUNK = 500
"""Keys in one statement; SQLite and PostgreSQL allow many more parameters than that."""

Key = tuple[str, ...]
"""A real key: the patient id alone, patient and study, patient, study and series, ..."""


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report as the vault keeps it.

    Attributes:
        report: surrogate of the report.
        source: name of the source it came from.
        id: the source's id.
        text: the report's text.
        patient: surrogate of the patient, "" when unknown.
        study: surrogate of the study, "" when unknown.
        date: date of the study, ISO 8601, "" when unknown.
    """

    report: str
    source: str
    id: str = field(repr=False)
    text: str = field(repr=False)
    patient: str = ""
    study: str = ""
    date: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a lesion was measured, in the numbers of the DICOM headers.

    Attributes:
        lesion: id of the lesion in the graph.
        patient: surrogate of the patient.
        study: surrogate of the study.
        series: surrogate of the series.
        series_number: number of the series.
        image: number of the image.
        bookmark: id that hyperlinks to the lesion carry, "" when none is known.
        long_mm: long diameter, None when unknown.
        short_mm: short diameter, None when unknown.
        origin: who marked it: ``table`` (a lesion table) or ``report`` (a bookmark that no known lesion fitted).
        outside: the lesion was in the graph already when it was marked: somebody else makes its nodes.
    """

    lesion: str
    patient: str
    study: str
    series: str
    series_number: int = field(repr=False)
    image: int = field(repr=False)
    bookmark: str = field(default="", repr=False)
    long_mm: float | None = None
    short_mm: float | None = None
    origin: str = "table"
    outside: bool = False


class Vault:
    """Surrogates, report texts, and the marks of lesions.

    Args:
        where: path of an SQLite file, made when it is absent (readable by its owner only), or the URL of a PostgreSQL
            database (``postgresql+psycopg://user@host/name``). A password comes from the URL, ``PGPASSWORD`` or
            ``~/.pgpass``; it is never shown.

    Raises:
        UsageError: the address is not one of these, or the PostgreSQL driver is not installed.
        SchemaVersionError: a newer program wrote the vault.
        StoreError: it cannot be opened.
    """

    def __init__(self, where: str | Path) -> None:
        self._database = Database(where, "vault")
        self.where = self._database.where
        first = {"digest key": secrets.token_hex(32)}
        stamps = self._database.make_tables(METADATA, VAULT, VAULT_VERSION, first)
        self._digest_key = bytes.fromhex(stamps["digest key"])

    def surrogates(self, kind: str, keys: Iterable[Key]) -> dict[Key, str]:
        """The surrogates of real keys; those that have none yet get one.

        Two processes that ask for the same key at the same time get the same surrogate.

        Args:
            kind: what the keys name, one of ``PREFIXES``.
            keys: real keys.
        """
        wanted = {_key_hash(kind, key): key for key in keys}
        found: dict[Key, str] = {}
        with self._database.write() as connection:
            for part in chunks(sorted(wanted)):
                known = self._known(connection, part)
                new = [
                    {
                        "key_hash": key_hash,
                        "kind": kind,
                        "real_key": json.dumps(wanted[key_hash]),
                        "surrogate": f"{PREFIXES[kind]}-{secrets.token_hex(10)}",
                    }
                    for key_hash in part
                    if key_hash not in known
                ]
                if new:
                    self._database.fill(connection, SURROGATES, *new)
                    known = self._known(connection, part)
                found |= {wanted[key_hash]: surrogate for key_hash, surrogate in known.items()}
        return found

    def find(self, kind: str, keys: Iterable[Key]) -> dict[Key, str]:
        """The surrogates of those real keys that have one already."""
        wanted = {_key_hash(kind, key): key for key in keys}
        with self._database.read() as connection:
            return {
                wanted[key_hash]: surrogate
                for part in chunks(sorted(wanted))
                for key_hash, surrogate in self._known(connection, part).items()
            }

    def surrogate(self, kind: str, *key: str) -> str:
        """The surrogate of one real key; see :meth:`surrogates`."""
        return self.surrogates(kind, [key])[key]

    def given(self, surrogates: Iterable[str]) -> set[str]:
        """Those of the ids that are surrogates of this vault."""
        with self._database.read() as connection:
            return {
                row.surrogate
                for part in chunks(sorted(set(surrogates)))
                for row in connection.execute(select(SURROGATES.c.surrogate).where(SURROGATES.c.surrogate.in_(part)))
            }

    def real_key(self, surrogate: str) -> Key:
        """The real key that a surrogate stands for.

        Raises:
            UsageError: the vault gave out no such surrogate.
        """
        statement = select(SURROGATES.c.real_key).where(SURROGATES.c.surrogate == surrogate)
        with self._database.read() as connection:
            found = connection.execute(statement).scalar_one_or_none()
        if found is None:
            raise UsageError(f"surrogate {surrogate}: not in vault {self.where}; name the vault it was made with")
        return tuple(json.loads(found))

    def digest(self, *parts: str) -> str:
        """A keyed hash: equal parts give the same one, and nobody without the vault can tell what they were."""
        joined = json.dumps(parts).encode()
        return hmac.new(self._digest_key, joined, hashlib.sha256).hexdigest()

    def add_reports(self, reports: Sequence[StoredReport], run: str) -> None:
        """Store reports; one that is there already is replaced.

        Args:
            reports: reports with distinct surrogates.
            run: names the run that saw them.
        """
        if not reports:
            return
        rows = [
            {
                "report": report.report,
                "source": report.source,
                "patient": report.patient,
                "study": report.study,
                "date": report.date.replace("\0", ""),
                "text": report.text.encode("utf-8", "surrogatepass"),
                "run": run,
            }
            for report in reports
        ]
        with self._database.write() as connection:
            statement = self._database.insert(REPORTS)
            replaced = {name: statement.excluded[name] for name in rows[0] if name != "report"}
            connection.execute(statement.on_conflict_do_update(index_elements=["report"], set_=replaced), rows)

    def seen(self, reports: Iterable[str], run: str) -> set[str]:
        """Those of the reports that this run stored or confirmed already."""
        with self._database.read() as connection:
            return {
                row.report
                for part in chunks(list(reports))
                for row in connection.execute(
                    select(REPORTS.c.report).where(REPORTS.c.report.in_(part), REPORTS.c.run == run)
                )
            }

    def confirm(self, reports: Iterable[str], run: str) -> None:
        """Note that a run saw reports as they are stored."""
        with self._database.write() as connection:
            for part in chunks(list(reports)):
                connection.execute(update(REPORTS).where(REPORTS.c.report.in_(part)).values(run=run))

    def unseen(self, source: str, run: str, limit: int) -> list[str]:
        """Up to ``limit`` reports of a source that a run did not see."""
        statement = select(REPORTS.c.report).where(REPORTS.c.source == source, REPORTS.c.run != run)
        with self._database.read() as connection:
            return list(connection.execute(statement.order_by(REPORTS.c.report).limit(limit)).scalars())

    def forget(self, reports: Iterable[str]) -> None:
        """Remove report texts; the surrogates stay given."""
        with self._database.write() as connection:
            for part in chunks(list(reports)):
                connection.execute(delete(REPORTS).where(REPORTS.c.report.in_(part)))

    def owners(self, reports: Iterable[str]) -> dict[str, tuple[str, str]]:
        """The surrogates of patient and study of those reports that are stored."""
        with self._database.read() as connection:
            return {
                row.report: (row.patient, row.study)
                for part in chunks(list(reports))
                for row in connection.execute(
                    select(REPORTS.c.report, REPORTS.c.patient, REPORTS.c.study).where(REPORTS.c.report.in_(part))
                )
            }

    def reports(self, surrogates: Iterable[str]) -> dict[str, StoredReport]:
        """Stored reports by surrogate; one that is not stored is left out. The only place that shows report text."""
        columns = (REPORTS, SURROGATES.c.real_key)
        joined = select(*columns).join(SURROGATES, SURROGATES.c.surrogate == REPORTS.c.report)
        with self._database.read() as connection:
            return {
                row.report: StoredReport(
                    row.report,
                    row.source,
                    json.loads(row.real_key)[-1],
                    row.text.decode("utf-8", "surrogatepass"),
                    row.patient,
                    row.study,
                    row.date,
                )
                for part in chunks(list(surrogates))
                for row in connection.execute(joined.where(REPORTS.c.report.in_(part)))
            }

    def report(self, surrogate: str) -> StoredReport:
        """One stored report.

        Raises:
            UsageError: the vault holds no such report.
        """
        found = self.reports([surrogate]).get(surrogate)
        if found is None:
            raise UsageError(f"report {surrogate}: not in vault {self.where}; name the vault it was mined with")
        return found

    def add_marks(self, marks: Sequence[Mark]) -> None:
        """Remember where lesions were measured; a mark of the same lesion, image and bookmark is replaced."""
        if not marks:
            return
        rows = [{name: getattr(mark, name) for name in Mark.__slots__} for mark in marks]
        where = ["lesion", "series", "image", "bookmark"]
        with self._database.write() as connection:
            statement = self._database.insert(MARKS)
            replaced = {name: statement.excluded[name] for name in rows[0] if name not in where}
            connection.execute(statement.on_conflict_do_update(index_elements=where, set_=replaced), rows)

    def marks(self, studies: Iterable[str]) -> dict[str, tuple[Mark, ...]]:
        """The marks of each study, by its surrogate; sorted, so that equal marks come in equal order."""
        found: dict[str, list[Mark]] = {study: [] for study in studies}
        order = (MARKS.c.series_number, MARKS.c.image, MARKS.c.lesion, MARKS.c.bookmark)
        columns = [MARKS.c[name] for name in Mark.__slots__]
        with self._database.read() as connection:
            for part in chunks(list(found)):
                for row in connection.execute(select(*columns).where(MARKS.c.study.in_(part)).order_by(*order)):
                    found[row.study].append(Mark(**row._mapping))
        return {study: tuple(marks) for study, marks in found.items()}

    @property
    def database(self) -> Database:
        """The store that it is."""
        return self._database

    def close(self) -> None:
        """Close all connections. Closing twice is allowed."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Vault({self.where!r})"

    def _known(self, connection: Connection, hashes: Sequence[str]) -> dict[str, str]:
        statement = select(SURROGATES.c.key_hash, SURROGATES.c.surrogate).where(SURROGATES.c.key_hash.in_(hashes))
        return {row.key_hash: row.surrogate for row in connection.execute(statement)}


def _key_hash(kind: str, key: Key) -> str:
    return hashlib.sha256(json.dumps([kind, *key]).encode()).hexdigest()


def chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many keys at a time as one statement takes."""
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))

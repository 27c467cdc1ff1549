"""What the vault holds of a patient, and its removal.

The real identifiers leave the vault last, when nothing else is left: until then an erasure that was killed can be given
again, and everything can be searched for them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, select

from ingest.vault import Vault, chunks
from ingest.vault_tables import MARKS, REPORTS, SURROGATES
from kg.erasure import Subject

_FRAGMENT = 60
"""Characters of a report's longest line that are looked for outside of the vault."""

REMOVED_LAST = ("surrogates",)
"""Tables that name the patient until :func:`erase_identifiers`."""

_OF_KIND = {"study": "studies", "series": "series", "lesion": "lesions"}


@dataclass(frozen=True, slots=True)
class Identifiers:
    """What the vault knows of a patient in the hospital's own words; nothing of it may be shown or stored elsewhere.

    Attributes:
        names: identifiers of patients, studies and reports; numbers of series and images are not among them.
        fragments: one line of each of his reports.
    """

    names: tuple[str, ...] = field(default=(), repr=False)
    fragments: tuple[str, ...] = field(default=(), repr=False)


def vault_subject(vault: Vault, subject: Subject) -> Subject:
    """The subject with all that the vault knows of its patients, and the patients that own its lesions there."""
    found: dict[str, set[str]] = {name: set() for name in subject.counts}
    with vault.database.read() as connection:
        for column, ids in ((MARKS.c.patient, subject.patients), (MARKS.c.lesion, subject.lesions)):
            for part in chunks(ids):
                for row in connection.execute(select(MARKS).where(column.in_(part))):
                    for name, value in zip(found, (row.patient, row.study, row.series, row.lesion), strict=False):
                        found[name].add(value)
        for patient in subject.patients:
            for report in connection.execute(select(REPORTS).where(REPORTS.c.patient == patient)):
                found["reports"].add(report.report)
                found["studies"].add(report.study)
            for kind, surrogate in _below(connection, patient):
                found[_OF_KIND[kind]].add(surrogate)
    return subject.with_more(**{name: ids - {""} for name, ids in found.items()})


def knows_patient(vault: Vault, surrogate: str) -> bool:
    """Whether the vault gave a surrogate to a patient."""
    statement = select(SURROGATES.c.kind).where(SURROGATES.c.surrogate == surrogate)
    with vault.database.read() as connection:
        return connection.execute(statement).scalar_one_or_none() == "patient"


def patient_of_identifier(vault: Vault, identifier: str) -> str:
    """The surrogate of a hospital's patient identifier; empty when the vault gave none."""
    return vault.find("patient", [(identifier,)]).get((identifier,), "")


def identifiers(vault: Vault, subject: Subject) -> Identifiers:
    """The real identifiers behind the subject's surrogates."""
    texts = vault.reports(subject.reports).values()
    with vault.database.read() as connection:
        keys = [
            json.loads(row.real_key)
            for part in chunks((*subject.patients, *subject.studies))
            for row in connection.execute(select(SURROGATES.c.real_key).where(SURROGATES.c.surrogate.in_(part)))
        ]
    names = {part for key in keys for part in key} | {report.id for report in texts}
    return Identifiers(tuple(sorted(names)), tuple(sorted(filter(None, (_fragment(report.text) for report in texts)))))


def erase_from_vault(vault: Vault, subject: Subject) -> int:
    """Remove report texts and marks; the surrogates stay given (:func:`erase_identifiers`).

    Returns:
        Rows removed.
    """
    wanted = (
        (REPORTS, REPORTS.c.report, subject.reports),
        (REPORTS, REPORTS.c.patient, subject.patients),
        (MARKS, MARKS.c.patient, subject.patients),
        (MARKS, MARKS.c.lesion, subject.lesions),
    )
    with vault.database.write() as connection:
        return sum(
            connection.execute(delete(table).where(column.in_(part))).rowcount
            for table, column, ids in wanted
            for part in chunks(ids)
        )


def erase_identifiers(vault: Vault, subject: Subject) -> int:
    """Remove the surrogates with the identifiers behind them, and write the store anew.

    A key that comes again gets another surrogate.

    Returns:
        Rows removed.
    """
    with vault.database.write() as connection:
        removed = sum(
            connection.execute(delete(SURROGATES).where(SURROGATES.c.surrogate.in_(part))).rowcount
            for part in chunks(sorted(subject.ids))
        )
    vault.database.compact()
    return removed


def _below(connection: Connection, patient: str) -> list[tuple[str, str]]:
    """Kind and surrogate of everything whose real key begins with that of a patient."""
    of_patient = select(SURROGATES.c.real_key).where(SURROGATES.c.surrogate == patient, SURROGATES.c.kind == "patient")
    key = connection.execute(of_patient).scalar_one_or_none()
    if key is None:
        return []
    beginning = SURROGATES.c.real_key.startswith(f"{key[:-1]}, ", autoescape=True)
    rows = connection.execute(select(SURROGATES).where(SURROGATES.c.kind.in_(_OF_KIND), beginning))
    return [(row.kind, row.surrogate) for row in rows]


def _fragment(text: str) -> str:
    """The beginning of the longest line, cut between words: in text, whole words are looked for."""
    lines: Sequence[str] = [line.strip() for line in text.splitlines()]
    longest = max(lines, key=len, default="")
    return longest if len(longest) <= _FRAGMENT else longest[:_FRAGMENT].rpartition(" ")[0] or longest

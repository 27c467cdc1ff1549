"""What of a result may leave in a shared export: nothing that is about fewer than a set number of patients.

The rule, in this order:

1. A named query that reads labels and their listed relations only is about no patient: it leaves as it is.
2. Where the query itself counts patients, ``count(DISTINCT p.id) AS patients`` in its last RETURN with ``p`` a
   ``Patient``, rows with a smaller count are hidden.
3. Else, where columns hold ids of patients, studies, series, lesions, reports or sentences, also inside of lists and
   maps, rows that are the same in all other columns form a group. A group is hidden when one of these columns speaks of
   too few patients.
4. Any other result is refused: nobody can tell how many patients it is about.

In 2 and 3 the columns with such ids are left out: with them, two exports could be joined to smaller groups. The notes
say how many rows were hidden.

This keeps people from giving small groups away by mistake. It does not stop somebody who may ask the graph anything and
wants to: two exports can still be subtracted, and a query can count patients that its rows are not about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from kg.errors import UsageError
from kg.store import GraphStore
from queries.catalogue import named
from queries.request import Request
from queries.results import Result
from queries.tokens import Kind, Token, tokenize

COLUMN = "patients"
"""Name of the column that counts patients."""

_LONGEST_ID = 300
_SLICE = 5000

_OF_PATIENTS = frozenset(
    """
    Patient Study Series Lesion Report Sentence Cohort HAS_STUDY HAS_SERIES HAS_LESION HAS_SENTENCE DESCRIBES MENTIONS
    HAS_LABEL MAY_HAVE_LABEL MENTIONED_NOT_ABOUT LACKS_LABEL SUPERSEDED PREDICTED SCORED SIMILAR_TO SAME_LESION_AS
    IN_COHORT CORRELATES_WITH
    """.upper().split()
)
"""Nodes and relationships that hang on patients, in capitals."""

_PATIENTS = tuple(
    f"UNWIND $ids AS id {pattern} RETURN id, p.id AS patient ORDER BY id, patient"
    for pattern in (
        "MATCH (p:Patient {id: id})",
        "MATCH (t:Study {id: id}) OPTIONAL MATCH (t)<-[:HAS_STUDY]-(p:Patient)",
        "MATCH (s:Series {id: id}) OPTIONAL MATCH (s)<-[:HAS_SERIES]-(:Study)<-[:HAS_STUDY]-(p:Patient)",
        "MATCH (l:Lesion {id: id}) "
        "OPTIONAL MATCH (l)<-[:HAS_LESION]-(:Series)<-[:HAS_SERIES]-(:Study)<-[:HAS_STUDY]-(p:Patient)",
        "MATCH (r:Report {id: id}) OPTIONAL MATCH (p:Patient {id: r.patient})",
        "MATCH (s:Sentence {id: id}) "
        "OPTIONAL MATCH (s)<-[:HAS_SENTENCE]-(r:Report) OPTIONAL MATCH (p:Patient {id: r.patient})",
    )
)


def disclosable(result: Result, request: Request, smallest: int, store: GraphStore) -> Result:
    """The part of a result that may be shared.

    Args:
        result: what was found.
        request: what was asked.
        smallest: patients in the smallest group that is shown; below 2 the result comes back as it is.
        store: the graph, to find the patient of an id.

    Raises:
        UsageError: nobody can tell how many patients the result is about; the message says how to ask instead.
    """
    if smallest < 2 or (request.name and not _is_of_patients(request.name)):
        return result
    patients = _patients_of(_texts(result.rows), store)
    personal = [place for place in range(len(result.columns)) if _ids(result, place, patients)]
    counted = result.columns.index(COLUMN) if COLUMN in result.columns and _counts_patients(request) else None
    if counted is not None and counted not in personal:
        shown = [_is_enough(row[counted], smallest) for row in result.rows]
    elif personal or not result.rows:
        shown = _of_large_groups(result, personal, patients, smallest)
    else:
        raise UsageError(
            f"export: it cannot be told how many patients a row is about, and fewer than {smallest} are not shown; "
            "let the last RETURN say count(DISTINCT p.id) AS patients, where p is matched as (p:Patient)"
        )
    kept = [place for place in range(len(result.columns)) if place not in personal]
    rows = tuple(tuple(row[place] for place in kept) for row, show in zip(result.rows, shown, strict=True) if show)
    notes = list(result.notes)
    if hidden := len(result.rows) - len(rows):
        notes.append(f"{hidden} row{'s' * (hidden != 1)} about fewer than {smallest} patients hidden.")
    if personal:
        left = ", ".join(result.columns[place] for place in personal)
        notes.append(f"Columns with ids left out: {left}.")
    return replace(result, columns=tuple(result.columns[place] for place in kept), rows=rows, notes=tuple(notes))


def _is_of_patients(name: str) -> bool:
    """Whether a named query speaks of anything that hangs on patients; ours name every node and relationship."""
    return any(token.value.upper() in _OF_PATIENTS for token in tokenize(named(name).text) if token.kind is Kind.WORD)


def _counts_patients(request: Request) -> bool:
    """Whether the column really counts the patients of each row, as far as the text tells."""
    if request.name:
        return True  # its header promises the column, and tests hold it to that
    tokens = tokenize(request.cypher)
    words = [token.upper or token.value for token in tokens]
    if "UNION" in words or "RETURN" not in words:
        return False
    last = len(words) - 1 - words[::-1].index("RETURN")
    for at in range(last, len(tokens) - 8):
        counted = ["COUNT", "(", "DISTINCT", words[at + 3], ".", "ID", ")", "AS", COLUMN.upper()]
        if words[at : at + 9] == counted and tokens[at + 8].value == COLUMN:
            return _is_patient(tokens[at + 3].value, tokens)
    return False


def _is_patient(variable: str, tokens: list[Token]) -> bool:
    """Whether a variable stands for patients wherever it is introduced."""
    values = [token.value for token in tokens]
    kinds = [values[at + 3] for at in range(len(values) - 3) if values[at : at + 3] == ["(", variable, ":"]]
    ends = [values[at + 4] for at in range(len(values) - 4) if values[at : at + 3] == ["(", variable, ":"]]
    renamed = any(a.upper() == "AS" and b == variable for a, b in pairwise(values))
    return bool(kinds) and set(kinds) == {"Patient"} and set(ends) <= {")", "{"} and not renamed


def _is_enough(count: Any, smallest: int) -> bool:
    return isinstance(count, int) and not isinstance(count, bool) and count >= smallest


def _of_large_groups(
    result: Result, personal: list[int], patients: Mapping[str, frozenset[str]], smallest: int
) -> list[bool]:
    """Of each row, whether its group has enough patients in every column with ids."""
    groups = []
    found: dict[tuple[str, int], set[str]] = defaultdict(set)
    for row in result.rows:
        group = repr([cell for place, cell in enumerate(row) if place not in personal])
        groups.append(group)
        for place in personal:
            for text in _texts_in(row[place]):
                found[group, place] |= patients.get(text, frozenset())
    return [all(len(found[group, place]) >= smallest for place in personal) for group in groups]


def _ids(result: Result, place: int, patients: Mapping[str, frozenset[str]]) -> bool:
    """Whether a column holds an id of somebody."""
    return any(text in patients for row in result.rows for text in _texts_in(row[place]))


def _patients_of(texts: Iterable[str], store: GraphStore) -> dict[str, frozenset[str]]:
    """The texts that are ids of something that hangs on patients, with their patients, as far as there are."""
    ids = sorted({text for text in texts if len(text) <= _LONGEST_ID})
    found: dict[str, set[str]] = defaultdict(set)
    for start in range(0, len(ids), _SLICE):
        for query in _PATIENTS:
            for row in store.read(query, {"ids": ids[start : start + _SLICE]}):
                found[row["id"]] |= {row["patient"]} - {None}
    return {text: frozenset(of) for text, of in found.items()}


def _texts(rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    for row in rows:
        for cell in row:
            yield from _texts_in(cell)


def _texts_in(value: Any) -> Iterator[str]:
    """All texts in a cell, the keys of maps among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from _texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts_in(item)

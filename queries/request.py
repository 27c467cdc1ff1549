"""What is asked of a graph, and answering it with an open store."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from kg.errors import UsageError
from kg.store import GraphStore
from queries.catalogue import named
from queries.guard import read_only
from queries.parameters import ParameterKind, bind, resolve
from queries.results import Result

DEEPEST = 32
"""Lists and maps inside of each other in one value of a result."""

MOST_ROWS = 10_000
"""Rows after which a result is cut off unless the caller says otherwise."""

_NOTES = """
MATCH (m:Model) WHERE m.id IN $ids AND m.note IS NOT NULL
RETURN m.id AS id, m.note AS note ORDER BY id
"""


@dataclass(frozen=True)
class Request:
    """A named query, or free Cypher, with its parameters.

    Attributes:
        name: name of a named query; empty for free Cypher.
        cypher: free Cypher; empty for a named query.
        parameters: values by name; a text is read as the named query's parameter demands.
        rows: most rows of the result.
    """

    name: str = ""
    cypher: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    rows: int = MOST_ROWS

    def check(self) -> None:
        """Find what is wrong with the request without a graph.

        Raises:
            QueryRefusedError: free Cypher that does not only read.
            UsageError: no such named query or parameter, a value of another type, or half of a surrogate pair.
        """
        if bool(self.name) == bool(self.cypher):
            raise UsageError("query: give the name of a named query, or --cypher with a free one")
        if not _written([self.name, self.cypher, self.parameters]):
            raise UsageError("query: a text holds half of a surrogate pair; send whole characters")
        if self.rows < 1:
            raise UsageError(f"query: {self.rows} rows are too few; allow at least one")
        if self.name:
            bind(named(self.name).parameters, self.parameters, self.name)
            return
        used = read_only(self.cypher).parameters
        missing, unknown = sorted(used - set(self.parameters)), sorted(set(self.parameters) - used)
        if missing:
            raise UsageError(f"query: parameter ${missing[0]} has no value; give --param {missing[0]}=...")
        if unknown:
            raise UsageError(f"query: the text has no parameter ${unknown[0]}; drop it")


def answer(store: GraphStore, request: Request) -> Result:
    """Answer a request in this process.

    Raises:
        QueryRefusedError: free Cypher that does not only read; it was not run.
        UsageError: no such named query or parameter, or a value that does not fit, or names nothing in the graph.
        StoreError: the graph refused or failed.
    """
    request.check()
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    parameters = dict(request.parameters)
    if request.name:
        query = named(request.name)
        parameters = dict(resolve(query.parameters, bind(query.parameters, parameters, query.name), store))
        columns = tuple(query.columns)
        models = [parameters[p.name] for p in query.parameters if p.kind is ParameterKind.MODEL]
        notes = tuple(f"{row['id']}: {row['note']}" for row in store.read(_NOTES, {"ids": models})) if models else ()
    checked = read_only(named(request.name).text if request.name else request.cypher)
    start = time.perf_counter()
    found = store.read(checked.at_most(request.rows + 1), checked.bounded(parameters, request.rows + 1))
    seconds = time.perf_counter() - start
    kept = found[: request.rows]
    columns = tuple(kept[0]) if kept else columns
    rows = tuple(tuple(_plain(value) for value in row.values()) for row in kept)
    return Result(columns, rows, len(found) > len(kept), notes, seconds)


def _written(value: Any) -> bool:
    """Whether all texts in a value, keys of maps too, can be written as UTF-8."""
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, Mapping):
        return all(_written(key) and _written(item) for key, item in value.items())
    return not isinstance(value, list | tuple) or all(map(_written, value))


def _plain(value: Any, depth: int = 0) -> Any:
    """The value as every reader of results takes it: dates and times as ISO 8601 text, no half characters.

    Raises:
        UsageError: lists and maps inside of each other without measure.
    """
    if depth > DEEPEST:
        raise UsageError(f"query: a value is nested more than {DEEPEST} times; return flatter ones")
    if isinstance(value, str):
        # The engine counts in UTF-16, so that a substring may begin or end with half of a character.
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_plain(key): _plain(item, depth + 1) for key, item in value.items()}
    return value

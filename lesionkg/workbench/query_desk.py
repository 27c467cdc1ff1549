"""What the query page does away from the browser; all of it blocks, so it runs in threads."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from kg.errors import LesionKGError, QueryCancelledError, QueryRefusedError, QueryTimeoutError
from kg.relational import Database
from lesionkg.server.audit import Action
from lesionkg.server.people import User
from lesionkg.workbench.frame import place
from lesionkg.workbench.query_form import typed
from lesionkg.workbench.query_links import QueryLink
from lesionkg.workbench.review_kept import kept
from queries.catalogue import NamedQuery, named
from queries.free import request_of
from queries.history import Asked, QueryHistory
from queries.parameters import bind, resolve
from queries.request import Request
from queries.saved import SavedQueries, SavedQuery
from queries.schema_view import SchemaView, count_kinds, read_schema


def prepare(who: User, link: QueryLink) -> Request:
    """The request of a query, noted in the audit log.

    Raises:
        QueryRefusedError: free Cypher that does not only read.
        UsageError: no such named query or parameter, or a value that does not fit.
    """
    given = {name: value for name, value in link.given.items() if value.strip()}
    try:
        request = Request(link.name, parameters=given) if link.name else request_of(link.cypher, given, place().store)
        request.check()
    except QueryRefusedError as error:
        place().audit.record(who, Action.REFUSED, "query", cypher=link.cypher, reason=str(error))
        raise
    place().audit.record(who, Action.QUERY, link.name or "free Cypher", cypher=link.cypher, parameters=given)
    return request


def said_of(error: LesionKGError) -> str:
    """What became of a query that has no result, in a word."""
    kinds = {QueryRefusedError: "refused", QueryTimeoutError: "took too long", QueryCancelledError: "cancelled"}
    return next((said for kind, said in kinds.items() if isinstance(error, kind)), "failed")


def remember(who: User, link: QueryLink, outcome: str) -> None:
    """Keep a query in its user's history."""
    _history(place().database).add(who.name, link.name, link.cypher, link.given, outcome)


def history_of(who: User) -> list[Asked]:
    """What a user asked, newest first."""
    return _history(place().database).of(who.name)


def resolved(query: NamedQuery, given: Mapping[str, str]) -> dict[str, str]:
    """Values of a named query's parameters as they stand in the graph, to be typed.

    Raises:
        UsageError: a value is missing, does not fit, or names nothing in the graph.
    """
    values = {name: value for name, value in given.items() if value.strip()}
    bound = bind(named(query.name).parameters, values, query.name)
    return {name: typed(value) for name, value in resolve(query.parameters, bound, place().store).items()}


def saved_queries() -> SavedQueries:
    """The saved queries of the data folder."""
    return SavedQueries(place().settings.home / "queries")


def save(who: User, name: str, title: str, question: str, text: str, over: bool) -> SavedQuery:
    """Save a query, noted in the audit log.

    Raises:
        LesionKGError: as :meth:`queries.saved.SavedQueries.save`.
    """
    saved = saved_queries().save(name, title, text, who.name, question, over)
    place().audit.record(who, Action.CHANGE, f"saved query {name}", did="replaced" if over else "saved")
    return saved


def remove(who: User, name: str) -> None:
    """Remove a saved query, noted in the audit log.

    Raises:
        LesionKGError: as :meth:`queries.saved.SavedQueries.remove`.
    """
    saved_queries().remove(name)
    place().audit.record(who, Action.CHANGE, f"saved query {name}", did="removed")


def read_schema_once() -> SchemaView:
    """The schema with its counts, read once for each state of the graph."""
    store = place().store
    return kept().get("schema", lambda: read_schema(store, kept().get("kinds", lambda: count_kinds(store))))


@lru_cache(maxsize=1)
def _history(database: Database) -> QueryHistory:
    return QueryHistory(database)

"""What a free query may be made of: clauses, words between values, functions and procedures."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTIONS = _words(
    """
    abs acos all alltrue any anytrue asin atan atan2 avg btrim ceil char_length character_length coalesce collect cos
    cot count date date.truncate datetime datetime.fromepoch datetime.fromepochmillis datetime.truncate degrees duration
    duration.between duration.indays duration.inmonths duration.inseconds e elementid endnode exists exp floor haversin
    head id isempty isnan keys labels last left length localdatetime localdatetime.truncate localtime localtime.truncate
    log log10 lower ltrim max min nodes none normalize nullif percentilecont percentiledisc pi point point.distance
    point.withinbbox properties radians rand randomuuid range reduce relationships replace reverse right round rtrim
    shortestpath allshortestpaths sign sin single size split sqrt startnode stdev stdevp substring sum tail tan time
    time.truncate timestamp toboolean tobooleanlist tobooleanornull tofloat tofloatlist tofloatornull tointeger
    tointegerlist tointegerornull tolower tostring tostringlist tostringornull toupper trim type upper valuetype
    vector.similarity.cosine vector.similarity.euclidean
    """
)
"""The functions of Neo4j 5 that compute from their arguments and the graph alone, in lower case."""

PROCEDURES = _words("db.labels db.propertykeys db.relationshiptypes")
"""The procedures that may be called: they list names of the schema. In lower case."""

STARTS = _words("MATCH OPTIONAL WITH UNWIND RETURN CALL")
"""Clauses that a query or subquery may begin with."""

CLAUSES = STARTS | _words("UNION ORDER SKIP OFFSET LIMIT")
"""All clauses that read."""

CONNECTORS = _words("AND OR XOR NOT IN AS IS STARTS ENDS CONTAINS WHERE CASE WHEN THEN ELSE DISTINCT BY YIELD")
"""Words that stand before a value or between two."""

POSTFIX = _words("ASC ASCENDING DESC DESCENDING END")
"""Words that stand after a value."""

WRITING = _words("CREATE MERGE SET DELETE DETACH NODETACH REMOVE FOREACH INSERT DROP ALTER GRANT DENY REVOKE RENAME")
"""Words that write: refused wherever they are not plainly a name."""

REACHING = {
    "LOAD": "LOAD CSV reads files and addresses",
    "CSV": "LOAD CSV reads files and addresses",
    "TRANSACTIONS": "CALL ... IN TRANSACTIONS commits by itself",
    "USE": "USE names another graph",
    "SHOW": "SHOW administers the server",
    "TERMINATE": "TERMINATE administers the server",
}
"""Words that reach beyond the graph, with the reason: refused like those that write."""

PREFIXES = _words("EXPLAIN PROFILE CYPHER")
"""Words before a statement that change how it is run."""

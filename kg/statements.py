"""Which Cypher statements only read: the first of two barriers in front of the engine.

The second is the engine itself (the embedded engine's query call refuses writes; over Bolt the transaction of a read is
always rolled back). Neither alone is enough: the embedded query call still reads files, and an ArcadeDB server does not
enforce the access mode of a Bolt session.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kg.errors import QueryRefusedError

READING_PROCEDURES = frozenset(
    {
        "db.labels",
        "db.relationshiptypes",
        "db.propertykeys",
        "db.index.vector.querynodes",
        "db.index.fulltext.querynodes",
        "dbms.components",
    }
)
"""Procedures (in lower case) that only look at the graph; every other procedure is refused."""

WRITING_WORDS = frozenset(
    {
        *("CREATE", "MERGE", "INSERT", "SET", "DELETE", "DETACH", "NODETACH", "REMOVE", "FOREACH"),
        *("DROP", "ALTER", "RENAME", "GRANT", "DENY", "REVOKE", "ENABLE", "TERMINATE", "SHOW"),
        *("USE", "LOAD", "TRANSACTIONS"),
    }
)
"""Words of clauses that write, administer, or reach files, the network or another database."""

OPENING_WORDS = frozenset({"START", "STOP"})
"""Words that administer at the beginning of a statement, and are names elsewhere."""

_TOKEN = re.compile(
    r"""
      (?P<skip>\s+|//[^\r\n]*|/\*.*?\*/)
    | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<quoted>`(?:[^`]|``)*`)
    | (?P<parameter>\$(?:\w+|`(?:[^`]|``)*`))
    | (?P<number>\d\w*(?:\.\d\w*)?)
    | (?P<word>[^\W\d]\w*)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)


def tokens(cypher: str) -> Iterator[tuple[str, str]]:
    """The statement's tokens as (kind, text), without comments and white space.

    Kinds: ``string``, ``quoted`` (a back-quoted name), ``parameter``, ``number``, ``word``, ``sign``.
    """
    for match in _TOKEN.finditer(cypher):
        if match.lastgroup != "skip":
            yield str(match.lastgroup), match.group()


def require_reading(cypher: str) -> None:
    """Check that a statement only reads the graph.

    A reserved word is accepted as a property (``n.set``), a label or type (``:Set``), a map key (``{set: 1}``), a
    parameter, inside a string, or between back quotes; elsewhere it counts as the clause it names.

    Raises:
        QueryRefusedError: it holds a writing or administrative clause, ``LOAD CSV``, a second statement, an unclosed
            string or comment, a Unicode escape, or a procedure that is not known to only read.
    """
    if re.search(r"\\+u", cypher, re.IGNORECASE):
        # Some parsers resolve Unicode escapes before they look for quotes, so an escaped quote would end a string.
        raise _refused("a Unicode escape")
    found = list(tokens(cypher))
    for (kind, text), after in zip(found, [*found[1:], ("", "")], strict=True):
        if kind == "sign" and text in "'\"`\\":
            raise _refused(f"{text} outside of a closed string or name")
        if (kind, text) == ("sign", "/") and after == ("sign", "*"):
            raise _refused("a comment that never ends")
    while found and found[-1] == ("sign", ";"):
        found.pop()
    for i, (kind, text) in enumerate(found):
        before = found[i - 1] if i else ("", "")
        after = found[i + 1] if i + 1 < len(found) else ("", "")
        if (kind, text) == ("sign", ";"):
            raise _refused("more than one statement")
        if kind != "word":
            continue
        is_property = (
            before == ("sign", ".") and i >= 2 and (found[i - 2][0] in ("word", "quoted") or found[i - 2][1] in ")]}")
        )
        if is_property or before == ("sign", ":") or after == ("sign", ":"):
            continue
        if text.upper() in WRITING_WORDS or (i == 0 and text.upper() in OPENING_WORDS):
            raise _refused(f"the word {text.upper()}")
        if text.upper() == "CALL" and after[1] not in ("{", "("):
            name = _procedure_name(found[i + 1 :])
            if name.lower() not in READING_PROCEDURES:
                raise _refused(f"procedure {name}")


def _procedure_name(rest: list[tuple[str, str]]) -> str:
    """The dotted name a token list begins with."""
    name = ""
    for kind, text in rest:
        if kind == "word" or text == ".":
            name += text
        elif kind == "quoted":
            name += text.strip("`")
        else:
            break
    return name


def _refused(what: str) -> QueryRefusedError:
    return QueryRefusedError(
        f"query: {what} is not allowed where the graph is only read; a name like that goes in back quotes"
    )

"""Words of the change language: predicates, quoting, and a line taken apart into tokens.

The sentences are those of KGCL, the Knowledge Graph Change Language (https://w3id.org/kgcl). What it has no place for
follows ``#:`` as clauses (``source 'a book'``), which a reader of KGCL takes for a comment; sentences that begin with
``lkg:`` are ours alone.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from enum import StrEnum

from kg.ontology import MatchKind, RelationKind, SoftKind


class PairKind(StrEnum):
    """Predicates of symmetric pairs."""

    EXCLUSIVE = "EXCLUSIVE_WITH"
    COMPATIBLE = "COMPATIBLE_WITH"


Predicate = RelationKind | SoftKind | PairKind | MatchKind


def _camel(name: str) -> str:
    first, *rest = name.lower().split("_")
    return first + "".join(word.title() for word in rest)


_OURS: tuple[Predicate, ...] = (*RelationKind, *SoftKind, *PairKind)
WRITTEN: dict[Predicate, str] = {
    **{kind: f"lkg:{_camel(kind)}" for kind in _OURS},
    **{kind: kind.value for kind in MatchKind},
    RelationKind.IS_A: "rdfs:subClassOf",
}
"""How each predicate is written."""

PREDICATES: dict[str, Predicate] = {
    **{word: kind for kind in _OURS for word in (kind.value, kind.value.lower(), _camel(kind), f"lkg:{_camel(kind)}")},
    **{word: kind for kind in MatchKind for word in (kind.value, kind.value.removeprefix("skos:"))},
    "rdfs:subClassOf": RelationKind.IS_A,
}
"""How each may be read: ``lkg:partOf``, ``partOf``, ``part_of`` and ``PART_OF`` are one."""

_CURIE = re.compile(r"[A-Za-z0-9_]+:[A-Za-z0-9_]+")
_RADLEX = "radlex:"
_RID = re.compile(r"RID\d+")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"'}
_ESCAPE = re.compile(r"\\(u[0-9a-f]{4}|U[0-9a-f]{8}|.|$)", re.DOTALL)
_TOKEN = re.compile(
    r"""\s*(?:(?P<single>'(?:[^'\\]|\\.)*')|(?P<double>"(?:[^"\\]|\\.)*")|<(?P<angle>[^<>\s]*)>
    |(?P<clauses>\#:)|(?P<remark>\#.*)|(?P<comma>,)|(?P<word>->|[^\s,'"<>\#]+))""",
    re.VERBOSE,
)


class TokenKind(StrEnum):
    """What a token is."""

    WORD = "word"
    TEXT = "quoted text"
    ID = "id in angle brackets"
    COMMA = "comma"
    CLAUSES = "#:"


@dataclass(frozen=True, slots=True)
class Token:
    """One part of a line, unquoted."""

    kind: TokenKind
    value: str


def escaped(text: str, also: str = "") -> str:
    """Text on one line: backslashes, what does not print, and the characters of ``also`` as escapes."""
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", "'": "\\'"}

    def one(character: str) -> str:
        if character in "\\\n\r\t" or (character == "'" and "'" in also):
            return short[character]
        if character.isprintable() and character not in also:
            return character
        code = ord(character)
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

    return "".join(map(one, text))


def quoted(text: str) -> str:
    """A text in single quotes."""
    return f"'{escaped(text, also=chr(39))}'"


def written_id(label_id: str) -> str:
    """An id: as it is where KGCL allows that, else in angle brackets."""
    return label_id if _CURIE.fullmatch(label_id) else f"<{escaped(label_id, also=' <>')}>"


def written_term(object_id: str) -> str:
    """A mapped term: ``radlex:RID1301``; any other id in angle brackets."""
    return _RADLEX + object_id if _RID.fullmatch(object_id) else f"<{escaped(object_id, also=' <>')}>"


def read_term(token: Token) -> str:
    """The id of a mapped term."""
    return token.value if token.kind is TokenKind.ID else token.value.removeprefix(_RADLEX)


def tokens(line: str) -> list[Token]:
    """A line taken apart; what follows ``#`` is a remark and left out.

    Raises:
        ValueError: a quote or bracket is not closed, or an escape is unknown or no character.
    """
    found: list[Token] = []
    place, end = 0, len(line.rstrip())
    while place < end:
        match = _TOKEN.match(line, place)
        if match is None:
            rest = line[place:end].strip()
            raise ValueError(f"cannot be read from {rest[:20]!r} on; close the quotes or brackets")
        place = match.end()
        kind, value = str(match.lastgroup), match[str(match.lastgroup)]
        if kind in ("single", "double"):
            found.append(Token(TokenKind.TEXT, _unescaped(value[1:-1])))
        elif kind == "angle":
            found.append(Token(TokenKind.ID, _unescaped(value)))
        elif kind != "remark":
            found.append(Token(TokenKind[kind.upper()], value))
    return found


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) > 1:
            if int(code[1:], 16) > sys.maxunicode:
                raise ValueError(f"has the escape \\{code}, which is no character; mend it")
            return chr(int(code[1:], 16))
        if code not in _ESCAPES:
            raise ValueError(f"has the unknown escape \\{code}; write \\\\ for a backslash")
        return _ESCAPES[code]

    return _ESCAPE.sub(one, text)

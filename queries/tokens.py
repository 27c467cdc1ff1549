"""A tokenizer for Cypher that settles every ambiguity of spelling before anything else looks at a query.

Engines disagree about Unicode escapes (Neo4j 5 decodes ``\\u0027`` before it reads the text, ArcadeDB afterwards and
only inside strings), about line ends, and about letters that merely look like ASCII. The tokenizer refuses what they
could read in two ways, drops comments, and can write the tokens back in one spelling that all engines read alike.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NoReturn

from kg.errors import QueryRefusedError

LONGEST_QUERY = 100_000
"""Characters in the longest query that is looked at."""

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|0[oO][0-7]+|(?:[0-9]+\.[0-9]+|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+")
_HEX4 = re.compile(r"[0-9a-fA-F]{4}")
_SYMBOLS = ("..", "<=", ">=", "<>", "=~", "+=", ":=", "::", "||", *"()[]{},.:;+-*/%^=<>|&!")
_ESCAPES = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_SPELLED = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
# Characters that end a string, a name or a comment for an engine that decodes escapes first.
_STRUCTURAL = frozenset("'\"`\\*/\n\r\u0085\u2028\u2029")


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    QUOTED = "name in backticks"
    STRING = "string"
    NUMBER = "number"
    PARAMETER = "parameter"
    SYMBOL = "symbol"


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        kind: what it is.
        value: decoded: the name without backticks, the characters of the string, the parameter without ``$``.
        gap: what stood before it: nothing, or white space and comments reduced to ``" "`` or ``"\\n"``.
        line: line of its first character, from 1.
        column: column of its first character, from 1.
    """

    kind: Kind
    value: str
    gap: str
    line: int
    column: int

    @property
    def upper(self) -> str:
        """The keyword this word could be; empty for everything that is not a bare word."""
        return self.value.upper() if self.kind is Kind.WORD else ""

    def is_symbol(self, *values: str) -> bool:
        """Whether this is one of these symbols."""
        return self.kind is Kind.SYMBOL and self.value in values

    @property
    def spelled(self) -> str:
        """The one spelling that all engines read alike."""
        match self.kind:
            case Kind.STRING:
                return "'" + "".join(_SPELLED.get(c, c) for c in self.value) + "'"
            case Kind.QUOTED:
                return "`" + self.value.replace("`", "``") + "`"
            case Kind.PARAMETER:
                return "$" + (self.value if _PARAMETER.fullmatch(self.value) else f"`{self.value}`")
            case _:
                return self.value


def spell(tokens: Sequence[Token]) -> str:
    """The query in one spelling, without comments; line breaks stay, so that an engine's line numbers still fit."""
    return "".join(token.gap + token.spelled for token in tokens).strip()


def refuse(what: str, line: int, column: int) -> NoReturn:
    """Raise the error of a refused query, in one line that says what and where.

    Raises:
        QueryRefusedError: always.
    """
    raise QueryRefusedError(f"query refused at line {line}, column {column}: {what}")


def tokenize(text: str) -> list[Token]:
    """Cut a query into tokens.

    Raises:
        QueryRefusedError: something unfinished, or a spelling that engines could read in different ways.
    """
    return _Reader(text).tokens()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line_starts = [0, *(m.end() for m in re.finditer(r"\r\n|\r|\n", text))]

    def tokens(self) -> list[Token]:
        if len(self.text) > LONGEST_QUERY:
            refuse(
                f"it has {len(self.text)} characters, more than {LONGEST_QUERY}; pass long lists as parameters", 1, 1
            )
        found: list[Token] = []
        while True:
            gap = self._gap()
            if self.at == len(self.text):
                return found
            start = self.at
            kind, value = self._token()
            found.append(Token(kind, value, gap, *self._place(start)))

    def _place(self, at: int) -> tuple[int, int]:
        line = bisect_right(self.line_starts, at)
        return line, at - self.line_starts[line - 1] + 1

    def _refuse(self, what: str, at: int | None = None) -> NoReturn:
        refuse(what, *self._place(self.at if at is None else at))

    def _gap(self) -> str:
        start, text = self.at, self.text
        while self.at < len(text):
            if text[self.at].isspace():
                self.at += 1
            elif text.startswith("//", self.at):
                end = re.compile(r"[\r\n]").search(text, self.at)
                self._comment(end.start() if end else len(text))
            elif text.startswith("/*", self.at):
                end_of_block = text.find("*/", self.at + 2)
                if end_of_block < 0:
                    self._refuse("the comment never ends; close it with */")
                self._comment(end_of_block + 2)
            else:
                break
        skipped = text[start : self.at]
        return "" if not skipped else "\n" if "\n" in skipped or "\r" in skipped else " "

    def _comment(self, end: int) -> None:
        escape = self.text.find("\\u", self.at, end)
        if escape >= 0:
            self._refuse("a Unicode escape in a comment, which some engines decode; write the character itself", escape)
        self.at = end

    def _token(self) -> tuple[Kind, str]:
        text, at = self.text, self.at
        character = text[at]
        if character in "'\"":
            return Kind.STRING, self._string(character)
        if character == "`":
            return Kind.QUOTED, self._quoted()
        if character == "$":
            return Kind.PARAMETER, self._parameter()
        if word := _WORD.match(text, at):
            self.at = word.end()
            return Kind.WORD, word.group()
        if not text.startswith("..", at) and (number := _NUMBER.match(text, at)):
            self.at = number.end()
            if self.at < len(text) and (text[self.at].isalnum() or text[self.at] == "_"):
                self._refuse(f"{text[self.at]!r} directly after a number; put a space between them")
            return Kind.NUMBER, number.group()
        for symbol in _SYMBOLS:
            if text.startswith(symbol, at):
                self.at += len(symbol)
                return Kind.SYMBOL, symbol
        if character == "\\":
            self._refuse("a backslash outside of a string; write the character itself instead of an escape")
        if character.isascii():
            self._refuse(f"the character {character!r} has no meaning in a reading query")
        self._refuse(f"the character U+{ord(character):04X} outside of a string or backticks; code is written in ASCII")

    def _quoted(self) -> str:
        start = self.at
        self.at += 1
        value = ""
        while True:
            end = self.text.find("`", self.at)
            if end < 0:
                self._refuse("the name in backticks never ends; close it with `", start)
            value += self.text[self.at : end]
            self.at = end + 1
            if not self.text.startswith("`", self.at):
                break
            value += "`"
            self.at += 1
        if "\\" in value:
            self._refuse(
                "a backslash in a name in backticks, which some engines decode; write the character itself", start
            )
        if not value or not value.isprintable():
            self._refuse("an empty name, or one with invisible characters, in backticks", start)
        return value

    def _parameter(self) -> str:
        self.at += 1
        if self.text.startswith("`", self.at):
            return self._quoted()
        name = _PARAMETER.match(self.text, self.at)
        if name is None:
            self._refuse("$ without the name of a parameter directly after it", self.at - 1)
        self.at = name.end()
        return name.group()

    def _string(self, quote: str) -> str:
        start = self.at
        self.at += 1
        value: list[str] = []
        while True:
            if self.at >= len(self.text):
                self._refuse(f"the string never ends; close it with {quote}", start)
            character = self.text[self.at]
            if character == quote:
                self.at += 1
                break
            if character == "\\":
                value.append(self._escape())
            else:
                value.append(character)
                self.at += 1
        # Two escapes may spell one character beyond U+FFFF; a half of one is no character.
        try:
            joined = "".join(value).encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._refuse("a string that holds half a character", start)
        if "\0" in joined:
            self._refuse("a string that holds a null character", start)
        return joined

    def _escape(self) -> str:
        at = self.at
        letter = self.text[at + 1 : at + 2]
        if letter == "u":
            digits = _HEX4.match(self.text, at + 2)
            if digits is None:
                self._refuse("\\u needs four hexadecimal digits", at)
            self.at = digits.end()
            decoded = chr(int(digits.group(), 16))
            if decoded in _STRUCTURAL:
                self._refuse(
                    f"\\u{digits.group()} stands for a quote, a backslash, a comment sign or a line end, "
                    "which engines read in different ways; write the character itself",
                    at,
                )
            return decoded
        if letter not in _ESCAPES or not letter:
            self._refuse(f"the escape \\{letter} is not Cypher's; a backslash is written \\\\", at)
        self.at += 2
        if letter == "\\" and self.text[self.at : self.at + 1] in ("u", "U"):
            self._refuse("\\\\u, which engines read in different ways; pass this text as a parameter", at)
        return _ESCAPES[letter]

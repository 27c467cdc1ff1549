"""Lets only reading Cypher through: checked before it runs, whoever runs it.

An engine's own read-only mode is not enough: it still reads files (``LOAD CSV``) and calls procedures. The guard knows
what is allowed, not what is forbidden (:mod:`queries.vocabulary`): the clauses that read, the standard functions, and
three procedures that list the schema. Whatever else stands where a clause, a function or a procedure can stand is
refused. On top of that the words that write are refused wherever they are not plainly a name. The query that comes back
is written anew from its tokens (:mod:`queries.tokens`), so an engine reads exactly what was checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from queries import vocabulary
from queries.tokens import Kind, Token, refuse, spell, tokenize

_BLOCKS = frozenset({"CALL", "EXISTS", "COUNT", "COLLECT"})
_CLOSING = {"(": ")", "[": "]", "{": "}"}

DEEPEST = 64
"""Brackets inside of brackets: more than any question needs, and less than an engine's parser stumbles over."""


@dataclass(frozen=True, slots=True)
class ReadOnlyQuery:
    """A query that passed.

    Attributes:
        text: what to run: the query spelled anew, without comments.
        parameters: names of the parameters it uses.
        unlimited: whether it ends in a RETURN without LIMIT, so that one may be added.
        limit: the number after its last LIMIT, when the query ends with that; else None.
        limit_parameter: the parameter after its last LIMIT, when the query ends with that and uses it nowhere else.
    """

    text: str
    parameters: frozenset[str]
    unlimited: bool = False
    limit: int | None = None
    limit_parameter: str = ""

    def at_most(self, rows: int) -> str:
        """The text with the number of rows limited, where the query itself does not limit them as far."""
        if self.limit is not None and self.limit > rows:
            return self.text.removesuffix(str(self.limit)) + str(rows)
        return f"{self.text}\nLIMIT {rows:d}" if self.unlimited else self.text

    def bounded(self, parameters: Mapping[str, Any], rows: int) -> dict[str, Any]:
        """The parameters, with that of the last LIMIT no larger than this number of rows."""
        value = parameters.get(self.limit_parameter)
        if isinstance(value, int) and value > rows:
            return {**parameters, self.limit_parameter: rows}
        return dict(parameters)


def read_only(cypher: str) -> ReadOnlyQuery:
    """Check that a query only reads the graph.

    Args:
        cypher: one Cypher statement; a final semicolon is allowed.

    Raises:
        QueryRefusedError: one line that says what was refused, and where.
    """
    tokens = tokenize(cypher)
    if tokens and tokens[-1].is_symbol(";"):
        tokens.pop()
    if not tokens:
        refuse("it is empty; begin with MATCH or RETURN", 1, 1)
    walk = _Walk(tokens)
    walk.check()
    used = [token.value for token in tokens if token.kind is Kind.PARAMETER]
    limit, limit_parameter = None, ""
    last = tokens[-1]
    if len(tokens) > 2 and tokens[-2].upper == "LIMIT":
        if last.kind is Kind.NUMBER and last.value.isdecimal():
            limit = int(last.value)
        elif last.kind is Kind.PARAMETER and used.count(last.value) == 1:
            limit_parameter = last.value
    return ReadOnlyQuery(spell(tokens), frozenset(used), walk.unlimited, limit, limit_parameter)


@dataclass(slots=True)
class _Bracket:
    """An open bracket; a block is the braces of a subquery."""

    opened_by: Token
    block: str = ""
    scope_of_call: bool = False


class _Walk:
    """One pass over the tokens, with the open brackets on a stack."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self.stack: list[_Bracket] = []
        self.operand = False  # the token before ends a value, so a word here is an operator or begins a clause
        self.clause_due = True  # a query or subquery begins here
        self.block_next = ""  # the next brace opens this kind of subquery
        self.arguments_at = -1  # where the bracket of an allowed procedure would be
        self.unlimited = False  # the last clause of the query itself is RETURN, perhaps with ORDER BY and SKIP

    def check(self) -> None:
        """Refuse, or return."""
        for index, token in enumerate(self.tokens):
            if token.kind is Kind.SYMBOL:
                self._symbol(index, token)
            elif token.kind is Kind.WORD:
                self._word(index, token)
            else:
                self._value(index, token)
        if self.stack:
            opener = self.stack[-1].opened_by
            self._refuse(f"{opener.value} is never closed", opener)
        if self.clause_due or self.block_next:
            self._refuse("it ends where more should follow", self.tokens[-1])

    def _at(self, index: int) -> Token | None:
        return self.tokens[index] if 0 <= index < len(self.tokens) else None

    def _refuse(self, what: str, token: Token) -> NoReturn:
        refuse(what, token.line, token.column)

    # Symbols ---------------------------------------------------------------------------------------------------------

    def _symbol(self, index: int, token: Token) -> None:
        value = token.value
        if value == ";":
            self._refuse("a second statement after ';'; run one statement at a time", token)
        if value in ("+=", ":=", "::"):
            self._refuse(f"the operator {value}, which reading never needs", token)
        if self.block_next and value not in ("{", "("):
            self._refuse(f"{self.block_next} without its braces", token)
        if value in _CLOSING:
            self._open(index, token)
            return
        if self.clause_due:
            self._due(index, token)
        if value in _CLOSING.values():
            self._close(token)
            return
        previous = self._at(index - 1)
        # A lone star is a value: RETURN *, count(*), {.*}; between values it multiplies.
        self.operand = value == "*" and (
            previous is not None and (not self.operand and (previous.upper != "" or previous.is_symbol("(", ".")))
        )

    def _open(self, index: int, token: Token) -> None:
        if len(self.stack) == DEEPEST:
            self._refuse(f"more than {DEEPEST} brackets inside of each other; write it flatter", token)
        bracket = _Bracket(token)
        if token.value == "{" and self.block_next:
            bracket.block, self.block_next = self.block_next, ""
            self.stack.append(bracket)
            self.clause_due, self.operand = True, False
            return
        if token.value == "(" and self.block_next:
            bracket.scope_of_call, self.block_next = True, ""
        elif self.clause_due:
            self._due(index, token)
        if token.value == "(":
            self._invocation(index)
        self.stack.append(bracket)
        self.operand = False

    def _close(self, token: Token) -> None:
        if not self.stack or _CLOSING[self.stack[-1].opened_by.value] != token.value:
            self._refuse(f"{token.value} without its opening bracket", token)
        bracket = self.stack.pop()
        if bracket.scope_of_call:
            self.block_next = "CALL"
        # After CALL { ... } a clause follows; after a value, an operator or a clause: both are words after an operand.
        self.operand = True

    # Words and values ------------------------------------------------------------------------------------------------

    def _value(self, index: int, token: Token) -> None:
        if self.block_next:
            self._refuse(f"{self.block_next} without its braces", token)
        if self.clause_due:
            self._due(index, token)
        if self.operand:
            self._refuse(
                f"the {token.kind.value} {token.spelled[:40]} directly after a value; an operator is missing", token
            )
        self.operand = True

    def _word(self, index: int, token: Token) -> None:
        word, previous, following = token.upper, self._at(index - 1), self._at(index + 1)
        if self.block_next == "CALL" and previous is not None and previous.upper == "CALL":
            self.block_next = ""
            self._procedure(index)
            return
        if self.block_next:
            self._refuse(f"{self.block_next} without its braces", token)
        if previous is not None and previous.is_symbol(".", ":"):
            self.operand = True
            return
        if (
            previous is not None
            and previous.is_symbol("{", ",")
            and following is not None
            and following.is_symbol(":")
            and not self.clause_due
        ):
            self.operand = True
            return
        self._refuse_forbidden(token)
        if word in ("ALL", "DISTINCT") and previous is not None and previous.upper == "UNION":
            return
        if self.clause_due:
            self._due(index, token)
        if word in _BLOCKS and following is not None and following.is_symbol("{") and word != "CALL":
            self._require_room(token)
            self.block_next = word
        elif word == "WITH" and previous is not None and previous.upper in ("STARTS", "ENDS"):
            self.operand = False
        elif word in vocabulary.CLAUSES:
            self._clause(index, token)
        elif word in vocabulary.CONNECTORS:
            self.operand = False
        elif word in vocabulary.POSTFIX:
            self.operand = True
        else:
            self._require_room(token)
            self.operand = True

    def _clause(self, index: int, token: Token) -> None:
        if self.stack and not self.stack[-1].block:
            self._refuse(f"the clause {token.value} inside of brackets; as a name it goes in backticks", token)
        if not self.operand and not self._begins(index):
            self._refuse(f"the clause {token.value} where a value should be; as a name it goes in backticks", token)
        if not self.stack and token.upper not in ("ORDER", "SKIP", "OFFSET"):
            self.unlimited = token.upper == "RETURN"
        self.operand = False
        self.block_next = "CALL" if token.upper == "CALL" else ""
        self.clause_due = token.upper == "UNION"

    def _begins(self, index: int) -> bool:
        """Whether the word at this place is the first of a query, a subquery, an arm of UNION, or follows OPTIONAL."""
        previous = self._at(index - 1)
        if previous is None or previous.upper in ("OPTIONAL", "UNION"):
            return True
        if previous.upper in ("ALL", "DISTINCT"):
            before = self._at(index - 2)
            return before is not None and before.upper == "UNION"
        return previous.is_symbol("{") and bool(self.stack) and bool(self.stack[-1].block)

    def _refuse_forbidden(self, token: Token) -> None:
        word = token.upper
        if word in vocabulary.WRITING:
            self._refuse(f"{token.value} writes, and queries only read; as a name it goes in backticks", token)
        if word in vocabulary.REACHING:
            self._refuse(f"{vocabulary.REACHING[word]}; {token.value} as a name goes in backticks", token)

    def _require_room(self, token: Token) -> None:
        """A word may be a name or a value only where no value stands directly before it."""
        if self.operand:
            self._refuse(f"{token.value} directly after a value is neither an operator nor a clause that reads", token)

    def _due(self, index: int, token: Token) -> None:
        """A query or subquery begins with this token: is it a clause that reads?"""
        self.clause_due = False
        block = self.stack[-1].block if self.stack else ""
        following = self._at(index + 1)
        pattern = token.is_symbol("(") or (
            token.kind in (Kind.WORD, Kind.QUOTED) and following is not None and following.is_symbol("=")
        )
        if token.upper in vocabulary.STARTS or (block in ("EXISTS", "COUNT") and pattern):
            return
        if token.upper in vocabulary.PREFIXES:
            self._refuse(f"{token.value} is not run here; give the query without it", token)
        allowed = ", ".join(sorted(vocabulary.STARTS))
        self._refuse(f"{token.spelled[:40]} is no clause that reads; a query begins with one of {allowed}", token)

    # Functions and procedures ----------------------------------------------------------------------------------

    def _name_before(self, index: int) -> tuple[list[str], int]:
        """The dotted name that ends just before this place, and where it begins; no parts when there is none."""
        parts: list[str] = []
        at = index - 1
        while (token := self._at(at)) is not None and token.kind in (Kind.WORD, Kind.QUOTED):
            parts.append(token.value)
            dot = self._at(at - 1)
            if dot is None or not dot.is_symbol("."):
                return parts[::-1], at
            at -= 2
        # A dot that follows no name: the property of a value, which nothing can be called on.
        return (["", *reversed(parts)], at + 1) if parts else ([], index)

    def _invocation(self, index: int) -> None:
        """Check what is called by the bracket at this place, if anything is."""
        parts, at = self._name_before(index)
        if not parts or index == self.arguments_at:
            return
        first = self.tokens[min(at, index - 1)]
        word = first.upper
        if len(parts) == 1 and word in vocabulary.CONNECTORS | vocabulary.CLAUSES:
            return
        self._require_known(parts, vocabulary.FUNCTIONS, "function", first)

    def _procedure(self, index: int) -> None:
        """Check the name after CALL; the words of the name after the first are skipped as names after a dot."""
        parts = [self.tokens[index].value]
        at = index + 1
        while (dot := self._at(at)) is not None and dot.is_symbol("."):
            name = self._at(at + 1)
            if name is None or name.kind not in (Kind.WORD, Kind.QUOTED):
                break
            parts.append(name.value)
            at += 2
        self._require_known(parts, vocabulary.PROCEDURES, "procedure", self.tokens[index])
        self.arguments_at = at
        self.operand = True

    def _require_known(self, parts: list[str], known: frozenset[str], what: str, token: Token) -> None:
        name = ".".join(parts)
        if name.lower() not in known:
            self._refuse(f"the {what} {name} is not among those that may be called (docs/queries.md lists them)", token)

"""The named queries: ``.cypher`` files whose header says what they answer.

A file begins with comment lines, one fact a line::

    // title: Lesions under a label
    // question: Which lesions have this label or one of its descendants?
    // param label: label = liver -- the label
    // param limit: integer = 100 -- most rows
    // column lesion: id of the lesion

and goes on with one Cypher statement in the form that runs on every engine (``docs/cypher.md``). A parameter without
``=`` must be given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from kg.errors import LesionKGError, UsageError
from queries.guard import read_only
from queries.parameters import Parameter, ParameterKind, near

_FACT = re.compile(r"// (?P<key>title|question|param|column)(?: (?P<name>[a-z][a-z0-9_]*))?: (?P<text>.+)")
_PARAMETER = re.compile(r"(?P<type>[a-z_]+)(?: = (?P<default>.*?))? -- (?P<description>.+)")


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A query with its header.

    Attributes:
        name: what it is called: its file name without ``.cypher``.
        title: a few words.
        question: the question it answers.
        parameters: in the order of the header.
        columns: meaning of each column, in the order of the result.
        text: the whole file; runs as it is.
    """

    name: str
    title: str
    question: str
    parameters: tuple[Parameter, ...]
    columns: Mapping[str, str]
    text: str

    def as_dict(self) -> dict[str, Any]:
        """Everything but the text, as plain values for JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "question": self.question,
            "parameters": [
                {"name": p.name, "type": p.kind.value, "default": p.default, "description": p.description}
                for p in self.parameters
            ],
            "columns": [{"name": name, "meaning": meaning} for name, meaning in self.columns.items()],
        }


def parse(name: str, text: str) -> NamedQuery:
    """Read a named query and check that its header and its statement fit each other.

    Raises:
        LesionKGError: a fact is missing, malformed or said twice, or parameters of header and statement differ.
        QueryRefusedError: the statement does not only read.
    """
    facts, parameters, columns = read_header(name, text)
    if set(facts) != {"title", "question"} or not columns:
        raise _broken(name, "the header needs a title, a question and at least one column")
    used = read_only(text).parameters
    if used != set(parameters):
        raise _broken(name, f"header and statement differ in the parameters {sorted(used ^ set(parameters))}")
    return NamedQuery(name, facts["title"], facts["question"], tuple(parameters.values()), columns, text)


def read_header(name: str, text: str) -> tuple[dict[str, str], dict[str, Parameter], dict[str, str]]:
    """The comment lines that a query begins with.

    Returns:
        Title and question as far as given, parameters, and the meanings of columns.

    Raises:
        LesionKGError: a line is malformed, or says something twice.
    """
    facts: dict[str, str] = {}
    parameters: dict[str, Parameter] = {}
    columns: dict[str, str] = {}
    for line in text.splitlines():
        if not line.startswith("//"):
            break
        fact = _FACT.fullmatch(line)
        if fact is None:
            raise _broken(name, f"cannot read the header line {line!r}")
        key, about, said = fact["key"], fact["name"] or "", fact["text"].strip()
        place: dict[str, Any] = parameters if key == "param" else columns if key == "column" else facts
        about = about or (key if place is facts else "")
        if not about or about in place:
            raise _broken(name, f"the header line {line!r} names nothing, or something twice")
        place[about] = _parameter(name, about, said) if key == "param" else said
    return facts, parameters, columns


def _parameter(query: str, name: str, said: str) -> Parameter:
    found = _PARAMETER.fullmatch(said)
    if found is None or found["type"] not in set(ParameterKind):
        raise _broken(query, f"parameter {name} is not of the form 'type = default -- description'")
    bare = Parameter(name, ParameterKind(found["type"]), None, found["description"])
    default = None if found["default"] is None else bare.parse(found["default"])
    return Parameter(name, bare.kind, default, bare.description)


def _broken(name: str, reason: str) -> LesionKGError:
    return LesionKGError(f"named query {name}: {reason}; correct queries/named/{name}.cypher")


@cache
def catalogue() -> Mapping[str, NamedQuery]:
    """All named queries by name, in alphabetical order."""
    folder = files("queries.named")
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".cypher"))
    names = [file.removesuffix(".cypher") for file in found]
    return {name: parse(name, (folder / f"{name}.cypher").read_text(encoding="utf-8")) for name in names}


def named(name: str) -> NamedQuery:
    """The named query of this name.

    Raises:
        UsageError: there is none; the message says which come near.
    """
    found = catalogue().get(name)
    if found is None:
        hint = near(name, catalogue()) or "; `lesionkg query --list` shows them"
        raise UsageError(f"query {name!r}: there is no such named query{hint}")
    return found

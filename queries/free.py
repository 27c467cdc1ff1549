"""Free Cypher as a person writes it: its parameters, and where it went wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from kg.errors import LesionKGError, UsageError
from kg.store import GraphStore
from queries.catalogue import read_header
from queries.guard import read_only
from queries.parameters import Parameter, ParameterKind, bind, resolve
from queries.request import Request

_FACT = re.compile(r"// (title|question|param|column)\b")
_PLACE = re.compile(r"\bline (\d+), column (\d+)")
_PLAIN = "a value"


def header(name: str, text: str) -> tuple[dict[str, str], dict[str, Parameter], dict[str, str]]:
    """What the comment lines at the beginning say, as in named queries; other comments are passed over.

    Returns:
        Title and question as far as given, parameters, and the meanings of columns.

    Raises:
        LesionKGError: a line that begins as in a named query goes on in another way.
    """
    lines = []
    for line in text.splitlines():
        if not line.startswith("//"):
            break
        lines += [line] if _FACT.match(line) else []
    try:
        return read_header(name, "\n".join(lines))
    except LesionKGError as error:
        reason = str(error).removeprefix(f"named query {name}: ").split("; correct ")[0]
        raise UsageError(f"query {name}: {reason}; correct its comment lines") from error


def parameters_of(text: str) -> tuple[Parameter, ...]:
    """The parameters of a text; those that its comment lines do not describe take a value as JSON, or text.

    Raises:
        QueryRefusedError: the text does not only read.
        UsageError: a comment line is malformed.
    """
    described = header("free", text)[1]
    used = read_only(text).parameters
    order = [*described, *sorted(used - set(described))]
    plain = {name: Parameter(name, ParameterKind.TEXT, None, _PLAIN) for name in used}
    return tuple((plain | described)[name] for name in order if name in used)


def request_of(text: str, given: Mapping[str, str], store: GraphStore) -> Request:
    """The request of a text with values as a person typed them.

    Args:
        text: Cypher, with comment lines as a named query has or without.
        given: a text by name of a parameter; an empty one is taken for its default.
        store: where labels, lesions and models are looked up.

    Raises:
        QueryRefusedError: the text does not only read.
        UsageError: a value is missing, does not fit, or names nothing in the graph.
    """
    parameters = parameters_of(text)
    described = [parameter for parameter in parameters if parameter.description != _PLAIN]
    typed = {name: value for name, value in given.items() if value.strip()}
    known = {parameter.name for parameter in described}
    values: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.name not in known:
            if parameter.name not in typed:
                raise UsageError(f"query: parameter ${parameter.name} has no value; give one")
            values[parameter.name] = _json_or_text(typed[parameter.name])
    bound = bind(described, {name: value for name, value in typed.items() if name in known}, "free")
    return Request(cypher=text, parameters={**values, **resolve(described, bound, store)})


def place_of(error: LesionKGError) -> tuple[int, int] | None:
    """Line and column, from 1, that an error tells of; None when it tells none."""
    found = _PLACE.search(str(error))
    return (int(found[1]), int(found[2])) if found else None


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text

"""Parameters of named queries: their types, reading them from text, and finding what they name in the graph."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kg.errors import LesionKGError, NotFoundError, UsageError
from kg.store import GraphStore

Value = str | int | float | bool | list[str]

MOST_VALUES = 1000
"""Values in a list: each label among them is looked up."""


class ParameterKind(StrEnum):
    """What a parameter holds."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXTS = "texts"
    """A list of texts; on the command line separated by commas."""
    LABEL = "label"
    """A label; its id, name or synonym is accepted, the query sees the name."""
    LABELS = "labels"
    """A list of labels; on the command line separated by commas."""
    LESION = "lesion"
    """A lesion; its id, or its row number in DL_info.csv."""
    PATIENT = "patient"
    """The id of a patient."""
    COHORT = "cohort"
    """A cohort's id, or its name for the newest of that name."""
    MODEL = "model"
    """A model's id, ``latest`` or ``previous`` by the time of its training."""
    LABEL_SET = "label_set"
    """The name of a label set."""


_LISTS = (ParameterKind.TEXTS, ParameterKind.LABELS)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter in the header of a named query.

    Attributes:
        name: as in the query, without ``$``.
        kind: what it holds.
        default: value when none is given; None when one must be given.
        description: what it means, with its unit.
    """

    name: str
    kind: ParameterKind
    default: Value | None
    description: str

    def parse(self, text: str) -> Value:
        """Read a value from text.

        Raises:
            UsageError: the text is no value of this type.
        """
        match self.kind:
            case ParameterKind.INTEGER:
                return self._number(text, int)
            case ParameterKind.NUMBER:
                return self._number(text, float)
            case ParameterKind.BOOLEAN:
                if text.lower() not in ("true", "false"):
                    raise UsageError(f"parameter {self.name}: {text!r} is neither true nor false")
                return text.lower() == "true"
            case ParameterKind.TEXTS | ParameterKind.LABELS:
                return [part.strip() for part in text.split(",") if part.strip()]
            case _:
                return text

    def check(self, value: object) -> Value:
        """The value, checked to be of this type; an integer is also a number.

        Raises:
            UsageError: it is not.
        """
        fits: dict[ParameterKind, bool] = {
            ParameterKind.INTEGER: isinstance(value, int) and not isinstance(value, bool),
            ParameterKind.NUMBER: isinstance(value, (int, float)) and not isinstance(value, bool),
            ParameterKind.BOOLEAN: isinstance(value, bool),
            **dict.fromkeys(_LISTS, isinstance(value, list) and all(isinstance(item, str) for item in value)),
        }
        if not fits.get(self.kind, isinstance(value, str)):
            raise UsageError(f"parameter {self.name}: {value!r} is not of type {self.kind}")
        return value  # type: ignore[return-value]

    def _number(self, text: str, read: Callable[[str], int | float]) -> Value:
        try:
            value = read(text)
        except ValueError:
            raise UsageError(f"parameter {self.name}: {text!r} is not of type {self.kind}") from None
        if abs(value) > 2**53 or value != value:
            raise UsageError(f"parameter {self.name}: {text!r} is out of range")
        return value


def near(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: what it may have been meant to be."""
    matches = difflib.get_close_matches(word, sorted(known), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(matches)}?" if matches else ""


def bind(parameters: Iterable[Parameter], given: Mapping[str, object], query: str) -> dict[str, Value]:
    """Complete and check the values of a query's parameters; texts are read as their type demands.

    Raises:
        UsageError: an unknown parameter, a missing one, or a value of another type.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in given:
        if name not in known:
            names = ", ".join(known) or "none"
            raise UsageError(f"query {query}: no parameter {name!r}{near(name, known)} (it has: {names})")
    bound: dict[str, Value] = {}
    for name, parameter in known.items():
        value = given.get(name)
        if isinstance(value, str):
            bound[name] = parameter.parse(value)
        elif value is not None:
            bound[name] = parameter.check(value)
        elif parameter.default is not None:
            bound[name] = parameter.default
        else:
            raise UsageError(f"query {query}: needs --param {name}=..., {parameter.description}")
        chosen = bound[name]
        if isinstance(chosen, list) and len(chosen) > MOST_VALUES:
            raise UsageError(f"parameter {name}: {len(chosen)} values; give at most {MOST_VALUES}")
    return bound


def resolve(parameters: Iterable[Parameter], bound: Mapping[str, Value], store: GraphStore) -> dict[str, Value]:
    """Replace what users write (a synonym, a row number, ``latest``) by what stands in the graph.

    Raises:
        UsageError: a label, lesion, patient, cohort, model or label set that the graph does not hold.
        LesionKGError: no model, or not enough models, were published yet.
    """
    resolved = dict(bound)
    for parameter in parameters:
        value = bound[parameter.name]
        match parameter.kind:
            case ParameterKind.LABEL:
                resolved[parameter.name] = _label(store, str(value))
            case ParameterKind.LABELS if isinstance(value, list):
                resolved[parameter.name] = [_label(store, item) for item in value]
            case ParameterKind.LESION:
                resolved[parameter.name] = _lesion(store, str(value))
            case ParameterKind.PATIENT:
                resolved[parameter.name] = _existing(store, _PATIENT, "patient", str(value), "")
            case ParameterKind.COHORT:
                resolved[parameter.name] = _existing(store, _COHORT, "cohort", str(value), "; `lesionkg cohort list`")
            case ParameterKind.LABEL_SET:
                resolved[parameter.name] = _existing(store, _LABEL_SET, "label set", str(value), "")
            case ParameterKind.MODEL:
                resolved[parameter.name] = _model(store, str(value))
    return resolved


_LABEL = """
MATCH (c:Label) WHERE c.name = $value OR c.id = $value OR $value IN coalesce(c.synonyms, [])
RETURN c.name AS name, CASE WHEN c.name = $value THEN 0 WHEN c.id = $value THEN 1 ELSE 2 END AS way
ORDER BY way, name
"""
_LABEL_NAMES = "MATCH (c:Label) RETURN c.name AS name ORDER BY name"
_LESION = "MATCH (l:Lesion) WHERE l.id = $value OR l.index = $index RETURN l.id AS id ORDER BY id LIMIT 1"
_PATIENT = "MATCH (p:Patient {id: $value}) RETURN p.id AS id ORDER BY id"
_COHORT = """
MATCH (c:Cohort) WHERE c.id = $value OR c.name = $value
RETURN c.id AS id, c.revision AS revision ORDER BY revision DESC, id LIMIT 1
"""
_LABEL_SET = "MATCH (s:LabelSet {name: $value}) RETURN s.name AS id ORDER BY id"
_MODELS = "MATCH (m:Model) RETURN m.id AS id, m.created AS created ORDER BY created DESC, id"


def _label(store: GraphStore, value: str) -> str:
    found = store.read(_LABEL, {"value": value})
    if not found:
        names = [row["name"] for row in store.read(_LABEL_NAMES)]
        raise NotFoundError(
            f"label {value!r}: not in the graph{near(value, names) or '; `lesionkg ontology show` lists them'}"
        )
    if found[0]["way"] == 2 and len(found) > 1:
        raise UsageError(f"label {value!r}: a synonym of {found[0]['name']} and {found[1]['name']}; name one of them")
    return str(found[0]["name"])


def _lesion(store: GraphStore, value: str) -> str:
    index = int(value) if value.isascii() and value.isdigit() and len(value) < 10 else -1
    found = store.read(_LESION, {"value": value, "index": index})
    if not found:
        raise NotFoundError(f"lesion {value!r}: not in the graph; give its id, e.g. DL:00042, or row in DL_info.csv")
    return str(found[0]["id"])


def _existing(store: GraphStore, cypher: str, what: str, value: str, hint: str) -> str:
    found = store.read(cypher, {"value": value})
    if not found:
        raise NotFoundError(f"{what} {value!r}: not in the graph{hint}")
    return str(found[0]["id"])


def _model(store: GraphStore, value: str) -> str:
    models = [str(row["id"]) for row in store.read(_MODELS)]
    places = {"latest": 0, "previous": 1}
    if value in models:
        return value
    if value not in places:
        raise NotFoundError(f"model {value!r}: not in the graph{near(value, models)}")
    if len(models) <= places[value]:
        raise LesionKGError(
            f"model {value!r}: the graph holds {len(models)} models; publish one with `lesionkg publish RUN`"
        )
    return models[places[value]]

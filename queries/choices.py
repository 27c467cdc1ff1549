"""What parameters may be: names in the graph for the forms of queries."""

from __future__ import annotations

from dataclasses import dataclass

from kg.graph_cohort import list_cohorts
from kg.store import GraphStore
from queries.parameters import ParameterKind

_LABELS = "MATCH (k:Label) WHERE NOT coalesce(k.deprecated, false) RETURN k.name AS name ORDER BY name"
_MODELS = "MATCH (m:Model) RETURN m.id AS id ORDER BY m.created DESC, id"
_SETS = "MATCH (s:LabelSet) RETURN s.name AS name ORDER BY name"


@dataclass(frozen=True, slots=True)
class Choices:
    """Attributes:
    labels: preferred names of the labels in use.
    models: ids, newest first.
    cohorts: names, then ids, newest first.
    label_sets: names.
    """

    labels: tuple[str, ...]
    models: tuple[str, ...]
    cohorts: tuple[str, ...]
    label_sets: tuple[str, ...]

    def of(self, kind: ParameterKind) -> tuple[str, ...]:
        """What a parameter of a kind may be; nothing where there is no list of it."""
        match kind:
            case ParameterKind.LABEL | ParameterKind.LABELS:
                return self.labels
            case ParameterKind.MODEL:
                return ("latest", "previous", *self.models)
            case ParameterKind.COHORT:
                return self.cohorts
            case ParameterKind.LABEL_SET:
                return self.label_sets
            case ParameterKind.BOOLEAN:
                return ("true", "false")
            case _:
                return ()


def read_choices(store: GraphStore) -> Choices:
    """The names in a graph."""
    cohorts = list_cohorts(store)
    return Choices(
        labels=tuple(row["name"] for row in store.read(_LABELS)),
        models=tuple(row["id"] for row in store.read(_MODELS)),
        cohorts=tuple(dict.fromkeys((*(one.name for one in cohorts), *(one.id for one in cohorts)))),
        label_sets=tuple(row["name"] for row in store.read(_SETS)),
    )

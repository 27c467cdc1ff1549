"""The ontologies that come with the project.

``lesanet-repaired`` (the default), ``lesanet-released``, and ``lesionkg-curated``, which ships with the change sets
that made it from ``lesanet-repaired``.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import PurePath

from kg.curation.change_set import ChangeSet
from kg.errors import UsageError
from kg.ontology import Ontology
from kg.tables import shipped_text

DEFAULT = "lesanet-repaired"
CURATED = "lesionkg-curated"
HISTORY = f"{CURATED}.history.json"


def shipped_names() -> tuple[str, ...]:
    """Names of the ontologies that ship, sorted."""
    files = (PurePath(entry.name) for entry in resources.files("ontologies").iterdir())
    return tuple(sorted(file.stem for file in files if file.suffix == ".ttl"))


@cache
def load_shipped(name: str = DEFAULT) -> Ontology:
    """The shipped ontology of this name; it is read once for each process.

    Raises:
        UsageError: no such ontology ships.
    """
    if name not in shipped_names():
        known = ", ".join(shipped_names()) or "none"
        raise UsageError(f"ontology {name!r}: does not ship; choose one of {known}, or give a file with --file")
    from kg.owl import parse_owl  # rdflib is slow to import: only who reads an ontology pays for it

    file = f"{name}.ttl"
    return parse_owl(resources.files("ontologies").joinpath(file).read_bytes(), f"ontologies/{file}")


@cache
def curated_history() -> tuple[ChangeSet, ...]:
    """The change sets that make ``lesionkg-curated`` of ``lesanet-repaired``, in their order.

    Raises:
        InputError: the shipped file is damaged.
    """
    from kg.curation.replay import history_from_json  # the graph's modules: only who reads a history pays for them

    return history_from_json(shipped_text(HISTORY), load_shipped(DEFAULT), f"ontologies/{HISTORY}")

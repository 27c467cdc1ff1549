"""The ontologies that come with the project: ``lesanet-repaired`` (the default) and ``lesanet-released``."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import PurePath

from kg.errors import UsageError
from kg.ontology import Ontology

DEFAULT = "lesanet-repaired"


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

"""Ontology files that hold a whole ontology.

The spreadsheet (``.xlsx``), OWL (``.ttl``, ``.owl``, ``.rdf``), OBO graph (``.obo.json``) and tidy table (``.tsv``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kg.errors import UsageError
from kg.findings import Finding
from kg.ontology import Ontology
from kg.rules import check

SUFFIXES = (".xlsx", ".ttl", ".owl", ".rdf", ".obo.json", ".tsv")


@dataclass(frozen=True)
class OntologyFile:
    """What a file holds.

    Attributes:
        ontology: the ontology, contradictions included.
        findings: what is wrong with the file; of a spreadsheet also what the importer left out or mended.
    """

    ontology: Ontology
    findings: tuple[Finding, ...]


def load_file(path: Path | str) -> Ontology:
    """The ontology in a file.

    Raises:
        UsageError: the suffix names no format.
        UnsafeInputError: an OWL file reaches for something outside itself; nothing was loaded.
        InputError: the file is missing, damaged or of another kind.
    """
    file = Path(path)
    suffix = _suffix(file)
    if suffix == ".xlsx":
        from kg.spreadsheet import read_spreadsheet, to_ontology

        return to_ontology(read_spreadsheet(file))
    if suffix in (".obo.json", ".tsv"):
        from kg.curation.between import EMPTY
        from kg.exchange.formats import read_onto

        return read_onto(EMPTY, file)
    from kg.owl import load_owl

    return load_owl(file)


def check_file(path: Path | str) -> OntologyFile:
    """The ontology in a file, and everything that is wrong with it.

    Raises:
        UsageError: as :func:`load_file`.
        InputError: as :func:`load_file`.
    """
    file = Path(path)
    if _suffix(file) == ".xlsx":
        from kg.spreadsheet import read_spreadsheet, to_ontology
        from kg.spreadsheet_rules import check_spreadsheet

        sheet = read_spreadsheet(file)
        return OntologyFile(to_ontology(sheet), tuple(check_spreadsheet(sheet)))
    ontology = load_file(file)
    return OntologyFile(ontology, tuple(check(ontology)))


def _suffix(file: Path) -> str:
    name = file.name.lower()
    if name.endswith(".sssom.tsv"):
        raise UsageError(f"{file}: holds mappings alone; `lesionkg ontology preview` reads it onto an ontology")
    suffix = next((one for one in SUFFIXES if name.endswith(one)), "")
    if not suffix:
        raise UsageError(f"{file}: suffix names no ontology format; use one of {', '.join(SUFFIXES)}")
    return suffix

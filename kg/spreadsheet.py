"""The released lesion ontology as its authors ship it: one spreadsheet (``lesion_ontology_181022.xlsx``).

One row a term, the columns ``id class term synonyms num_detected term_exclusive term_parents term_children``, lists
separated by `` | ``. Reading keeps everything as listed, defects included; :func:`to_ontology` takes from it what is an
ontology: the hierarchy from ``term_parents`` alone (``term_children`` holds a part of the same pairs), exclusion made
symmetric, references to terms that are not rows left out. :mod:`kg.spreadsheet_rules` reports what was left out.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from kg.errors import InputError
from kg.exchange.cells import restored
from kg.label_ids import assign_ids
from kg.notices import released_notices
from kg.ontology import (
    ExclusivePair,
    Label,
    LabelClass,
    LabelSet,
    Ontology,
    Relation,
    Synonym,
    TermMapping,
)
from kg.relation_kinds import kind_by_classes, reviewed_kinds
from kg.sssom import shipped_mappings
from kg.synonym_scopes import scope_of
from kg.tables import shipped_table

RELEASED = "lesanet-released"
LABEL_SET = "lesanet-171"

COLUMNS = ("id", "class", "term", "synonyms", "num_detected", "term_exclusive", "term_parents", "term_children")
"""The columns of the first sheet."""
SEPARATOR = " | "
"""What stands between the items of a list."""
_MOST_BYTES = 64 * 2**20
"""Unpacked size beyond which a spreadsheet is refused: the released one has 0.3 MB."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One term as listed.

    Attributes:
        line: row number in the spreadsheet, the header being row 1.
        term: preferred name.
        label_class: class of the label.
        synonyms: the synonyms cell as listed: it usually begins with the term itself.
        detected: how often the authors found the term in reports; None where the cell is empty.
        exclusive: terms it is never on one lesion with.
        parents: terms it implies.
        children: terms that imply it.
        id: the id cell as listed: a number in the released spreadsheet, a label id in one of ours.
    """

    line: int
    term: str
    label_class: LabelClass
    synonyms: tuple[str, ...]
    detected: int | None
    exclusive: tuple[str, ...]
    parents: tuple[str, ...]
    children: tuple[str, ...]
    id: str = ""


@dataclass(frozen=True)
class Spreadsheet:
    """All rows in the order of the file; terms are unique."""

    file: str
    rows: tuple[SheetRow, ...]

    @cached_property
    def by_term(self) -> dict[str, SheetRow]:
        """Rows by preferred name."""
        return {row.term: row for row in self.rows}


def read_spreadsheet(path: Path | str) -> Spreadsheet:
    """Read an ontology spreadsheet with the columns of the released one.

    Raises:
        InputError: no such file, not an .xlsx workbook, a missing column, an unknown class, a cell of the wrong kind,
            or a term or id that occurs twice.
    """
    file = Path(path)
    cells = _cells(file)
    header = [str(value or "").strip() for value in next(cells, ())]
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise InputError(
            f"{file}: column {missing[0]!r} is missing from the first sheet; it needs {', '.join(COLUMNS)}"
        )
    rows: list[SheetRow] = []
    seen: dict[tuple[str, str], int] = {}
    for line, values in enumerate(cells, 2):
        if not any(value is not None and str(value).strip() for value in values):
            continue
        row = dict(zip(header, values, strict=False))
        for column in ("term", "id"):
            value = str(row.get(column) if row.get(column) is not None else "").strip()
            first = seen.setdefault((column, value), line) if value else line
            if first != line:
                raise InputError(f"{file}: {column} {value!r} in rows {first} and {line}; keep one of them")
        rows.append(_row(file, line, row))
    if not rows:
        raise InputError(f"{file}: no terms below the header; choose the ontology spreadsheet")
    return Spreadsheet(file.name, tuple(rows))


def _cells(file: Path) -> Iterator[tuple[object, ...]]:
    if not file.is_file():
        raise InputError(f"{file}: no such file; give the path of the ontology spreadsheet")
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
                raise InputError(
                    f"{file}: unpacks to more than {_MOST_BYTES // 2**20} MiB; choose the ontology spreadsheet"
                )
        workbook = openpyxl.load_workbook(file, read_only=True, data_only=True)
        try:
            rows = [
                tuple(restored(value) if isinstance(value, str) else value for value in row)
                for row in workbook.worksheets[0].iter_rows(values_only=True)
            ]
        finally:
            workbook.close()
    except (zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, IndexError, OSError, ValueError) as error:
        raise InputError(f"{file}: not an .xlsx workbook ({type(error).__name__}); save it as .xlsx") from error
    return iter(rows)


def _row(file: Path, line: int, row: dict[str, object]) -> SheetRow:
    def items(column: str) -> tuple[str, ...]:
        return tuple(item.strip() for item in str(row.get(column) or "").split(SEPARATOR.strip()) if item.strip())

    term = str(row.get("term") or "").strip()
    if not term:
        raise InputError(f"{file}: row {line} has no term; name it or delete the row")
    label_class = str(row.get("class") or "").strip()
    if label_class not in set(LabelClass):
        raise InputError(f"{file}: row {line} ({term!r}) has class {label_class!r}; use one of {', '.join(LabelClass)}")
    detected = row.get("num_detected")
    if detected is not None and (isinstance(detected, bool) or not isinstance(detected, int | float) or detected % 1):
        raise InputError(f"{file}: row {line} ({term!r}) has num_detected {detected!r}; give a whole number or nothing")
    return SheetRow(
        line=line,
        term=term,
        label_class=LabelClass(label_class),
        synonyms=items("synonyms"),
        detected=None if detected is None else int(detected),
        exclusive=items("term_exclusive"),
        parents=items("term_parents"),
        children=items("term_children"),
        id=str(row.get("id") if row.get("id") is not None else "").strip(),
    )


def to_ontology(sheet: Spreadsheet) -> Ontology:
    """The ontology ``lesanet-released``: what the spreadsheet says, contradictions included.

    Labels get their stable ids by name (a new name the next free one) and their RadLex mappings, relations their
    reviewed kind (an unreviewed pair the kind of its classes), synonyms their reviewed scope. References to terms that
    are not rows never become relations. The label set ``lesanet-171`` is attached when all its labels are there.
    """
    ids = assign_ids([row.term for row in sheet.rows])
    mappings = shipped_mappings()
    return Ontology(
        name=RELEASED,
        labels=tuple(_label(row, ids[row.term], mappings.get(ids[row.term], ())) for row in sheet.rows),
        relations=tuple(_relations(sheet, ids)),
        exclusive_pairs=tuple(_exclusive_pairs(sheet, ids)),
        label_sets=tuple(_label_sets(set(ids.values()))),
        notices=released_notices(),
    )


def _label(row: SheetRow, label_id: str, mappings: Sequence[TermMapping]) -> Label:
    others = sorted({text for text in row.synonyms if text != row.term})
    return Label(
        id=label_id,
        name=row.term,
        label_class=row.label_class,
        synonyms=tuple(Synonym(text, scope_of(row.term, text), RELEASED) for text in others),
        mappings=tuple(sorted(mappings)),
        source=RELEASED,
    )


def _relations(sheet: Spreadsheet, ids: dict[str, str]) -> Iterator[Relation]:
    reviews = reviewed_kinds()
    for row in sheet.rows:
        for parent in dict.fromkeys(row.parents):
            if parent not in ids:
                continue
            review = reviews.get((ids[row.term], ids[parent]))
            if review is None:
                kind = kind_by_classes(row.label_class, sheet.by_term[parent].label_class)
                evidence = "kind taken from the classes of the two labels; not reviewed"
            else:
                kind, evidence = review.kind, review.evidence
            yield Relation(ids[row.term], kind, ids[parent], source=RELEASED, evidence=evidence)


def _exclusive_pairs(sheet: Spreadsheet, ids: dict[str, str]) -> Iterator[ExclusivePair]:
    listed = {(row.term, other) for row in sheet.rows for other in row.exclusive if other in ids}
    for one, other in sorted(listed):
        mutual = (other, one) in listed
        if mutual and one > other:
            continue
        evidence = "listed by both terms" if mutual else f"listed by {one!r} only"
        yield ExclusivePair(ids[one], ids[other], source=RELEASED, evidence=evidence)


def _label_sets(known: set[str]) -> Iterator[LabelSet]:
    rows = shipped_table(f"{LABEL_SET}.tsv", ("position", "id", "name"))
    members = tuple(row["id"] for row in sorted(rows, key=lambda row: int(row["position"])))
    if known.issuperset(members):
        yield LabelSet(LABEL_SET, members)

"""The layout of the released spreadsheet, written from any ontology and read back onto it.

Labels that are not deprecated, one row each, with the columns of :mod:`kg.spreadsheet`; the ``id`` column holds the
label id, so that a changed ``term`` renames. Read onto a base, a cell item that the export of the base has too leaves
alone all that it stands for; only items that came or went are edits.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import openpyxl
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.packaging.core import DocumentProperties
from openpyxl.utils.exceptions import IllegalCharacterError
from openpyxl.xml.functions import tostring

from kg.curation.edits import new_label_id
from kg.errors import InputError, OntologyError
from kg.exchange.cells import defused
from kg.findings import Finding
from kg.label_ids import shipped_ids
from kg.ontology import ExclusivePair, Label, LabelClass, Ontology, Relation, Synonym
from kg.relation_kinds import kind_by_classes, reviewed_kinds
from kg.spreadsheet import COLUMNS, SEPARATOR, SheetRow, Spreadsheet, read_spreadsheet
from kg.spreadsheet_rules import check_rows
from kg.synonym_scopes import scope_of

LACKS = (
    "kinds, sources and evidence of relations and exclusive pairs (a new relation gets the kind of the two classes)",
    "scopes and sources of synonyms (a new one is exact)",
    "definitions and mappings",
    "deprecated labels, and relations with them",
    "exceptions to inherited exclusion, and which exclusive pairs belong to a group",
    "soft relations and label sets",
    "OWL statements outside the model; notices have a sheet of their own, which is not read back",
)

_EPOCH = datetime(2000, 1, 1)
_MOST_IN_A_CELL = 32_767
_ID = re.compile(r"LKG:\d{7}")
_Pair = tuple[str, str]


@dataclass(frozen=True)
class _Listed:
    """What the export of an ontology lists, by label id.

    Attributes:
        labels: the labels that have a row.
        parents: child and parent ids of the pairs listed.
        exclusive: exclusive pairs, the smaller id first.
    """

    labels: dict[str, Label]
    parents: frozenset[_Pair]
    exclusive: frozenset[_Pair]


def _listed(ontology: Ontology) -> _Listed:
    labels = {label.id: label for label in ontology.labels if not label.deprecated}
    return _Listed(
        labels,
        frozenset((r.child, r.parent) for r in ontology.relations if r.child in labels and r.parent in labels),
        frozenset((a, b) for a, b in ontology.all_exclusive_pairs if a in labels and b in labels),
    )


def render(ontology: Ontology) -> bytes:
    """The workbook; equal content gives equal bytes.

    Raises:
        OntologyError: two labels share a name, or a text does not fit a cell.
    """
    listed = _listed(ontology)
    _require_names(ontology.name, listed.labels)
    names = {label_id: label.name for label_id, label in listed.labels.items()}
    above, below, apart = defaultdict(set), defaultdict(set), defaultdict(set)
    for child, parent in listed.parents:
        above[child].add(names[parent])
        below[parent].add(names[child])
    for a, b in listed.exclusive:
        apart[a].add(names[b])
        apart[b].add(names[a])
    workbook = openpyxl.Workbook()
    sheet = workbook.worksheets[0]
    sheet.append(COLUMNS)
    for label in listed.labels.values():
        synonyms = [label.name, *sorted({_item(s.text) for s in label.synonyms} - {label.name, ""})]
        cells = {
            "id": label.id,
            "class": label.label_class.value,
            "term": label.name,
            "synonyms": SEPARATOR.join(synonyms),
            "term_exclusive": SEPARATOR.join(sorted(apart[label.id])),
            "term_parents": SEPARATOR.join(sorted(above[label.id])),
            "term_children": SEPARATOR.join(sorted(below[label.id])),
        }
        try:
            sheet.append([_cell(label, cells.get(column, "")) for column in COLUMNS])
        except IllegalCharacterError as error:
            raise OntologyError(f"label {label.id}: has a control character; remove it") from error
    notices = workbook.create_sheet("notices")
    for notice in ontology.notices:
        notices.append([defused(ILLEGAL_CHARACTERS_RE.sub(" ", notice))[:_MOST_IN_A_CELL]])
    return _fixed(workbook)


def _cell(label: Label, text: str) -> str | None:
    text = defused(text)
    if len(text) > _MOST_IN_A_CELL:
        raise OntologyError(
            f"label {label.id}: a list of {len(text)} characters does not fit a cell; use another format"
        )
    return text or None


def _item(text: str) -> str:
    """A text as one item of a list."""
    return " ".join(text.replace(SEPARATOR.strip(), " ").split())


def _require_names(ontology: str, labels: dict[str, Label]) -> None:
    """Check that rows can name each other."""
    seen: dict[str, str] = {}
    for label in labels.values():
        if label.name != _item(label.name) or not label.name:
            raise OntologyError(f"label {label.id} of {ontology}: {label.name!r} does not fit a list; rename it")
        other = seen.setdefault(label.name, label.id)
        if other != label.id:
            raise OntologyError(f"labels {other} and {label.id} of {ontology}: both {label.name!r}; rename one")


def _fixed(workbook: openpyxl.Workbook) -> bytes:
    """The workbook without the time of writing."""
    written, out = BytesIO(), BytesIO()
    workbook.save(written)
    properties = DocumentProperties(creator="lesionkg", created=_EPOCH, modified=_EPOCH)
    with ZipFile(written) as source, ZipFile(out, "w", ZIP_DEFLATED) as target:
        for name in source.namelist():
            core = name == "docProps/core.xml"
            entry = ZipInfo(name, _EPOCH.timetuple()[:6])
            entry.compress_type = ZIP_DEFLATED
            target.writestr(entry, tostring(properties.to_tree()) if core else source.read(name))
    return out.getvalue()


def sheet_findings(base: Ontology, path: Path | str) -> list[Finding]:
    """What cannot be followed in a spreadsheet, or counts once or in both directions though listed otherwise.

    Args:
        base: the ontology that it edits; names that a row replaces may still stand in other rows.
        path: the spreadsheet.

    Raises:
        InputError: as :func:`kg.spreadsheet.read_spreadsheet`.
    """
    sheet = read_spreadsheet(path)
    rows = _rows_by_id(base, _listed(base), sheet, str(path))
    return check_rows(Spreadsheet(sheet.file, tuple(rows.values())))


def read_onto(base: Ontology, path: Path | str) -> Ontology:
    """The base with the edits of a spreadsheet.

    A row belongs to the label whose id it has, else to the label of its name, else it is a new label. A pair counts as
    exclusive when either row lists it; of the hierarchy ``term_parents`` decides. Items that name no row are left out:
    :func:`sheet_findings` tells them. ``num_detected`` is not read.

    Raises:
        InputError: it is no such spreadsheet, two rows are the same label, or an exclusive pair of a group is gone.
    """
    sheet = read_spreadsheet(path)
    listed = _listed(base)
    rows = _rows_by_id(base, listed, sheet, str(path))
    ids = {row.term: label_id for label_id, row in rows.items()}
    parents = {(label_id, ids[name]) for label_id, row in rows.items() for name in row.parents if name in ids}
    apart = {(label_id, ids[name]) for label_id, row in rows.items() for name in row.exclusive if name in ids}
    exclusive = {(min(pair), max(pair)) for pair in apart}
    source = Path(path).name
    labels = [_label(base.by_id.get(label_id), label_id, row, source) for label_id, row in rows.items()]
    gone = listed.exclusive - exclusive
    _require_groups(base, gone, str(path))
    lost = listed.parents - parents
    classes = {label.id: label.label_class for label in labels}
    return replace(
        base,
        labels=(*labels, *(label for label in base.labels if label.deprecated and label.id not in rows)),
        relations=(
            *(r for r in base.relations if (r.child, r.parent) not in lost),
            *(_relation(pair, classes, source) for pair in parents - listed.parents),
        ),
        exclusive_pairs=(
            *(p for p in base.exclusive_pairs if (p.a, p.b) not in gone),
            *(ExclusivePair(a, b, source) for a, b in exclusive - listed.exclusive),
        ),
    )


def _rows_by_id(base: Ontology, listed: _Listed, sheet: Spreadsheet, file: str) -> dict[str, SheetRow]:
    """Rows by the id of the label that they are about; a row about none gets a new id.

    A row may call another one by the name that its term replaces.
    """
    named = {label.name: label_id for label_id, label in listed.labels.items()}
    taken = {row.id for row in sheet.rows if row.id in listed.labels}
    old = {key: label for label in base.labels if label.deprecated for key in (label.id, label.name)}
    rows: dict[str, SheetRow] = {}
    for row in sheet.rows:
        if row.id in listed.labels:
            label_id = row.id
        elif row.term in named and named[row.term] not in taken:
            label_id = named[row.term]
        elif row.id in old or row.term in old:
            label = old.get(row.id) or old[row.term]
            raise InputError(f"{file}: row {row.line}: {label.name!r} is deprecated in {base.name}; delete the row")
        else:
            label_id = _new_id(base, row, {*rows, *taken})
        if label_id in rows:
            raise InputError(f"{file}: rows {rows[label_id].line} and {row.line} are both {label_id}; keep one of them")
        rows[label_id] = row
    replaced = {listed.labels[key].name: row.term for key, row in rows.items() if key in listed.labels}
    terms = {old: new for old, new in replaced.items() if old not in sheet.by_term}
    return {label_id: _renamed(row, terms) for label_id, row in rows.items()}


def _renamed(row: SheetRow, terms: dict[str, str]) -> SheetRow:
    """A row that calls others by their new terms."""

    def called(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(terms.get(name, name) for name in names)

    return replace(row, exclusive=called(row.exclusive), parents=called(row.parents), children=called(row.children))


def _new_id(base: Ontology, row: SheetRow, used: set[str]) -> str:
    """The id listed when it is a free one of ours, the one that the name has had before, or the next."""
    for wanted in (row.id if _ID.fullmatch(row.id) else "", shipped_ids().get(row.term, "")):
        if wanted and wanted not in base.by_id and wanted not in used:
            return wanted
    return new_label_id(base, used)


def _label(known: Label | None, label_id: str, row: SheetRow, source: str) -> Label:
    if known is None:
        new = {text for text in row.synonyms if text != row.term}
        synonyms = tuple(Synonym(text, scope_of(row.term, text), source) for text in new)
        return Label(label_id, row.term, row.label_class, synonyms, source=source)
    exported = {_item(s.text) for s in known.synonyms} | {known.name}
    kept = [s for s in known.synonyms if _item(s.text) in {*row.synonyms, known.name, ""}]
    new = {text for text in row.synonyms if text != row.term and text not in exported}
    added = [Synonym(text, scope_of(row.term, text), source) for text in new]
    return replace(known, name=row.term, label_class=row.label_class, synonyms=(*kept, *added))


def _relation(pair: _Pair, classes: dict[str, LabelClass], source: str) -> Relation:
    review = reviewed_kinds().get(pair)
    if review is not None:
        return Relation(pair[0], review.kind, pair[1], source, evidence=review.evidence)
    evidence = "kind taken from the classes of the two labels; not reviewed"
    return Relation(pair[0], kind_by_classes(classes[pair[0]], classes[pair[1]]), pair[1], source, evidence=evidence)


def _require_groups(base: Ontology, gone: frozenset[_Pair], file: str) -> None:
    for group in base.exclusive_groups:
        for a, b in sorted(gone):
            if a in group.members and b in group.members:
                raise InputError(
                    f"{file}: {base.by_id[a].name!r} and {base.by_id[b].name!r} are of exclusive group {group.id!r}; "
                    "list them as exclusive, or change the group by `lesionkg ontology propose`"
                )

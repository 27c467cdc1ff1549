"""Defects that only the spreadsheet shows: what the importer mends or leaves out, besides what breaks a rule.

Errors are references that cannot be followed; warnings are what the importer mends by itself (a one-way exclusion
counts in both directions, an entry listed twice counts once).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from kg.findings import Finding, Severity
from kg.rules import check, count, listing
from kg.spreadsheet import SheetRow, Spreadsheet, to_ontology

_COLUMNS = {
    "exclusive": ("dangling-exclusive", "term_exclusive"),
    "parents": ("dangling-parent", "term_parents"),
    "children": ("dangling-child", "term_children"),
}
_LISTS = {**{field: column for field, (_, column) in _COLUMNS.items()}, "synonyms": "synonyms"}


def check_spreadsheet(sheet: Spreadsheet) -> list[Finding]:
    """Findings over the rows as listed, then those of :func:`kg.rules.check` over the imported ontology."""
    return [*check_rows(sheet), *check(to_ontology(sheet))]


def check_rows(sheet: Spreadsheet) -> list[Finding]:
    """Findings over the rows as listed."""
    return [*_dangling(sheet), *_one_way(sheet), *_repeated(sheet), *_children_without_parent(sheet)]


def _entries(row: SheetRow, field: str) -> tuple[str, ...]:
    entries: tuple[str, ...] = getattr(row, field)
    return entries


def _dangling(sheet: Spreadsheet) -> Iterator[Finding]:
    """One finding for each term that a column names and no row defines."""
    for field, (rule, column) in _COLUMNS.items():
        users: dict[str, list[SheetRow]] = defaultdict(list)
        for row in sheet.rows:
            for term in dict.fromkeys(_entries(row, field)):
                if term not in sheet.by_term:
                    users[term].append(row)
        for term, rows in sorted(users.items()):
            names = [row.term for row in rows]
            yield Finding(
                rule,
                Severity.ERROR,
                (term, *names),
                f"{term!r} in column {column} of {count(len(rows), 'row')} ({listing(names)}) is not a term of the "
                "spreadsheet; add its row or drop the reference",
                tuple(f"row {row.line}: {row.term} {column} {term}" for row in rows),
            )


def _one_way(sheet: Spreadsheet) -> Iterator[Finding]:
    for row in sheet.rows:
        for other in dict.fromkeys(row.exclusive):
            if other in sheet.by_term and row.term not in sheet.by_term[other].exclusive:
                yield Finding(
                    "one-way-exclusion",
                    Severity.WARNING,
                    (row.term, other),
                    f"{row.term!r} lists {other!r} as exclusive, but {other!r} does not list {row.term!r}; "
                    "taken in both directions, list it in both rows",
                    (f"row {row.line}: {row.term} term_exclusive {other}",),
                )


def _repeated(sheet: Spreadsheet) -> Iterator[Finding]:
    """One finding for each cell that lists an entry more than once."""
    for field, column in _LISTS.items():
        for row in sheet.rows:
            twice = [term for term, times in Counter(_entries(row, field)).items() if times > 1]
            if twice:
                yield Finding(
                    "duplicate-entry",
                    Severity.WARNING,
                    (row.term, *twice),
                    f"column {column} of {row.term!r} lists {listing(twice)} more than once; keep one",
                    (f"row {row.line}: {row.term} {column}",),
                )


def _children_without_parent(sheet: Spreadsheet) -> Iterator[Finding]:
    """The children column must not say more than the parents column, the only one that is read."""
    for row in sheet.rows:
        for child in dict.fromkeys(row.children):
            if child in sheet.by_term and row.term not in sheet.by_term[child].parents:
                yield Finding(
                    "child-without-parent",
                    Severity.WARNING,
                    (row.term, child),
                    f"{row.term!r} lists {child!r} as a child, but {child!r} does not list it as a parent; "
                    "not imported, list the parent",
                    (f"row {row.line}: {row.term} term_children {child}",),
                )

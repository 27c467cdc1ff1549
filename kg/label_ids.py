"""Stable label ids: a name keeps the id that it was given first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from kg.errors import InputError
from kg.tables import shipped_table

_FILE = "label_ids.tsv"
_ID = re.compile(r"LKG:(\d{7})")


@cache
def shipped_ids() -> Mapping[str, str]:
    """Ids by preferred name of every label that has one.

    Raises:
        InputError: the shipped table holds a malformed or repeated id or name.
    """
    ids: dict[str, str] = {}
    for row in shipped_table(_FILE, ("id", "name")):
        if not _ID.fullmatch(row["id"]) or row["name"] in ids or row["id"] in ids.values():
            raise InputError(
                f"ontologies/{_FILE}: bad or repeated row {row['id']} {row['name']!r}; give each name one id"
            )
        ids[row["name"]] = row["id"]
    return ids


def assign_ids(names: Iterable[str]) -> dict[str, str]:
    """Ids by name: the shipped one, or for a new name the next free number, in the order given.

    Raises:
        InputError: the shipped table is damaged.
    """
    known = shipped_ids()
    free = 1 + max((int(label_id.removeprefix("LKG:")) for label_id in known.values()), default=0)
    assigned: dict[str, str] = {}
    for name in names:
        if name in assigned:
            continue
        if name in known:
            assigned[name] = known[name]
        else:
            assigned[name] = f"LKG:{free:07d}"
            free += 1
    return assigned

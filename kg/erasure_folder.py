"""A graph folder written anew, so that nothing of what was deleted is left in its files.

The engine overwrites the record of a deleted node, but an index keeps its key in older pages, and a page keeps what it
held beyond its end. So what the graph holds is backed up as lines, restored into a fresh folder, compared by its hash,
and put in the place of the old one by renames.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from kg.backup import backup, restore
from kg.backup_file import sync
from kg.embedded import open_folder, remove_partials
from kg.errors import StoreBusyError, StoreError
from kg.ownership import read_ownership
from kg.schema import READ_WRITES, SCHEMA_ID
from kg.snapshot import remove_snapshots

_ATTEMPTS = 3


def require_unowned(folder: Path) -> None:
    """Make sure that no other process holds a graph folder.

    Raises:
        StoreBusyError: one does.
    """
    owner = read_ownership(folder)
    if owner is not None:
        what = "a server" if owner.bolt else "another command"
        raise StoreBusyError(
            f"graph {folder}: {what} (process {owner.pid}) holds it, and an erasure writes its folder anew; stop that "
            "process, then give the command again"
        )


def rewrite(folder: Path) -> None:
    """Write a graph folder anew. Killed at any moment, it is whole, and :func:`recover` tidies up.

    Raises:
        StoreBusyError: another process holds it.
        StoreError: it cannot be read whole, or others wrote to it all the time; the folder is as it was.
    """
    folder = folder.absolute()
    recover(folder)
    fresh, replaced, lines = _places(folder)
    for _ in range(_ATTEMPTS):
        writes = _writes(folder)
        backup(str(folder), lines, portable=True)
        restore(lines, fresh)
        lines.unlink()
        folder.rename(replaced)
        try:
            unchanged = _writes(replaced) == writes
        except StoreError:
            replaced.rename(folder)
            raise
        if unchanged:
            _take_place(fresh, folder)
            shutil.rmtree(replaced)
            return
        replaced.rename(folder)
        shutil.rmtree(fresh)
    raise StoreBusyError(f"graph {folder}: others write to it all the time; stop them, then give the command again")


def recover(folder: Path) -> None:
    """Tidy up after a process that was killed in :func:`rewrite`, and copies beside the graph that a crash left.

    Raises:
        StoreError: somebody made another graph meanwhile.
    """
    folder = folder.absolute()
    fresh, replaced, lines = _places(folder)
    if replaced.exists() and not folder.exists():
        replaced.rename(folder)
    elif replaced.exists() and fresh.exists():
        raise StoreError(
            f"graph {folder}: made while an erasure exchanged it for another; move it away and rename {replaced} to it"
        )
    shutil.rmtree(replaced, ignore_errors=True)
    shutil.rmtree(fresh, ignore_errors=True)
    lines.unlink(missing_ok=True)
    for path in (folder, fresh, lines):
        remove_partials(path)
    remove_snapshots(folder)


def _places(folder: Path) -> tuple[Path, Path, Path]:
    return tuple(folder.with_name(f"{folder.name}.{name}") for name in ("rewritten", "replaced", "lines"))  # type: ignore[return-value]


def _take_place(fresh: Path, folder: Path) -> None:
    fresh.rename(folder)
    sync(folder.parent)


def _writes(folder: Path) -> object:
    """How often the graph was written to; opening it makes sure that nobody else has it open."""
    with open_folder(folder, read_only=True) as store:
        return store.read(READ_WRITES, {"id": SCHEMA_ID})

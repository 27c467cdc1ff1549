"""Read-only copies of an embedded graph for processes that read it: made when it changed, dropped when unused."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from kg.errors import StoreError
from kg.ownership import Ownership

_PREFIX = "lesionkg-queries-"


class Copied(Protocol):
    """A graph that can be copied while others write."""

    def snapshot(self, target: Path) -> None:
        """Write a copy of one committed state, a ZIP, to a new file."""
        ...


class Versioned(Copied, Protocol):
    """A graph that also tells whether a copy is behind."""

    def version(self) -> tuple[Any, ...]:
        """What stays the same as long as nobody commits anything."""
        ...


@dataclass(eq=False, slots=True)
class Snapshot:
    """One unpacked copy.

    Attributes:
        folder: its files.
        version: of the graph, read before the copy was made.
        users: processes that have it open.
    """

    folder: Path
    version: tuple[Any, ...]
    users: int = 0


class Snapshots:
    """The newest copy of a graph, and older ones that are still in use; threads may share it.

    The copies lie in a folder that only this user can read. It goes with :meth:`close`; after a crash, when a process
    of this user makes its first copy.

    Args:
        store: the graph, held open by this process.
    """

    def __init__(self, store: Versioned) -> None:
        self._store = store
        self._lock = Lock()
        self._numbers = count(1)
        self._newest: Snapshot | None = None
        self._place: Path | None = None

    def take(self) -> Snapshot:
        """A copy that holds everything that was committed before this call; give it back when done.

        Raises:
            StoreError: no copy can be made, e.g. because the disk is full.
        """
        with self._lock:
            version = self._store.version()
            if self._newest is None or self._newest.version != version:
                older, self._newest = self._newest, None
                if older is not None and not older.users:
                    shutil.rmtree(older.folder, ignore_errors=True)
                if self._place is None:
                    self._place = private_folder()
                folder = self._place / str(next(self._numbers))
                unpacked(self._store, folder)
                self._newest = Snapshot(folder, version)
            self._newest.users += 1
            return self._newest

    def give_back(self, snapshot: Snapshot) -> None:
        """Say that a process does not have the copy open any more."""
        with self._lock:
            snapshot.users -= 1
            if not snapshot.users and snapshot is not self._newest:
                shutil.rmtree(snapshot.folder, ignore_errors=True)

    def close(self) -> None:
        """Take all copies away; nobody reads them any more."""
        with self._lock:
            self._newest = None
            if self._place is not None:
                shutil.rmtree(self._place, ignore_errors=True)
                self._place = None


@contextmanager
def one_snapshot(store: Copied) -> Iterator[Path]:
    """An unpacked copy of a graph for as long as the block lasts.

    Raises:
        StoreError: no copy can be made.
    """
    place = private_folder()
    try:
        folder = place / "graph"
        unpacked(store, folder)
        yield folder
    finally:
        shutil.rmtree(place, ignore_errors=True)


def private_folder() -> Path:
    """A new folder for copies; takes away what processes that are gone left behind."""
    beside = Path(tempfile.gettempdir())
    for left in beside.glob(f"{_PREFIX}*"):
        maker = left.name.removeprefix(_PREFIX).partition("-")[0]
        # Of this user only, and never a process number that is in use.
        if maker.isdigit() and not Ownership(int(maker)).alive and not left.is_symlink() and _is_ours(left):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))


def unpacked(store: Copied, folder: Path) -> None:
    """Copy a graph and unpack the copy into a new folder: whole or not at all.

    Raises:
        StoreError: no copy can be made.
    """
    packed = folder.with_name(f"{folder.name}.zip")
    try:
        store.snapshot(packed)
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(folder)
    except (OSError, zipfile.BadZipFile) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise StoreError(
            f"query: no copy of the graph was made in {folder.parent} ({error}); free some space"
        ) from error
    finally:
        packed.unlink(missing_ok=True)


def _is_ours(path: Path) -> bool:
    try:
        return path.stat().st_uid == os.getuid()
    except OSError:
        return False

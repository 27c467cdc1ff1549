"""Who owns a graph folder: a small file beside it, written by the process that has it open.

The engine's own lock decides who may open the folder; the file only tells others whom to wait for, and how to reach the
owner when it serves Bolt. A file left behind by a crash names a dead process and counts for nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kg.errors import StoreError


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the owner's Bolt server."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ownership:
    """What the owner of a folder says about itself.

    Attributes:
        pid: its process.
        bolt: loopback ``bolt://`` address it serves; empty when it serves none.
        accounts: ``writer`` and ``reader``, made up anew at each start; empty without Bolt.
    """

    pid: int
    bolt: str = ""
    accounts: Mapping[str, Account] = field(default_factory=dict)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def ownership_file(folder: Path) -> Path:
    """The file beside a graph folder, e.g. ``graph.owner.json`` beside ``graph``."""
    return folder.with_name(f"{folder.name}.owner.json")


def read_ownership(folder: Path) -> Ownership | None:
    """The living owner of a folder; ``None`` when nobody owns it or the file was left behind by a crash."""
    try:
        stored = json.loads(ownership_file(folder).read_text(encoding="utf-8"))
        accounts = {role: Account(**account) for role, account in stored["accounts"].items()}
        owner = Ownership(int(stored["pid"]), str(stored["bolt"]), accounts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # Absent, being replaced, or written by a version we do not know: the engine's lock still protects the folder.
        return None
    return owner if owner.alive else None


def write_ownership(folder: Path, owner: Ownership) -> None:
    """Say who owns the folder; only the user who owns the process can read it.

    Raises:
        StoreError: the file cannot be written.
    """
    target = ownership_file(folder)
    partial = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(owner), file)
        partial.replace(target)
    except OSError as error:
        raise StoreError(f"{target}: cannot be written ({error.strerror}); check the folder's rights") from error


def remove_ownership(folder: Path) -> None:
    """Take our own file away; one of another process stays."""
    owner = read_ownership(folder)
    if owner is not None and owner.pid == os.getpid():
        ownership_file(folder).unlink(missing_ok=True)

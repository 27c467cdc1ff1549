"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

from kg.errors import InputError


def write_whole(target: Path, data: bytes) -> None:
    """Write a file beside its place, then put it there.

    Raises:
        InputError: the file cannot be written; an older one is as it was.
    """
    partial = target.with_name(target.name + ".partial")
    try:
        partial.write_bytes(data)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"{target}: cannot be written ({error.strerror}); choose another place") from error

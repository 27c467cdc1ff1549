"""The folder of a trained model: it appears whole, and a file that is not the one that was written is refused.

``config.json`` holds the SHA-256 of every other file.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from kg.errors import InputError

_CONFIG = "config.json"


def write_folder(target: Path, write_files: Callable[[Path], None], config: Mapping[str, Any]) -> Path:
    """Write a folder in place of an older one of that name; it appears by a rename when it is complete.

    Args:
        target: the folder; its parent is made when absent.
        write_files: writes every file but ``config.json`` into the folder it is given.
        config: content of ``config.json``; the hashes of the files are added as ``files``.

    Returns:
        The folder.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        write_files(partial)
        files = {path.name: _digest(path) for path in sorted(partial.iterdir())}
        write_json(partial / _CONFIG, {**config, "files": files})
        partial.chmod(0o777 & ~_umask())
        if target.exists():
            target.rename(partial / "replaced")
            # The older run travels inside the new folder for a moment: no state without a whole run to recover.
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    shutil.rmtree(target / "replaced", ignore_errors=True)
    return target


def read_config(folder: Path, expected: str, absent: Collection[str] = ()) -> dict[str, Any]:
    """Read ``config.json`` and check the other files against it.

    Args:
        folder: the folder.
        expected: value of ``format`` that can be read.
        absent: files that need not be there.

    Raises:
        InputError: another format, or an altered file.
        OSError: a file is missing.
        ValueError: not JSON.
        KeyError: the configuration lacks something.
    """
    config: dict[str, Any] = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
    if config["format"] != expected:
        raise InputError(f"format {config['format']!r}, expected {expected!r}")
    for name, digest in config["files"].items():
        if name not in absent and _digest(folder / name) != digest:
            raise InputError(f"{name} is not the file that was written")
    return config


def write_json(path: Path, value: object) -> None:
    """Write a JSON file; infinities and NaN are refused with ``ValueError``."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current

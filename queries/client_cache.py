"""Files of a server kept in a folder, each with its ETag, so that what did not change is not sent again."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path


class FileCache:
    """Files by the address they came from. Processes may share a folder.

    Args:
        folder: made when the first file is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, address: str) -> tuple[str, bytes] | None:
        """ETag and content of what an address gave last; None when that is not there, or not whole."""
        try:
            head, _, content = self._path(address).read_bytes().partition(b"\n")
            kept = json.loads(head)
            etag, digest = str(kept["etag"]), str(kept["sha256"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return (etag, content) if hashlib.sha256(content).hexdigest() == digest else None

    def keep(self, address: str, etag: str, content: bytes) -> None:
        """Keep a file in place of an older one of the same address."""
        self._folder.mkdir(parents=True, exist_ok=True)
        head = json.dumps({"address": address, "etag": etag, "sha256": hashlib.sha256(content).hexdigest()})
        handle, name = tempfile.mkstemp(prefix=".", dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(head.encode() + b"\n" + content)
            Path(name).replace(self._path(address))
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _path(self, address: str) -> Path:
        return self._folder / hashlib.sha256(address.encode()).hexdigest()[:32]

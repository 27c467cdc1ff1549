"""A damaged store is called one, with the way out, and stays as it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kg.curation.proposal_tables import open_curation_at
from kg.errors import StoreError


@pytest.mark.parametrize("damage", ["noise", "torn"])
def test_a_damaged_store_is_told_from_one_that_is_refused(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "curation.sqlite"
    open_curation_at(file).close()
    content = file.read_bytes()
    # All noise, or whole but for the pages behind the first.
    file.write_bytes(os.urandom(4096) if damage == "noise" else content[:4096] + b"\xff" * (len(content) - 4096))
    left = file.read_bytes()
    with pytest.raises(StoreError, match="is damaged, or no database; restore a copy of it, or move it away") as caught:
        open_curation_at(file)
    assert "\n" not in str(caught.value) and str(file) in str(caught.value)
    assert file.read_bytes() == left


def test_a_store_that_cannot_be_made_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "curation.sqlite").mkdir()
    with pytest.raises(StoreError, match="check address, rights and space"):
        open_curation_at(tmp_path / "curation.sqlite")

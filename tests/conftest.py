"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real source files that may not be redistributed with the project."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("LESIONKG_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip("the original DeepLesion, LesaNet and RadLex files are absent; set LESIONKG_TEST_DATA")
    return folder

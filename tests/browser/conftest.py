"""A data folder as ``lesionkg demo`` makes it, served, with a real browser on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import NO_BROWSER, Browser, served
from filelock import FileLock

READY = "LESIONKG_TEST_HOME"
"""Environment variable with a data folder that `lesionkg demo` made, to save making one."""


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's data folder, made once for all test processes; copy it, do not change it."""
    if READY in os.environ:
        return Path(os.environ[READY])
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    home = shared / "demo-home"
    with FileLock(shared / "demo-home.lock"):
        if not (home / "made").exists():
            subprocess.run(
                [sys.executable, "-m", "lesionkg", "demo", "--home", str(home)], check=True, capture_output=True
            )
            (home / "made").touch()
    return home


@pytest.fixture(scope="module")
def home(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the demo's data folder for one test file."""
    target = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(demo_home, target)
    return target


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    """Where the copy is served."""
    with served(home) as found:
        yield found


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[Browser]:
    """A browser of 1280 x 800; each test must leave no error in its console."""
    if NO_BROWSER:
        pytest.skip(NO_BROWSER)
    found = Browser(address)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def no_complaints(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test with the browser its console must hold no error."""
    yield
    if "browser" in request.fixturenames and not NO_BROWSER:
        assert request.getfixturevalue("browser").complaints() == []

"""The API on the first 1,000 real lesions, and a tiny run on them that is in no graph yet."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from api_server import Api, make_home, served_api

from lesionkg.server.people import Role, local_user
from queries.client import Client


class Made(NamedTuple):
    """A data folder, and a run that was trained elsewhere."""

    home: Path
    run: Path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Made once; copy the data folder, do not change it."""
    home = tmp_path_factory.mktemp("api") / "home"
    home.mkdir()
    return Made(home, make_home(home))


@pytest.fixture(scope="module")
def api(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Served from a copy of the data folder, one for each test file."""
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(made.home, home)
    with served_api(home, ask_token=True, upload_bytes=1 << 22) as (place, address):
        tokens = {role: place.users.add(str(role), role, local_user()) for role in (Role.READER, Role.CURATOR)}
        by = {
            role: httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60)
            for role, token in tokens.items()
        }
        with by[Role.READER] as reader, by[Role.CURATOR] as curator, Client(address, tokens[Role.CURATOR]) as client:
            yield Api(place, address, made.run, client, curator, reader)

"""Signing in and out in a real browser, on a server that asks for tokens."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, served

from kg.curation.proposal_tables import open_curation
from lesionkg.server.people import Role, User
from lesionkg.server.users import Users


@pytest.fixture(scope="module")
def token(home: Path) -> str:
    with open_curation(home) as database:
        return Users(database).add("anna", Role.READER, User("test", Role.ADMIN))


@pytest.fixture(scope="module")
def address(home: Path, token: str) -> Iterator[str]:
    with served(home, "--ask-token") as found:
        yield found


def test_a_token_opens_the_workbench_until_its_user_is_removed(browser: Browser, token: str, home: Path) -> None:
    browser.driver.get(f"{browser.address}/models?run=any")
    browser.see("Sign in to lesionkg")
    browser.see("Research use only; not for diagnosis.")
    if folder := os.environ.get("LESIONKG_TEST_SHOTS"):
        browser.shot(Path(folder) / "sign-in.png")
    browser.fill("#token", "wrong")
    browser.press("Sign in")
    browser.see("This is no token of this server")
    browser.complaints()  # the answer was 401
    browser.fill("#token", token)
    browser.press("Sign in")
    browser.find('button[aria-label="Sign out"]')
    assert browser.driver.current_url.endswith("/models?run=any")
    assert browser.driver.execute_script("return document.cookie").count("lesionkg-session") == 0, "no script sees it"
    browser.click('button[aria-label="Sign out"]')
    browser.see("Sign in to lesionkg")
    browser.driver.get(f"{browser.address}/")
    browser.see("Sign in to lesionkg")
    browser.fill("#token", token)
    browser.press("Sign in")
    browser.open("/")
    order = [sys.executable, "-m", "lesionkg", "user", "remove", "anna", "--home", str(home)]
    subprocess.run(order, check=True, capture_output=True)
    browser.until(
        lambda: browser.driver.execute_script("return !window.socket || !window.socket.connected"), "the page cut off"
    )
    browser.driver.get(f"{browser.address}/")
    browser.see("Sign in to lesionkg")
    browser.complaints()  # refused web sockets

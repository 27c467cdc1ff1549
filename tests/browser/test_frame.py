"""The frame that all pages share, in a real browser."""

from __future__ import annotations

import pytest
from browser import Browser

PATHS = ["/", "/ontology", "/review", "/lesions", "/query", "/conflicts", "/models"]


@pytest.mark.parametrize("path", PATHS)
def test_every_page_says_what_it_is_and_for_what(browser: Browser, path: str) -> None:
    browser.open(path)
    browser.see("Research use only; not for diagnosis.")
    browser.see("lesanet-repaired · revision 1")
    assert browser.find("a[aria-current=page]").get_attribute("href").rstrip("/") == (browser.address + path).rstrip(
        "/"
    )
    wider = browser.driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
    assert wider <= 0, "no page is wider than the window"


def test_dark_is_remembered(browser: Browser) -> None:
    browser.open("/")
    browser.click('button[aria-label="Dark or light"]')
    browser.find("body.body--dark")
    browser.open("/models")
    browser.find("body.body--dark")
    browser.click('button[aria-label="Dark or light"]')
    browser.find("body.body--light")

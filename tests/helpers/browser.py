"""A served data folder and a real browser on it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
NO_BROWSER = "" if CHROMIUM and DRIVER else "needs Debian's chromium and chromium-driver"
WAIT_S = 40.0


@contextmanager
def served(home: Path, *options: str) -> Iterator[str]:
    """``lesionkg serve`` on a data folder; gives its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "lesionkg", "serve", "--home", str(home), "--port", "0", "--no-warm-up", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            found = re.search(r"http://[^ ]+/", line)
            if found:
                break
        else:
            raise AssertionError(f"the server did not start: {''.join(said)}")
        address = found[0].rstrip("/")
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                urllib.request.urlopen(f"{address}/api/version", timeout=5).close()
                break
            except urllib.error.HTTPError:
                break  # it asks for a token, so it is there
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


class Browser:
    """Headless Chromium; everything waits for what it names."""

    def __init__(self, address: str, width: int = 1280, height: int = 800, dark: bool = False) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM or ""
        for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "hide-scrollbars"):
            options.add_argument(f"--{argument}")
        options.add_argument(f"--window-size={width},{height}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.address = address
        self.driver = webdriver.Chrome(options, Service(DRIVER))
        # The window's inner size is what people see.
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def open(self, path: str) -> None:
        """Go to a page and wait until it is alive."""
        self.driver.get(self.address + path)
        self.until(
            lambda: self.driver.execute_script("return !!(window.socket && window.socket.connected)"), f"{path} alive"
        )

    def until(self, condition: Any, what: str) -> Any:
        """Wait for something to be true, and give it back.

        Raises:
            AssertionError: it did not become true; the message shows the page.
        """
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            try:
                found = condition()
            except (StaleElementReferenceException, WebDriverException):
                found = None
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(f"waited in vain for {what}; the page says: {self.text()[:3000]}")

    def text(self) -> str:
        """What the page shows."""
        return str(self.driver.find_element(By.TAG_NAME, "body").text)

    def see(self, text: str) -> None:
        """Wait until the page shows a text."""
        self.until(lambda: text in self.text(), repr(text))

    def find(self, selector: str) -> WebElement:
        """The first visible element of a CSS selector, waited for."""
        found: WebElement = self.until(
            lambda: next((e for e in self.driver.find_elements(By.CSS_SELECTOR, selector) if e.is_displayed()), None),
            selector,
        )
        return found

    def mark(self, name: str) -> WebElement:
        """The visible element whose ``data-mark`` is this."""
        return self.find(f'[data-mark="{name}"]')

    def click(self, selector: str) -> None:
        """Click the first visible element of a CSS selector, once it can be clicked."""
        self.until(lambda: self.click_on(self.find(selector)), f"a click on {selector}")

    def click_on(self, element: WebElement) -> bool:
        """Click an element in the middle of the window, where neither bar nor footer covers it."""
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()
        return True

    def press(self, text: str) -> None:
        """Click the visible button or link with exactly this text."""
        kinds = (
            "self::button or self::a or @role='button' or @role='tab' or @role='option' or contains(@class,'q-item')"
        )
        path = f"//*[{kinds}][normalize-space(.)={json.dumps(text)}]"

        def clicked() -> bool:
            for element in self.driver.find_elements(By.XPATH, path):
                if element.is_displayed() and element.is_enabled():
                    return self.click_on(element)
            return False

        self.until(clicked, f"a button {text!r}")

    def fill(self, selector: str, text: str) -> None:
        """Write a text into a field in place of what is there."""
        from selenium.webdriver.common.keys import Keys

        field = self.find(selector)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text)

    def keys(self, *keys: str) -> None:
        """Press keys wherever the focus is."""
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def complaints(self) -> list[str]:
        """Errors of the browser's console since the last call: refused by the CSP, missing files, failed scripts."""
        return [line["message"] for line in self.driver.get_log("browser") if line["level"] == "SEVERE"]

    def shot(self, file: Path) -> None:
        """Save what is shown as PNG."""
        file.parent.mkdir(parents=True, exist_ok=True)
        time.sleep(0.6)  # animations end
        assert self.driver.save_screenshot(str(file))

    def close(self) -> None:
        """End the browser."""
        self.driver.quit()

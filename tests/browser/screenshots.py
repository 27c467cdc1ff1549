"""Draw the pictures of ``docs/images``: ``make screenshots``.

Serves a copy of the demo's data folder and of a synthetic set's (made when they are absent), walks the pages in
headless Chromium, and saves what a person would see.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from browser import NO_BROWSER, Browser, served
from PIL import Image

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "docs" / "images"
DEMO, PHANTOM = ROOT / ".lesionkg", ROOT / ".phantom"


@dataclass(frozen=True)
class Picture:
    """One file of ``docs/images``.

    Attributes:
        name: of the file, without ``.png``.
        path: page to open.
        sees: text to wait for.
        act: what to do before.
        dark: in dark colours.
    """

    name: str
    path: str
    sees: str
    act: Callable[[Browser], object] | None = None
    dark: bool = False


PICTURES = (
    Picture("overview", "/", "contradict"),
    Picture("ontology", "/ontology?label=lung%20nodule", "predicts it for"),
    Picture("ontology-graph", "/ontology?label=lung%20nodule&view=graph", "lung nodule", dark=True),
    Picture("review", "/review", "What promotion would do".upper()),
    Picture("heat-map", "/review", "Heat map", lambda b: b.press("Heat map")),
    Picture("query", "/query?name=lesions-with-findings", "rows"),
    Picture("conflicts", "/conflicts", "pelvis"),
    Picture("models", "/models", "0.8939", dark=True),
)


def take(home: Path, pictures: tuple[Picture, ...]) -> None:
    """Serve a copy of a data folder and take pictures of it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "home"
        shutil.copytree(home, copy)
        with served(copy) as address:
            for picture in pictures:
                browser = Browser(address, dark=picture.dark)
                try:
                    browser.open(picture.path)
                    if picture.act is not None:
                        picture.act(browser)
                    browser.see(picture.sees)
                    browser.until(lambda b=browser: not b.driver.find_elements("css selector", ".q-spinner"), "rest")
                    save(browser, TARGET / f"{picture.name}.png")
                finally:
                    browser.close()


def save(browser: Browser, file: Path) -> None:
    """Save what is shown with 256 colours, a third of the size."""
    browser.shot(file)
    with Image.open(file) as image:
        image.convert("RGB").quantize(256).save(file, optimize=True)
    print(file.relative_to(ROOT))


def open_first_lesion(browser: Browser) -> None:
    """From the list to the first lesion, once its image is drawn."""
    browser.click("a.lk-mono")
    browser.see("Labels".upper())
    drawn = "return [...document.images].some(i => i.complete && i.naturalWidth > 60)"
    browser.until(lambda: browser.driver.execute_script(drawn), "the patch")


def main() -> None:
    """Take all pictures."""
    if NO_BROWSER:
        sys.exit(NO_BROWSER)
    for home, command in ((DEMO, ["demo"]), (PHANTOM, ["phantom", "run"])):
        if not home.exists():
            subprocess.run([sys.executable, "-m", "lesionkg", *command, "--home", str(home)], check=True, cwd=ROOT)
    take(DEMO, PICTURES)
    take(PHANTOM, (Picture("lesion", "/lesions?split=test", "Predictions".upper(), open_first_lesion),))


if __name__ == "__main__":
    main()

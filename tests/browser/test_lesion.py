"""The lesion pages in a real browser: corrections, pictures, report text, lists."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import NO_BROWSER, Browser, served
from PIL import Image
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from ingest.load import load_deeplesion
from ingest.phantom.make import IMAGES, make_phantom
from ingest.release import Release
from kg.connect import open_store
from kg.curation.proposal_tables import open_curation
from kg.graph_ontology import save_ontology
from kg.shipped import load_shipped
from lesionkg.server.audit import Action, Audit, Filter

LESION = "DL:01760"
"""A test lesion of the demo: blood vessel, lymph node, mediastinum lymph node, and the model missed the first."""


def run(home: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "lesionkg", *arguments, "--home", str(home)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def read(home: Path, cypher: str, **parameters: Any) -> list[dict[str, Any]]:
    """Cypher on the graph beside the server."""
    with open_store(str(home / "graph"), read_only=True) as store:
        return store.read(cypher, parameters)


def audited(home: Path, action: Action, subject: str = "") -> list[Any]:
    with open_curation(home) as database:
        return list(Audit(database).entries(Filter(action=action.value, subject=subject)))


@pytest.fixture(scope="module")
def tokens(home: Path) -> dict[str, str]:
    people = {"carla": "curator", "rita": "reader"}
    return {
        name: json.loads(run(home, "user", "add", name, "--role", role, "--json"))["token"]
        for name, role in people.items()
    }


@pytest.fixture(scope="module")
def address(home: Path, tokens: dict[str, str]) -> Iterator[str]:
    with served(home, "--ask-token") as found:
        yield found


def signed_in(browser: Browser, token: str, path: str) -> Browser:
    browser.driver.get(f"{browser.address}/sign-in")
    browser.driver.delete_all_cookies()
    browser.driver.get(f"{browser.address}/sign-in?next={path}")
    browser.fill("input[name=token]", token)
    browser.find("button[type=submit]").click()
    return browser


def said(home: Path) -> list[tuple[str, str, str]]:
    """Labels of the lesion in the graph: type of the relationship, name, source."""
    rows = read(
        home,
        "MATCH (l:Lesion {id: $id})-[r:HAS_LABEL|LACKS_LABEL]->(c:Label) "
        "RETURN type(r) AS kind, c.name AS name, r.source AS source ORDER BY kind, name, source",
        id=LESION,
    )
    return [(row["kind"], row["name"], row["source"]) for row in rows]


def chips(browser: Browser, mark: str) -> list[str]:
    return [one.text for one in browser.mark(mark).find_elements(By.CSS_SELECTOR, "a.lk-chip")]


def test_a_curator_corrects_labels_and_undoes_it(browser: Browser, home: Path, tokens: dict[str, str]) -> None:
    before = said(home)
    assert ("HAS_LABEL", "blood vessel", "lesanet") in before
    signed_in(browser, tokens["carla"], f"/lesions/{LESION}")
    assert chips(browser, "said") == ["blood vessel", "lymph node", "mediastinum lymph node"]
    assert browser.find('tr[data-label="blood vessel"]').get_attribute("data-outcome") == "false negative"
    # Takes one away: nothing stands against it, but a reason is needed.
    browser.click('button[aria-label="Take blood vessel away"]')
    browser.mark("correction-dialog")
    save = browser.find(".lk-ls-dialog .lk-ls-tools:last-child button")
    assert save.get_attribute("disabled") is not None
    browser.fill('[data-mark="reason"]', "it is a node")
    browser.press("Save correction")
    browser.until(lambda: chips(browser, "said") == ["lymph node", "mediastinum lymph node"], "the label to go")
    assert chips(browser, "removed") == ["blood vessel"]
    # Adds one that another excludes: the page asks which one goes.
    browser.fill('[data-mark="add-label"]', "adrenal gland")
    browser.find('[data-mark="add-label"]').send_keys(Keys.ARROW_DOWN, Keys.ENTER)
    browser.see("Which one goes?")
    browser.press("Keep both")
    browser.fill('[data-mark="reason"]', "seen on the images")
    browser.press("Save correction")
    browser.until(lambda: "adrenal gland" in chips(browser, "said"), "the label to come")
    assert said(home) == [
        ("HAS_LABEL", "adrenal gland", "curator"),
        ("HAS_LABEL", "lymph node", "lesanet"),
        ("HAS_LABEL", "mediastinum lymph node", "lesanet"),
        ("LACKS_LABEL", "blood vessel", "curator"),
    ]
    provenance = read(
        home,
        "MATCH (:Lesion {id: $id})-[r:LACKS_LABEL]->(:Label) RETURN r.author AS author, r.reason AS reason "
        "ORDER BY author",
        id=LESION,
    )
    assert provenance == [{"author": "carla", "reason": "it is a node"}]
    made = audited(home, Action.CHANGE, LESION)
    assert [entry.person for entry in made] == ["carla", "carla"]
    # Undone, the newest first.
    for left in (1, 0):
        button = browser.find('button[aria-label="Undo this correction"]')
        browser.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
        button.click()
        browser.until(
            lambda left=left: (
                len(browser.driver.find_elements(By.CSS_SELECTOR, 'button[aria-label="Undo this correction"]')) == left
            ),
            "the correction to be undone",
        )
    assert said(home) == before
    browser.see("undone by carla")
    assert len(audited(home, Action.CHANGE, LESION)) == 4


def test_a_reader_looks_and_changes_nothing(browser: Browser, tokens: dict[str, str]) -> None:
    signed_in(browser, tokens["rita"], "/lesions/63")
    browser.see("Lesion DL:00063")
    assert chips(browser, "said") == ["left kidney"]
    browser.see("left kidney located in retroperitoneum")
    browser.see("This model saw no pixels")
    browser.see("No image of lesion DL:00063 is at hand")
    box = browser.mark("box")  # where the lesion is, though there are no pixels: x from 327.984 to 365.762 in the table
    assert float(box.get_attribute("x")) == pytest.approx(326.984 + 0.5)
    assert float(box.get_attribute("width")) == pytest.approx(365.762 - 327.984)
    for selector in ("[data-mark=add-label]", "button[aria-label^=Take]", "button[aria-label^=Confirm]"):
        assert browser.driver.find_elements(By.CSS_SELECTOR, selector) == []


def test_lists_count_what_cypher_counts(browser: Browser, home: Path, tokens: dict[str, str]) -> None:
    signed_in(browser, tokens["rita"], "/lesions")
    assert browser.mark("total").text.startswith("32,735 lesions of 4,427 patients")
    browser.fill('[data-mark="filter-label"]', "lung mass")
    browser.find('[data-mark="filter-label"]').send_keys(Keys.ARROW_DOWN, Keys.ENTER)
    browser.fill('[data-mark="filter-least"]', "30")
    browser.click('[data-mark="find"]')
    direct = read(
        home,
        "MATCH (:Label {name: 'lung mass'})<-[:DESCENDS_FROM*0..1]-(:Label)<-[:HAS_LABEL]-(l:Lesion) "
        "WHERE l.long_mm >= 30 RETURN count(DISTINCT l) AS n ORDER BY n",
    )[0]["n"]
    assert direct > 5
    browser.until(lambda: browser.mark("total").text.startswith(f"{direct:,} lesions"), f"{direct} lesions")
    browser.click('[data-mark="sort-size"]')
    largest = read(
        home,
        "MATCH (:Label {name: 'lung mass'})<-[:DESCENDS_FROM*0..1]-(:Label)<-[:HAS_LABEL]-(l:Lesion) "
        "WHERE l.long_mm >= 30 RETURN DISTINCT l.id AS id, l.long_mm AS size ORDER BY size DESC LIMIT 1",
    )[0]["id"]
    browser.until(lambda: browser.find('[data-mark="lesions"] tbody a').text == largest, "the largest first")
    browser.find('[data-mark="lesions"] tbody a').click()
    browser.see(f"Lesion {largest}")
    assert audited(home, Action.LESION, largest)[0].person == "rita"


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny synthetic set with its image files, loaded."""
    home = tmp_path_factory.mktemp("phantom") / "home"
    make_phantom(home / "set", lesions=20, seed=3)
    with open_store(home / "graph") as store:
        save_ontology(store, load_shipped())
        load_deeplesion(store, Release.read_phantom(home / "set"))
    return home


@pytest.fixture(scope="module")
def images(phantom: Path) -> Iterator[Browser]:
    if NO_BROWSER:
        pytest.skip(NO_BROWSER)
    with served(phantom) as address:
        found = Browser(address)
        yield found
        found.close()


def canvas(browser: Browser) -> np.ndarray:
    """Grey values of the slice that is shown, rows x columns."""
    return np.array(
        browser.driver.execute_script(
            "const c = document.querySelector('[data-mark=slice]');"
            "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data, rows = [];"
            "const row = y => [...Array(c.width).keys()].map(x => d[4 * (y * c.width + x)]);"
            "for (let y = 0; y < c.height; y++) rows.push(row(y));"
            "return rows;"
        )
    )


def test_the_image_follows_window_and_slice_and_its_marks_lie_where_they_were_made(
    images: Browser, phantom: Path
) -> None:
    with (phantom / "set" / "DL_info.csv").open(encoding="utf-8") as file:
        info = next(csv.DictReader(file))
    folder, key = info["File_name"].rsplit("_", 1)[0], int(info["Key_slice_index"])
    x1, y1, x2, y2 = (float(value) - 1 for value in info["Bounding_boxes"].split(","))
    spacing = float(info["Spacing_mm_px_"].split(",")[0])
    with Image.open(phantom / "set" / IMAGES / folder / f"{key:03d}.png") as file:
        hu = np.asarray(file, np.int32) - 32768
    images.open("/lesions/PHANTOM:00000")
    images.find("[data-mark=stage][data-drawn=yes]")
    shown = canvas(images)
    size = len(shown)
    assert size == 2 * round(120 / spacing / 2), "120 mm at the resolution of the slice"
    left, top = round((x1 + x2) / 2) - size // 2, round((y1 + y2) / 2) - size // 2
    cut = hu[top : top + size, left : left + size]
    assert cut.shape == shown.shape, "the synthetic lesion lies far enough inside of its slice"

    def grey(level: int, width: int) -> np.ndarray:
        # JavaScript rounds halves up; the canvas clamps.
        return np.clip(np.floor(255 * (cut - (level - width / 2)) / width + 0.5), 0, 255)

    low, high = (float(value) for value in info["DICOM_windows"].split(","))
    assert (shown == grey(int((low + high) / 2), int(high - low))).all()
    images.click('[data-mark="window-Lung"]')
    lung = canvas(images)
    assert (lung == grey(-600, 1500)).all()
    assert (lung != shown).any()
    # The box is drawn where it was marked; half a pixel because pixels are areas on a canvas.
    box = images.mark("box")
    drawn = [float(box.get_attribute(name)) for name in ("x", "y", "width", "height")]
    assert drawn == pytest.approx([x1 - left + 0.5, y1 - top + 0.5, x2 - x1, y2 - y1], abs=1e-3)
    ends = [float(value) - 1 for value in info["Measurement_coordinates"].split(",")]
    line = images.mark("long")
    start = [float(line.get_attribute(name)) for name in ("x1", "y1")]
    assert start == pytest.approx([ends[0] - left + 0.5, ends[1] - top + 0.5], abs=1e-3)
    # By keyboard: the neighbour below is the mean of the two slices around 2 mm, or the slice there.
    images.find("[data-mark=stage]").send_keys(Keys.ARROW_DOWN)
    images.see("2 mm below")
    below = canvas(images)
    assert (below != lung).any()
    images.find("[data-mark=stage]").send_keys(Keys.ARROW_UP, Keys.ARROW_UP)
    images.see("2 mm above")
    assert (canvas(images) != below).any()
    images.find("[data-mark=stage]").send_keys("b")
    images.until(lambda: not images.driver.find_elements(By.CSS_SELECTOR, "[data-mark=box]"), "the marks to go")
    images.open("/lesions")
    loaded = "return [...document.querySelectorAll('img.lk-ls-thumb')].filter(i => i.naturalWidth === 96).length"
    images.until(lambda: images.driver.execute_script(loaded) >= 5, "thumbnails")
    assert images.complaints() == []
    assert {entry.details.get("image") for entry in audited(phantom, Action.LESION, "PHANTOM:00000")} >= {None, "patch"}


def test_report_text_is_shown_on_demand_and_recorded(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    if NO_BROWSER:
        pytest.skip(NO_BROWSER)
    home = tmp_path_factory.mktemp("samples") / "home"
    shutil.copytree(demo_home / "samples", home)
    row = read(
        home,
        "MATCH (l:Lesion)<-[:DESCRIBES]-(s:Sentence)-[m:MENTIONS]->(c:Label {name: 'spiculated'}) "
        "WHERE m.lesion = l.id AND m.relevance = 'relevant' RETURN l.id AS lesion, split(s.id, ':')[0] AS report "
        "ORDER BY lesion LIMIT 1",
    )[0]
    with served(home) as address:
        browser = Browser(address)
        try:
            browser.open(f"/lesions/{row['lesion']}")
            browser.mark("show-text")
            assert "spiculated nodule" not in browser.text().lower()
            assert audited(home, Action.TEXT) == []
            browser.click('[data-mark="show-text"]')
            browser.mark("sentence")
            hits = {
                one.text.strip().lower(): one.get_attribute("data-relevance")
                for one in browser.driver.find_elements(By.CSS_SELECTOR, "[data-mark=sentence] .lk-ls-hit")
            }
            assert hits["spiculated"] == "relevant"
            assert hits["pleura"] == "irrelevant"
            assert [(entry.subject, entry.details["lesion"]) for entry in audited(home, Action.TEXT)] == [
                (row["report"], row["lesion"])
            ]
            assert browser.complaints() == []
        finally:
            browser.close()

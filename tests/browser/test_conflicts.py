"""The page of conflicts in a real browser, on the demo's data."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from browser import Browser
from selenium.webdriver.common.by import By

from kg.curation.proposal_tables import open_curation

GROUP = "exclusive/LKG:0000006/LKG:0000007"


def number(browser: Browser, split: str) -> str:
    return str(browser.mark(f"split-{split}").text.split("\n")[0])


def test_the_numbers_are_those_of_the_readme(browser: Browser) -> None:
    browser.open("/conflicts")
    # README: "the relations find contradictory labels on 1,437 train, 84 val, 88 test lesions".
    assert [number(browser, split) for split in ("train", "val", "test", "all")] == ["1,437", "84", "88", "1,609"]
    first = browser.find('[data-mark="group"]').text
    assert "pelvis" in first and "abdomen" in first
    assert "train 196" in first and "val 8" in first and "test 11" in first
    assert "215 lesions, 144 patients" in first


def test_a_group_tells_why_and_leads_to_its_lesions(browser: Browser) -> None:
    browser.open(f"/conflicts?group={GROUP}")
    browser.until(lambda: "pelvis exclusive with abdomen" in browser.mark("why").text, "the chain")
    assert "retroperitoneum part of abdomen" in browser.mark("why").text
    lesions = browser.mark("lesions")
    assert len(lesions.find_elements(By.CSS_SELECTOR, "tbody tr")) == 20
    assert "1 to 20 of 215" in lesions.text
    link = lesions.find_element(By.CSS_SELECTOR, "tbody a.lk-mono")
    assert (link.text, link.get_attribute("href")) == ("DL:00054", f"{browser.address}/lesions/DL:00054")
    browser.click('[aria-label="Next lesions"]')
    browser.until(lambda: "21 to 40 of 215" in browser.mark("lesions").text, "the next lesions")
    browser.click('[data-mark="lesions"] tbody a.lk-mono')
    browser.until(lambda: "/lesions/DL:" in browser.driver.current_url, "the lesion's page")


def test_a_text_finds_the_relations_of_a_label(browser: Browser) -> None:
    browser.open("/conflicts")
    browser.fill('[data-mark="find"] input, input[data-mark="find"]', "thickening")

    def heads() -> list[str]:
        return [one.text for one in browser.driver.find_elements(By.CSS_SELECTOR, '[data-mark="group"]')]

    browser.until(lambda: heads() and all("thickening" in head for head in heads()), "relations of thickening")
    assert any("nodule" in head and "88 lesions, 73 patients" in head for head in heads())


def test_predictions_of_the_demo_break_no_relation(browser: Browser, home: Path) -> None:
    (run,) = (home / "runs").iterdir()
    browser.open(f"/conflicts?of=model:{run.name}")
    browser.see("Of 1,877 lesions with predictions.")
    browser.see("No relation is broken.")
    assert number(browser, "all") == "0"


def test_the_list_is_exported_as_it_is_shown(browser: Browser, tmp_path: Path, home: Path) -> None:
    browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    browser.open("/conflicts")
    browser.find('[data-mark="group"]')
    browser.click('[data-mark="export"]')
    file = tmp_path / "conflicts-any.csv"
    browser.until(file.exists, "the file")
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert len({row["lesion"] for row in rows}) == 1609
    pair = [row for row in rows if {row["relation_first"], row["relation_second"]} == {"abdomen", "pelvis"}]
    assert len({row["lesion"] for row in pair}) == 215
    assert len({row["patient"] for row in pair}) == 144
    with open_curation(home) as database, database.read() as connection:
        found = connection.exec_driver_sql("SELECT subject FROM audit WHERE action = 'export'").scalars().all()
    assert "conflicts of any" in found


def test_an_exception_joins_the_pending_changes(browser: Browser) -> None:
    browser.open(f"/conflicts?group={GROUP}")
    browser.click('[data-mark="why"] [data-mark="allow"]')
    browser.until(lambda: "/ontology?view=changes" in browser.driver.current_url, "the pending changes")
    browser.see("retroperitoneum")

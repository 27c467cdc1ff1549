"""The query page in a real browser, on the demo's data: what an analyst does."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest
from browser import Browser
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from kg.connect import open_store
from kg.curation.proposal_tables import open_curation
from kg.store import GraphStore
from lesionkg.server.audit import Action, Audit, Filter
from queries.request import Request, answer

LARGE = (
    "MATCH (l:Lesion) WHERE l.long_mm > 150 "
    "RETURN l.id AS lesion, '=' + l.split AS formula, l.long_mm AS mm ORDER BY lesion"
)
BOMB = "MATCH (a:Lesion), (b:Lesion), (c:Lesion) WHERE a.x + b.y < c.z RETURN count(*) AS n"


@pytest.fixture(scope="module")
def store(home: Path, address: str) -> Iterator[GraphStore]:
    """The served graph, read past the pages."""
    with open_store(home / "graph", read_only=True) as found:
        yield found


@pytest.fixture(scope="module")
def downloads(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the browser puts what it downloads."""
    folder = tmp_path_factory.mktemp("downloads")
    behaviour = {"behavior": "allow", "downloadPath": str(folder)}
    browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)
    return folder


def open_free(browser: Browser, cypher: str) -> None:
    browser.open(f"/query?cypher={quote(cypher)}")
    browser.find(".cm-content")


def run(browser: Browser) -> None:
    browser.click('[data-mark="run"]')


def figures(browser: Browser) -> str:
    return str(browser.mark("figures").text)


def cells(browser: Browser, column: int) -> list[str]:
    inside = f'[data-mark="rows"] .ag-center-cols-container [col-id="c{column}"]'
    return [cell.text for cell in browser.driver.find_elements(By.CSS_SELECTOR, inside)]


def test_a_link_to_free_cypher_fills_the_editor_and_runs_only_when_told(browser: Browser, store: GraphStore) -> None:
    open_free(browser, LARGE)
    browser.until(lambda: "long_mm > 150" in browser.find(".cm-content").text, "the text in the editor")
    assert not browser.driver.find_elements(By.CSS_SELECTOR, '[data-mark="figures"]')
    browser.find(".cm-content").send_keys(Keys.CONTROL, Keys.ENTER)
    expected = store.read(LARGE)
    browser.until(lambda: figures(browser).startswith(f"{len(expected)} rows"), "the number of rows")
    first = [row["lesion"] for row in expected[:10]]  # rows below the window are drawn when one scrolls there
    browser.until(lambda: sorted(cells(browser, 0))[:10] == first, "the rows")
    link = browser.find('[data-mark="rows"] a')
    assert link.get_attribute("href") == f"{browser.address}/lesions/{link.text}"


def test_exports_hold_the_result_and_defuse_formulas(
    browser: Browser, store: GraphStore, downloads: Path, home: Path
) -> None:
    open_free(browser, LARGE)
    run(browser)
    browser.mark("figures")
    expected = store.read(LARGE)
    files = {form: downloads / f"query-research-use-only.{form}" for form in ("csv", "json", "parquet")}
    for form, file in files.items():
        browser.click(f'[data-mark="export-{form}"]')
        browser.until(file.is_file, f"the {form} file")
    with files["csv"].open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["lesion"] for row in rows] == [row["lesion"] for row in expected]
    assert {row["formula"] for row in rows} == {f"'{row['formula']}" for row in expected}
    assert [float(row["mm"]) for row in rows] == [row["mm"] for row in expected]
    document = json.loads(files["json"].read_text(encoding="utf-8"))
    assert document["rows"] == expected and "Research use only; not for diagnosis." in document["notes"]
    assert pq.read_table(files["parquet"]).to_pylist() == expected
    with open_curation(home) as database:
        exported = Audit(database).entries(Filter(action=Action.EXPORT))
    assert [(entry.details["form"], entry.details["rows"]) for entry in exported] == [
        (form, len(expected)) for form in ("parquet", "json", "csv")
    ]


def test_a_query_is_saved_found_again_and_removed(browser: Browser, home: Path) -> None:
    open_free(browser, LARGE)
    browser.click('[data-mark="save"]')
    browser.fill('[data-mark="save-title"] input, input[data-mark="save-title"]', "Very large")
    browser.click('[data-mark="save-now"]')
    browser.see("Saved as very-large")
    assert LARGE in (home / "queries" / "very-large.cypher").read_text(encoding="utf-8")
    browser.open("/query?saved=very-large")
    browser.until(lambda: "long_mm > 150" in browser.find(".cm-content").text, "the saved text")
    browser.until(lambda: "Very large" in browser.mark("saved").text, "the list of saved queries")
    browser.click('[aria-label="Remove very-large"]')
    browser.see("Removed very-large")
    assert not (home / "queries" / "very-large.cypher").exists()


def test_a_link_to_a_named_query_runs_with_its_parameters(browser: Browser, store: GraphStore) -> None:
    browser.open("/query?name=lesions-under-label&p.label=kidney%20cyst&p.limit=1000")
    parameters = {"label": "kidney cyst", "limit": "1000"}
    expected = answer(store, Request("lesions-under-label", parameters=parameters)).rows
    browser.until(lambda: figures(browser).startswith(f"{len(expected)} rows"), "the rows of the named query")
    browser.see("Which lesions have this label or one of its descendants")
    browser.click('[data-mark="graph-tab"]')
    browser.until(lambda: "nodes and" in browser.mark("graph-says").text, "the graph")
    browser.find('[data-mark="graph"] canvas')
    browser.click('[data-mark="edit"]')
    browser.until(lambda: "$label" in browser.find(".cm-content").text, "the text of the named query")
    run(browser)
    browser.until(lambda: figures(browser).startswith(f"{len(expected)} rows"), "the same rows")


def test_a_writing_query_is_refused_where_it_writes(browser: Browser, store: GraphStore) -> None:
    before = store.read("MATCH (n:Lesion) RETURN count(n) AS n ORDER BY n")
    open_free(browser, "MATCH (l:Lesion)\nDETACH DELETE l")
    run(browser)
    browser.until(lambda: "line 2, column 1" in browser.mark("error").text, "the refusal")
    assert "refused" in browser.mark("error").text
    assert "DETACH" in browser.find(".lk-q-badline").text
    assert store.read("MATCH (n:Lesion) RETURN count(n) AS n ORDER BY n") == before


def test_a_long_query_is_cancelled_and_stands_in_the_history(browser: Browser) -> None:
    open_free(browser, BOMB)
    run(browser)
    browser.mark("busy")
    browser.click('[data-mark="cancel"]')
    browser.until(lambda: "cancelled" in browser.mark("problem").text, "the cancellation")
    browser.find('[data-mark="run"]')
    browser.click('[data-mark="side-History"]')
    browser.until(lambda: "cancelled" in browser.mark("history").text, "the history")
    assert BOMB in browser.mark("history").text.split("\n")[0]


def test_names_of_columns_and_cells_are_text(browser: Browser) -> None:
    evil = "<img src=x onerror=window.evil=1>"
    open_free(browser, f"RETURN '{evil}' AS `:cellRenderer`, '{evil}' AS `{evil}`, {{`:x`: 'window.evil=1'}} AS map")
    run(browser)
    browser.until(lambda: evil in cells(browser, 0) + cells(browser, 1), "the cells")
    assert browser.driver.execute_script("return window.evil === undefined")
    assert not browser.driver.find_elements(By.CSS_SELECTOR, '[data-mark="result"] img')


def test_the_schema_goes_into_the_query(browser: Browser) -> None:
    open_free(browser, "RETURN 1 AS one")
    browser.until(lambda: "32,735" in browser.mark("schema").text, "the schema with its counts")
    browser.until(lambda: browser.find('[data-mark="schema"] .lk-q-node').click() or True, "a click on a kind")
    browser.until(lambda: "(l:Label)" in browser.find(".cm-content").text, "the kind in the editor")

"""The page for review in a real browser, on the demo's data: queues decided by keys, and the heat map."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from browser import Browser
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from kg.connect import open_store
from kg.curation.decisions import Action, Decision, decide, latest
from kg.curation.proposal import Status
from kg.curation.proposal_tables import open_curation
from kg.curation.proposals import proposals
from kg.graph_ontology import load_ontology
from kg.ontology import SoftKind, SoftRelation
from queries.heat_map import Agreement, heat_map
from queries.heat_map_graph import read_weights

FIRST = "together/LKG:0000049/LKG:0000247"
"""Chest wall and expansile: what the demo's model learned most surely."""

REASON = '[data-mark="form"] input[data-mark="reason"], [data-mark="form"] [data-mark="reason"] input'


@pytest.fixture
def review(browser: Browser) -> Browser:
    """The queue of correlations, ready for keys."""
    browser.open("/review")
    browser.find('[data-mark="waiting"] [data-mark="row"]')
    browser.find('[data-mark="counts"]')
    return browser


def says(browser: Browser) -> str:
    """What the item that is shown says."""
    return str(browser.mark("says").text)


def rows(browser: Browser) -> list[str]:
    """Names in the list, first to last."""
    found = browser.driver.find_elements(By.CSS_SELECTOR, '[data-mark="row"]')
    return [one.text.split("\n")[1] for one in found]


def count(browser: Browser, queue: str = "correlations") -> int:
    """Items that wait in a queue, as the page counts them."""
    return int(browser.mark(f"queue-{queue}").text.split("\n")[-1].replace(",", ""))


def test_the_evidence_for_an_item_is_shown(review: Browser) -> None:
    assert says(review).startswith("chest wall and expansile go together")
    counts = " ".join(review.mark("counts").text.split())
    # Of the cohort's lesions, 838 are of the chest wall, 34 expansile and 14 both; the README counts 11 in train.
    assert re.search(r"train 679 29 11 ", counts)
    assert re.search(r"all splits 838 34 14 1\.2 11\.26 10", counts)
    assert "No relation joins the two." in review.mark("relations").text
    assert "chest wall → expansile" in review.mark("learned").text
    becomes = review.mark("becomes").text
    assert "'expansile' typically located in 'chest wall'" in becomes
    assert "10 of the rarer label's 24 patients have both" in becomes
    assert "RID2468 chest wall" in review.mark("radlex").text
    examples = review.mark("examples").find_elements(By.TAG_NAME, "a")
    assert [one.text for one in examples] == ["DL:00847", "DL:02470", "DL:03677", "DL:11110", "DL:12952"]
    assert examples[0].get_attribute("href").endswith("/lesions/DL:00847")
    assert {kind: count(review, kind) for kind in ("correlations", "contradicted", "confused", "unmapped")} == {
        "correlations": 253,
        "contradicted": 122,
        "confused": 73,
        "unmapped": 2,
    }


def test_keys_walk_through_the_queue_and_are_silent_in_a_field(review: Browser) -> None:
    names = rows(review)
    assert names[:2] == ["chest wall · expansile", "anterior mediastinum · mass"]
    review.keys("j")
    review.until(lambda: says(review).startswith("anterior mediastinum and mass"), "the next item")
    review.keys(Keys.ARROW_UP)
    review.until(lambda: says(review).startswith("chest wall and expansile"), "the one before")
    review.keys("?")
    review.see("reject for good")
    review.keys(Keys.ESCAPE)
    review.until(lambda: not review.driver.find_elements(By.CSS_SELECTOR, '[data-mark="keys"]'), "keys closed")
    review.keys("r")
    review.fill(REASON, "jdpr?u")
    assert len(review.driver.find_elements(By.CSS_SELECTOR, '[data-mark="form"]')) == 1
    review.keys(Keys.ESCAPE)
    review.until(lambda: not review.driver.find_elements(By.CSS_SELECTOR, '[data-mark="form"]'), "the form closed")
    assert says(review).startswith("chest wall and expansile")
    assert count(review) == 253


def test_a_reviewer_promotes_defers_rejects_and_undoes_by_keys(review: Browser, home: Path) -> None:
    review.keys("p")
    review.see("Promote into a proposal")
    review.fill(REASON, "a wall is where bones expand")
    review.keys(Keys.ENTER)
    review.until(lambda: count(review) == 252, "one fewer")
    review.until(lambda: "Proposal 1" in review.mark("told").text, "the proposal")
    with open_curation(home) as database:
        (proposal,) = proposals(database)
    (change,) = proposal.change_set.changes
    assert isinstance(change.after, SoftRelation)
    assert (change.after.subject, change.after.kind, change.after.object) == (
        "LKG:0000247",
        SoftKind.TYPICALLY_LOCATED_IN,
        "LKG:0000049",
    )
    assert (proposal.status, proposal.change_set.reason) == (Status.PROPOSED, "a wall is where bones expand")

    review.until(lambda: says(review).startswith("anterior mediastinum and mass"), "the next item")
    review.keys("d")
    review.see("Until")
    review.find(REASON).send_keys(Keys.ENTER)
    review.see("A decision needs a reason.")
    review.fill(REASON, "after the next model")
    review.keys(Keys.ENTER)
    review.until(lambda: count(review) == 251, "one fewer")
    review.until(lambda: says(review).startswith("kidney and simple cyst"), "the next item")
    review.keys("r")
    review.see("Reject for good, whatever later models say")
    review.fill(REASON, "chance")
    review.keys(Keys.ENTER)
    review.until(lambda: count(review) == 250, "one fewer")

    review.open("/review")
    review.find('[data-mark="counts"]')
    assert not {"chest wall · expansile", "anterior mediastinum · mass", "kidney · simple cyst"} & set(rows(review))
    assert count(review) == 250
    review.press("Decided 3")
    decided = review.mark("decided").text
    assert all(word in decided for word in ("rejected by", "deferred until", "promoted by", "Proposal 1"))
    review.press("Waiting 250")
    review.keys("u")
    review.until(lambda: count(review) == 251, "the rejection undone")
    assert "kidney · simple cyst" in rows(review)
    with open_curation(home) as database:
        actions = {item: one.action for item, one in latest(database).items()}
    assert sorted(actions.values()) == [Action.DEFERRED, Action.PROMOTED, Action.REOPENED]
    assert actions[FIRST] is Action.PROMOTED


def test_of_two_reviewers_the_second_is_told(browser: Browser, home: Path) -> None:
    browser.open("/review?queue=confused")
    browser.find('[data-mark="counts"]')
    (chosen,) = parse_qs(urlsplit(browser.driver.current_url).query)["item"]
    with open_curation(home) as database:
        decide(database, Decision(chosen, Action.REJECTED, "Other", "chance", "2026-01-02T03:04:05+00:00"))
    browser.keys("r")
    browser.fill(REASON, "mine")
    browser.keys(Keys.ENTER)
    browser.see("Other rejected it on 2026-01-02 meanwhile; look again")
    browser.until(lambda: count(browser, "confused") == 72, "what the other one decided")
    assert "rejected by Other" in says(browser)


def test_the_heat_map_and_its_table_show_what_the_function_says(browser: Browser, home: Path) -> None:
    (run,) = (home / "runs").iterdir()
    with open_store(home / "graph", create=False, read_only=True) as store:
        found = heat_map(load_ontology(store), read_weights(store, run.name, home / "runs"), near="LKG:0000049")
    cells = found.cells()
    browser.open("/review?view=map&near=LKG:0000049")
    browser.find('[data-mark="map"] canvas')
    drawn = browser.until(
        lambda: browser.driver.execute_script(
            "const box = document.querySelector('[data-mark=map] canvas').closest('[id^=c]');"
            "return getElement(Number(box.id.slice(1))).chart.getOption().series"
            ".map(one => [one.name, one.data.map(each => each.value)]);"
        ),
        "the map",
    )
    place = {label: i for i, label in enumerate(found.label_ids)}
    marks = {name: sorted(values) for name, values in drawn if name != "weight"}
    assert marks == {
        kind.name.lower(): sorted([place[c.source], place[c.target]] for c in cells if c.agreement is kind)
        for kind in (Agreement.AGREES, Agreement.CONTRADICTS, Agreement.NEW)
    }
    size = len(found.label_ids)
    assert found.complete and len(dict(drawn)["weight"]) == size * (size - 1)
    for name, values in marks.items():
        assert browser.mark(f"legend-{name}").text.endswith(f": {len(values)}")

    assert column(browser, "evidence for")[0] == "chest wall"
    browser.click('[data-mark="only"] button:nth-child(3)')
    browser.until(lambda: set(column(browser, "ontology")) == {"contradicts"}, "contradictions alone")
    assert len(column(browser, "ontology")) == found.count(Agreement.CONTRADICTS)
    browser.click('[data-mark="only"] button:nth-child(4)')
    browser.until(lambda: set(column(browser, "ontology")) == {"new"}, "new ones alone")
    browser.click('.ag-row[row-index="0"] .ag-cell[col-id="weight"]')
    browser.until(lambda: "chest wall → expansile" in browser.mark("learned").text, "the pair's evidence")
    assert "No relation joins the two." in browser.mark("relations").text
    assert browser.mark("pair").find_elements(By.PARTIAL_LINK_TEXT, "DL:00847")


def column(browser: Browser, name: str) -> list[str]:
    """What the table of weights shows in a column, first to last."""
    rows_ = browser.driver.find_elements(By.CSS_SELECTOR, ".ag-center-cols-container .ag-row")
    ordered = sorted(rows_, key=lambda one: int(one.get_attribute("row-index") or 0))
    return [one.find_element(By.CSS_SELECTOR, f'[col-id="{name}"]').text for one in ordered]

"""The page /ontology in a real browser, on the demo's data: readers look, curators change and take back."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser, served
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from kg.connect import open_store
from kg.curation import edits
from kg.curation.change_set import ChangeSet
from kg.curation.history import RevisionEntry, revisions
from kg.curation.impact import Impact, impact
from kg.curation.incoherence import read_models
from kg.curation.label_data import read_label_data
from kg.curation.proposal_tables import open_curation
from kg.graph_ontology import load_ontology
from kg.ontology import Ontology
from lesionkg.server.audit import Action, Audit, Filter

PAIR = ("cyst", "mass")
"""Not exclusive in the demo's ontology, and said together of some lesions."""


def run(home: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "lesionkg", *arguments, "--home", str(home)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


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


@pytest.fixture
def as_curator(browser: Browser, tokens: dict[str, str]) -> Browser:
    return signed_in(browser, tokens["carla"])


@pytest.fixture
def as_reader(browser: Browser, tokens: dict[str, str]) -> Browser:
    return signed_in(browser, tokens["rita"])


def signed_in(browser: Browser, token: str) -> Browser:
    browser.driver.get(f"{browser.address}/sign-in")
    browser.driver.delete_all_cookies()
    browser.driver.get(f"{browser.address}/sign-in?next=/ontology")
    browser.fill("input[name=token]", token)
    browser.find("button[type=submit]").click()
    browser.mark("label-card")
    return browser


def graph(home: Path) -> Any:
    """The graph beside the server, as other commands see it."""
    return open_store(str(home / "graph"), read_only=True)


def direct_impact(home: Path) -> tuple[Impact, Ontology]:
    """What the pair does, computed without the page."""
    with graph(home) as store:
        ontology = load_ontology(store)
        after = ChangeSet((edits.add_exclusive(ontology, *PAIR),)).apply(ontology)
        data, models = read_label_data(store, "lesanet"), read_models(store)
    return impact(ontology, after, data, "lesanet-171", models), ontology


def history(home: Path) -> dict[int, RevisionEntry]:
    with graph(home) as store:
        return {entry.sequence: entry for entry in revisions(store)}


def audited(home: Path, person: str) -> list[tuple[str, str]]:
    """What the audit log holds of somebody's changes, oldest first."""
    with open_curation(home) as database:
        entries = Audit(database).entries(Filter(person=person, action=Action.CHANGE))
    return [(entry.subject, entry.details["did"]) for entry in reversed(entries)]


def click_node(browser: Browser, label: str) -> None:
    """Click a label in the drawn graph."""
    script = """
        const chart = getElement(Number(arguments[0].id.slice(1))).chart;
        const node = chart.getOption().series[0].data.find((one) => one.id === arguments[1]);
        const [x, y] = chart.convertToPixel({seriesIndex: 0}, [node.x, node.y]);
        scrollTo(0, scrollY + arguments[0].getBoundingClientRect().top + y - innerHeight / 2);
        const box = arguments[0].getBoundingClientRect();
        return [box.left + x, box.top + y];
    """
    x, y = browser.driver.execute_script(script, browser.mark("graph-canvas"), label)
    pointer = ActionBuilder(browser.driver)
    pointer.pointer_action.move_to_location(round(x), round(y)).click()
    pointer.perform()


def choose(browser: Browser, mark: str, text: str) -> None:
    """Choose an option of a select that can be searched."""
    browser.click(f'[data-mark="{mark}"]')
    browser.keys(text)
    browser.until(
        lambda: any(
            option.text.startswith(text) and browser.click_on(option)
            for option in browser.driver.find_elements(By.CSS_SELECTOR, ".q-menu .q-item")
        ),
        f"option {text}",
    )


def rows(browser: Browser) -> list[str]:
    """Names of the rows of the tree that can be seen."""
    found = browser.driver.find_elements(By.CSS_SELECTOR, ".lk-onto-tree .lk-onto-name")
    return [row.text for row in found if row.is_displayed()]


def test_an_exclusive_pair_is_added_measured_applied_and_taken_back(home: Path, as_curator: Browser) -> None:
    page = as_curator
    expected, ontology = direct_impact(home)
    first = history(home)[1]
    label = ontology.by_name[PAIR[0]].id
    page.open(f"/ontology?label={label}")
    assert PAIR[1] not in page.mark("label-exclusive").text.split("\n")
    page.click('[data-mark="label-exclusive"] [aria-label="Add an exclusive label"]')
    choose(page, "field-other", PAIR[1])
    page.fill('[data-mark="field-evidence"]', "a cyst is hollow")
    page.click('[data-mark="add-change"]')
    page.see("Your changes\n1")

    page.open(f"/ontology?label={label}&view=changes")  # as after a reload: nothing is lost
    page.until(lambda: set(PAIR) <= set(re.findall("'(.*?)'", page.mark("pending-change").text)), "the change in words")
    assert page.mark("impact-summary").text == expected.summary
    assert expected.total.contradictory_after > expected.total.contradictory_before
    shown = page.mark("becomes-contradictory")
    assert f"({len(expected.becomes_contradictory)})" in shown.text
    listed = [link.text for link in shown.find_elements(By.TAG_NAME, "a")]
    assert listed == [one.lesion for one in expected.becomes_contradictory[: len(listed)]] and listed
    cells = [c.text for c in page.mark("impact-splits").find_elements(By.CSS_SELECTOR, "tr:nth-child(4) td")]
    assert cells[-1] == f"+{expected.total.counts.negatives_gained:,} −0"

    page.click('[data-mark="apply"]')
    page.see("have no reason; say it before you save")
    page.press("Close")
    page.fill('textarea[data-mark="reason"]', "Hollow and solid exclude each other")
    page.fill('input[data-mark="source"]', "reading room")
    page.click('[data-mark="apply"]')
    page.see("applied as revision 2")
    page.until(lambda: PAIR[1] in page.mark("label-exclusive").text.split("\n"), "the pair on the card")
    assert re.search(r"mass\nreading room · carla · \d{4}-\d\d-\d\d", page.mark("label-exclusive").text)
    second = history(home)[2]
    assert (second.author, second.reason) == ("carla", "Hollow and solid exclude each other")
    assert second.change_set is not None and expected.summary in second.change_set.impact
    assert second.matrix_hashes != first.matrix_hashes

    page.click('[data-mark="view-history"]')
    assert "carla" in page.mark("revision-2").text
    page.click('[data-mark="undo-2"]')
    page.until(lambda: "contradictory lesions" in page.mark("impact-summary").text, "what the undo does")
    page.fill('textarea[data-mark="undo-reason"]', "Too many lesions have both")
    page.click('[data-mark="undo-dialog"] [data-mark="undo"]')
    page.mark("revision-3")
    assert "taken back by revision 3" in page.mark("revision-2").text
    third = history(home)[3]
    assert third.matrix_hashes == first.matrix_hashes and third.ontology_hash == first.ontology_hash
    assert audited(home, "carla") == [("ontology", "apply"), ("revision 2", "undo")]


def test_the_tree_is_searched_and_walked_with_the_keyboard(as_reader: Browser) -> None:
    page = as_reader
    page.open("/ontology?label=lung")
    page.mark("label-card")
    page.keys("/")
    page.keys("PULMONARY  nodule")
    page.until(lambda: rows(page) == ["solid pulmonary nodule", "lung nodule"], "what was found")
    assert "pulmonary nodule" in page.find('li[data-label="LKG:0000223"]').text, "the synonym says why"
    page.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER)
    page.until(lambda: page.find("h1").text == "lung nodule", "the second one's card")
    assert "label=LKG%3A0000223" in page.driver.current_url
    page.fill(".lk-onto-search input", "rid1301")
    page.until(lambda: rows(page) == ["lung"], "the label of a code")
    page.keys(Keys.ENTER)
    page.until(lambda: page.find("h1").text == "lung", "the first one's card")
    page.driver.execute_script(
        "arguments[0].click()", page.find(".lk-onto-search [role=button], .lk-onto-search button")
    )
    page.until(lambda: page.find('li[aria-selected="true"]').get_attribute("aria-expanded") == "false", "lung, closed")
    page.driver.execute_script("arguments[0].focus()", page.find('li[aria-selected="true"]'))
    before = len(rows(page))
    page.keys(Keys.ARROW_RIGHT)
    page.until(lambda: len(rows(page)) == before + 21, "its 21 children")
    page.keys(Keys.ARROW_LEFT)
    page.until(lambda: len(rows(page)) == before, "its children away again")


def test_the_graph_opens_labels_and_counts_what_it_hides(as_reader: Browser) -> None:
    page = as_reader
    page.open("/ontology?label=chest&view=graph")

    def drawn() -> tuple[int, int]:
        text = page.mark("graph-count").text
        return int(re.search(r"(\d+) labels drawn", text)[1]), int((re.search(r"\+ (\d+) more", text) or "00")[1])  # type: ignore[index]

    page.mark("graph-canvas")
    nodes, hidden = drawn()
    more = next(b for b in page.driver.find_elements(By.TAG_NAME, "button") if b.text.endswith("children of chest"))
    page.click_on(more)
    page.until(lambda: drawn()[0] > nodes, "all 79 children")
    assert drawn()[0] - nodes == hidden - drawn()[1]
    nodes = drawn()[0]
    choose(page, "graph-open", "neck")
    page.until(lambda: drawn()[0] > nodes, "the neighbours of the neck")
    nodes = drawn()[0]
    click_node(page, "LKG:0000007")
    page.until(lambda: drawn()[0] > nodes and drawn()[1] > 0, "the neighbours of the abdomen, by a click")


def test_readers_see_no_edit_and_are_refused(home: Path, as_curator: Browser, tokens: dict[str, str]) -> None:
    page = as_curator
    page.open("/ontology?label=lung")
    page.click('[data-mark="label-exclusive"] [aria-label="Add an exclusive label"]')
    choose(page, "field-other", "liver")
    run(home, "user", "role", "carla", "reader")
    page.click('[data-mark="add-change"]')
    page.see("carla is reader; this needs a curator")
    signed_in(page, tokens["rita"])
    page.open("/ontology?label=lung&view=history")
    page.mark("revision-1")
    page.open("/ontology?label=lung")
    page.mark("label-counts")
    for says in ("Add", "Edit", "Remove"):
        assert not page.driver.find_elements(By.CSS_SELECTOR, f'[aria-label^="{says} "]')
    assert "Rename" not in page.text() and "Your changes" not in page.text()

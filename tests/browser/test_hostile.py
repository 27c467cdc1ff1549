"""Texts that attack the page which shows them stay texts, on every page, and the CSP stands behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from browser import Browser, served
from hostile_home import ATTACK, NAMES, OWNED, SHORT, make_hostile

from kg.embedded import open_folder

STRANGE = """
const bad = [];
if (window.__owned !== undefined) bad.push('an attack ran');
for (const element of document.querySelectorAll('img[src="x"], svg[onload], [onerror], a[href^="javascript:"]'))
  bad.push(element.outerHTML.slice(0, 200));
return bad;
"""
"""What attacks leave in a page where one of their texts became HTML, even when the CSP keeps them from running."""


@pytest.fixture(scope="module")
def home(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("hostile") / "home"
    make_hostile(demo_home, target)
    return target


@pytest.fixture(scope="module")
def places(home: Path) -> dict[str, str]:
    """Ids of labels with an attack in their name, and of a lesion with one in its sentence."""
    with open_folder(home / "graph") as store:
        found = {
            old: store.read("MATCH (l:Label {name: $name}) RETURN l.id AS id ORDER BY id", {"name": new})[0]["id"]
            for old, new in {**NAMES, "liver": "liver", "kidney": "kidney"}.items()
        }
        (row,) = store.read(
            "MATCH (s:Sentence)-[:DESCRIBES]->(l:Lesion)-[:HAS_LABEL]->(:Label) RETURN l.id AS id ORDER BY id LIMIT 1"
        )
        return {**found, "lesion": row["id"]}


@pytest.fixture(scope="module")
def address(home: Path, places: dict[str, str]) -> Iterator[str]:
    with served(home) as found:
        yield found


def require_inert(browser: Browser, path: str) -> None:
    assert browser.driver.execute_script(STRANGE) == [], path


PATHS = ["/", "/ontology", "/review", "/lesions", "/query", "/conflicts", "/models", "/nowhere"]
PATHS += [f"/ontology?label={{{name}}}" for name in ("lung", "nodule", "calcified", "liver", "kidney")]
PATHS += ["/lesions/{lesion}", "/lesions?label={nodule}", "/lesions/DL:00000", "/query?name=hostile"]


@pytest.mark.parametrize("path", PATHS)
def test_attacks_in_the_data_stay_texts(browser: Browser, places: dict[str, str], path: str) -> None:
    path = path.format(**{name: quote(value) for name, value in places.items()})
    browser.driver.get(browser.address + path)
    browser.until(
        lambda: browser.driver.execute_script("return !!(window.socket && window.socket.connected)"), f"{path} alive"
    )
    browser.see("Research use only")
    require_inert(browser, path)
    # What appears a moment later, and under the pointer, is looked at too.
    browser.driver.execute_async_script("setTimeout(arguments[0], 700)")
    for element in browser.driver.find_elements("css selector", "canvas, .q-tab, [role=treeitem], .lk-chip")[:4]:
        browser.driver.execute_script(
            "arguments[0].dispatchEvent(new MouseEvent('mousemove', {bubbles: true, clientX: 400, clientY: 300}))",
            element,
        )
    require_inert(browser, path)
    if path == "/nowhere":
        browser.complaints()  # that the page was not found


PARAMETERS = ["/ontology?label=", "/lesions/", "/lesions?label=", "/query?name=", "/query?cypher=", "/models?run="]
PARAMETERS += ["/review?queue=", "/conflicts?relation=", "/lesions?q=", "/ontology?q="]


@pytest.mark.slow
@pytest.mark.parametrize("path", PARAMETERS)
def test_attacks_in_the_address_stay_texts(browser: Browser, path: str) -> None:
    browser.driver.get(browser.address + path + quote(SHORT, safe=""))
    browser.see("Research use only")
    require_inert(browser, path)
    browser.complaints()  # an address that names nothing may be answered with 404


def test_results_of_queries_stay_texts(browser: Browser) -> None:
    cypher = f"RETURN '{ATTACK.replace(chr(39), chr(34))}' AS `{SHORT.replace('`', '')}` LIMIT 1"
    browser.open(f"/query?cypher={quote(cypher)}")
    require_inert(browser, "/query")


def test_the_policy_stops_what_a_page_would_let_in(browser: Browser) -> None:
    browser.open("/")
    browser.driver.execute_script(
        """
        const script = document.createElement('div');
        script.innerHTML = arguments[0];
        document.body.append(script);
        """,
        f"<img src=x onerror={OWNED}><svg onload={OWNED}></svg><iframe srcdoc='<script>parent.__owned=1</script>'>",
    )
    browser.until(lambda: any("Content Security Policy" in line for line in browser.complaints()), "a refusal")
    browser.driver.execute_script(
        "document.head.insertAdjacentHTML('beforeend', '<base href=\"http://evil.example/\">');"
        "document.body.insertAdjacentHTML('beforeend', '<a id=evil href=\"javascript:window.__owned=1\">x</a>');"
        "document.getElementById('evil').click();"
    )
    assert browser.driver.execute_script(
        "return [window.__owned === undefined, document.baseURI.includes('evil')]"
    ) == [
        True,
        False,
    ]
    browser.driver.get("about:blank")
    browser.complaints()


def test_no_page_reaches_out(browser: Browser) -> None:
    browser.open("/")
    reached = browser.driver.execute_async_script(
        """
        const done = arguments[0];
        fetch('http://127.0.0.1:9/').then(() => done('reached'), error => done(String(error)));
        """
    )
    assert "Failed to fetch" in reached
    assert any("connect-src" in line or "Content Security Policy" in line for line in browser.complaints())
    tags = browser.driver.execute_script(
        "return [...document.querySelectorAll('script,link')].map(e => e.src || e.href).filter(Boolean)"
    )
    assert tags
    assert all(tag.startswith(browser.address) or tag.startswith("data:") for tag in tags)

"""The overview in a real browser: its numbers against counts made directly."""

from __future__ import annotations

from pathlib import Path

from browser import Browser

from kg.connect import open_store


def test_numbers_equal_those_counted_directly(browser: Browser, home: Path) -> None:
    browser.open("/")
    with open_store(home / "graph", read_only=True) as store:

        def count(pattern: str) -> str:
            return f"{store.read(f'MATCH {pattern} RETURN count(x) AS n ORDER BY n')[0]['n']:,}"

        expected = {
            "n-labels": count("(x:Label)"),
            "n-lesions": count("(x:Lesion)"),
            "n-patients": count("(x:Patient)"),
            "n-studies": count("(x:Study)"),
            "n-models": count("(x:Model)"),
        }
        relations = {kind: count(f"(:Label)-[x:{kind}]->(:Label)") for kind in ("IS_A", "EXCLUSIVE_WITH")}
    browser.until(lambda: browser.mark("n-lesions").text != "...", "the counted numbers")
    assert {mark: browser.mark(mark).text for mark in expected} == expected
    shown = browser.mark("contents").text.replace("\n", " ")
    assert all(f"{kind} {number}" in shown for kind, number in relations.items())
    # README: 20,000 labelled lesions; by DeepLesion's own split as the tables list them.
    assert "train 22,919 16,945" in shown and "val 4,889 3,744" in shown and "test 4,927 1,761" in shown


def test_it_tells_that_the_content_is_verified_and_what_to_look_at(browser: Browser) -> None:
    browser.open("/")
    browser.until(lambda: "what the hashes say" in browser.mark("verified").text, "the check")
    browser.until(lambda: "without a RadLex id" in browser.mark("look").text, "the queues")
    shown = browser.mark("look").text.replace("\n", " ")
    assert "1,609 lesions with labels that exclude each other" in shown
    links = {link.get_attribute("href") for link in browser.mark("look").find_elements("css selector", "a")}
    assert f"{browser.address}/conflicts" in links and f"{browser.address}/review?queue=correlations" in links
    assert len(browser.mark("begin").find_elements("css selector", "a")) == 3
    assert "AUC 0.8939" in browser.mark("models-panel").text

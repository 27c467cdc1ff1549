"""The models page in a real browser, on the demo's run."""

from __future__ import annotations

import json
from pathlib import Path

from browser import Browser

from kg.connect import open_store
from kg.curation.application import apply_changes
from kg.curation.change_set import Change, ChangeSet
from kg.ontology import ExclusivePair


def test_the_run_is_shown_with_its_figures(browser: Browser, home: Path) -> None:
    (folder,) = (home / "runs").iterdir()
    test = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["test"]
    browser.open(f"/models?run={folder.name}")
    assert f"{test['macro_auc']:.4f}" == "0.8939"
    browser.until(lambda: "0.8939 (0.8851 to 0.9042)" in browser.mark("model").text, "the AUC with its interval")
    assert "not behind" in browser.mark("model").text and "saw no pixels" in browser.mark("model").text
    assert f"{test['calibration_error']['probability']:.4f}" in browser.mark("figures-table").text
    browser.see(f"{test['insufficient_labels']} of 171 labels have too few positive test lesions")
    browser.until(lambda: "chest" in browser.mark("label-rows").text, "the labels")
    assert "Model card: " + folder.name in browser.mark("card").text


def test_an_applied_change_of_the_relations_leaves_it_behind(browser: Browser, home: Path) -> None:
    (folder,) = (home / "runs").iterdir()
    with open_store(home / "graph") as store:
        names = ("cyst", "lipoma")
        rows = store.read("MATCH (k:Label) WHERE k.name IN $names RETURN k.id AS id ORDER BY id", {"names": names})
        pair = ExclusivePair(rows[0]["id"], rows[1]["id"], source="test")
        apply_changes(store, ChangeSet((Change(None, pair),), "anna", reason="a cyst is no lipoma"))
    browser.open(f"/models?run={folder.name}")
    browser.until(lambda: "exclusive pairs gained" in browser.mark("behind").text, "what changed")
    assert "Revision 2 by anna: a cyst is no lipoma" in browser.mark("behind").text
    assert "not behind" not in browser.mark("model").text

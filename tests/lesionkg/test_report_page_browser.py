"""The report page in a real browser: it draws, its tables sort, and the search finds labels."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ingest.release import Release
from kg.matrices import RelationMatrices
from kg.shipped import load_shipped
from learn.evaluation import evaluate
from learn.recipe import Recipe
from learn.report_page import report_page
from learn.training import train

ACT = """
<script>{
const head = [...document.querySelectorAll("#labels th")].find(h => h.textContent === "train");
head.querySelector("button").click();
const search = document.getElementById("search");
search.value = "LUNG";
search.dispatchEvent(new Event("input"));
const images = [...document.images];
const done = document.createElement("pre");
done.id = "done";
const rows = [...document.querySelectorAll("#labels tbody tr")];
done.textContent = JSON.stringify({
  sort: head.getAttribute("aria-sort"),
  train: rows.map(r => Number(r.cells[2].dataset.value)),
  shown: rows.filter(r => !r.hidden).map(r => r.cells[0].textContent),
  drawn: images.filter(i => i.complete && i.naturalWidth > 300).length,
  overflow: document.documentElement.scrollWidth > innerWidth,
});
document.body.append(done);
}</script>
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    matrices = RelationMatrices.from_ontology(load_shipped("lesanet-repaired"), "lesanet-171")
    cohort = Release.shipped().cohort(matrices)
    tiny = Recipe(seeds=(0,), width=16, depth=1, embedding=8, epochs=2, triplets=100, learning_rate=0.02)
    run = train(cohort, matrices, tiny, tmp_path_factory.mktemp("runs"))
    return report_page(run, cohort, evaluate(run, cohort))


@pytest.mark.parametrize("width", [1280, 400])
def test_a_browser_draws_sorts_and_searches_and_nothing_overflows(page: str, tmp_path: Path, width: int) -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium is installed")
    # The page's own policy lets no other script run; this copy lets the test's.
    open_page = re.sub(r"script-src [^\"]*\"", "script-src 'unsafe-inline'\"", page).replace("</body>", ACT + "</body>")
    file = tmp_path / "report.html"
    file.write_text(open_page, encoding="utf-8")
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900",
         "--dump-dom", file.as_uri()],
        capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    told = re.search(r'<pre id="done">(.*?)</pre>', done.stdout)
    assert told, done.stderr
    found = json.loads(told[1])
    assert found["sort"] == "descending"
    assert found["train"] == sorted(found["train"], reverse=True)
    assert found["shown"] and all("lung" in name for name in found["shown"])
    assert found["drawn"] == 6
    assert not found["overflow"]


def test_its_own_policy_lets_its_script_run(page: str, tmp_path: Path) -> None:
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium is installed")
    file = tmp_path / "report.html"
    file.write_text(page, encoding="utf-8")
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", file.as_uri()],
        capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    assert done.stdout.count('<button type="button">') > 20, done.stderr
    assert re.search(r'<input id="search"[^>]*hidden', done.stdout) is None

"""The report page: one file, everything escaped, and honest about what the model saw."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from tiny_runs import Trained

from kg.cohort import Cohort
from learn.evaluation import evaluate
from learn.figures import Evaluation
from learn.hand_labels import HandLabels, judge_by_hand
from learn.image.recipe import ImageRecipe
from learn.report_page import report_page


class Reader(HTMLParser):
    """Tags with their attributes, and what tables hold by the heading above them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: dict[str, list[list[str]]] = {}
        self._heading, self._in = "", ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        self._in = tag
        if tag == "h2":
            self._heading = ""
        if tag == "tr":
            self.rows.setdefault(self._heading, []).append([])
        if tag in ("td", "th"):
            self.rows[self._heading][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "h2":
            self._heading += data
        if self._in in ("td", "th"):
            self.rows[self._heading][-1][-1] += data


@pytest.fixture(scope="module")
def evaluation(trained: Trained, cohort: Cohort) -> Evaluation:
    return evaluate(trained.run, cohort)


@pytest.fixture(scope="module")
def page(trained: Trained, cohort: Cohort, evaluation: Evaluation) -> str:
    return report_page(trained.run, cohort, evaluation)


def test_it_loads_nothing_and_runs_only_its_own_script(page: str) -> None:
    read = Reader(page)
    assert not {"link", "iframe", "object", "base", "form"} & {tag for tag, _ in read.tags}
    assert "http:" not in page and "https:" not in page and "@import" not in page and "url(" not in page
    sources = [given.get("src") or "" for _, given in read.tags if "src" in given]
    assert len(sources) == 6
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    policy = next(given["content"] for tag, given in read.tags if "http-equiv" in given) or ""
    assert "default-src 'none'" in policy and "img-src data:" in policy
    script = page[page.index("<script>") + 8 : page.index("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy


def test_every_picture_has_words_and_every_table_head_a_scope(page: str) -> None:
    read = Reader(page)
    assert all(given.get("alt") for tag, given in read.tags if tag == "img")
    assert all(given.get("scope") == "col" for tag, given in read.tags if tag == "th")
    assert all("lang" in given for tag, given in read.tags if tag == "html")


def test_its_figures_are_those_of_the_evaluation(page: str, evaluation: Evaluation) -> None:
    read, test = Reader(page), evaluation.splits["test"]
    assert f"<b>{test.macro_auc:.4f}</b>" in page
    labels = read.rows["Labels"]
    assert len(labels) == 172
    for row, label in zip(labels[1:], evaluation.labels, strict=True):
        assert row[:2] == [label.name, label.label_class]
        assert row[4] == ("" if label.auc != label.auc else f"{label.auc:.4f}")
    ways = {row[0]: row for row in read.rows["Decisions and coherence"][1:]}
    assert len(ways) == len(test.ways)
    assert ways["greedy, coherent"][-3:] == ["0", "0", "0"]
    assert len(read.rows["For whom it works how well"]) == 1 + len(test.groups)
    assert [row[0] for row in read.rows["Similar lesions"][1:]] == ["1", "5", "10"]


def test_it_says_research_use_and_no_pixels_and_nothing_synthetic_of_real_lesions(page: str) -> None:
    assert "Research use only; not for diagnosis." in page
    assert "saw no pixels" in page
    assert "Synthetic" not in page


def test_a_run_on_a_phantom_set_says_pixels_and_synthetic(
    trained: Trained, cohort: Cohort, evaluation: Evaluation
) -> None:
    lesions = cohort.table["lesion"].to_pylist()
    column = cohort.table.column_names.index("lesion")
    named = [[name.replace("DL:", "PHANTOM:") for name in lesions]]
    made = replace(cohort, table=cohort.table.set_column(column, "lesion", named))
    run = replace(
        trained.run,
        features="image",
        recipe=ImageRecipe(propagation=False),
        inputs="ab" * 32,
        lesions=tuple(name.replace("DL:", "PHANTOM:") for name in trained.run.lesions),
    )
    weights = {name.replace("0.", f"{run.recipe.seeds[0]}.", 1): value for name, value in run.weights.items()}
    page = report_page(replace(run, weights=weights), made, evaluation)
    assert "Synthetic data." in page and "looked at pixels (synthetic" in page
    assert "saw no pixels" not in page
    assert "LesaNet on CT without score propagation" in page
    assert "ab" * 32 in page
    assert page.count("<img") == 4  # no heat map of a layer that was not trained


def test_hand_labelled_lesions_have_their_own_column_and_table(
    trained: Trained, cohort: Cohort, evaluation: Evaluation
) -> None:
    test = cohort.subset("test")
    hand = HandLabels(tuple(test.table["index"].to_pylist()[:80]), test.relevant_matrix().toarray()[:80], {})
    both = evaluate(trained.run, cohort, judge_by_hand(trained.run, cohort, hand))
    read = Reader(report_page(trained.run, cohort, both))
    assert read.rows["By test set"][0] == ["", "validation", "test", "test, hand-labelled"]
    assert read.rows["By test set"][1][3].startswith("80 (")
    assert len(read.rows["Decisions and coherence"]) == 2 * (1 + len(both.splits["test"].ways))


def test_markup_in_a_name_is_text(trained: Trained, cohort: Cohort, evaluation: Evaluation) -> None:
    bad = '<script>alert("x")</script>'
    labels = (replace(evaluation.labels[0], name=bad), *evaluation.labels[1:])
    names = (bad, *trained.run.matrices.names[1:])
    run = replace(trained.run, cohort=bad, matrices=replace(trained.run.matrices, names=names))
    page = report_page(run, cohort, replace(evaluation, labels=labels))
    assert "alert(" in page and bad not in page
    assert len(re.findall("<script", page)) == 1
    assert Reader(page).rows["Labels"][1][0] == bad

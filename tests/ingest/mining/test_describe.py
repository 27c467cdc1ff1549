"""Labels of descriptions: matched, judged, expanded, limited to a label set."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ingest.mining.describe import Describer
from ingest.mining.lexicon import Lexicon
from ingest.mining.matcher import Matcher
from ingest.mining.mention import Judgement, MinedSentence, Relevance
from ingest.mining.rule_relevance import RuleRelevance
from kg.errors import UsageError
from kg.ontology import SynonymScope
from kg.shipped import load_shipped

ONTOLOGY = load_shipped()
MATCHER = Matcher(Lexicon.of_ontology(ONTOLOGY))


class Fixed:
    """A relevance model that says one thing of everything."""

    id = "fixed"

    def __init__(self, relevance: Relevance) -> None:
        self._relevance = relevance

    def judge(self, sentences: Sequence[MinedSentence]) -> list[tuple[Judgement, ...]]:
        return [tuple(Judgement(i, None, self._relevance) for i in range(len(s.mentions))) for s in sentences]


ALL = Fixed(Relevance.RELEVANT)


def labels(text: str, **options: object) -> tuple[str, ...]:
    (found,) = Describer(ONTOLOGY, MATCHER, ALL, **options).describe([text])  # type: ignore[arg-type]
    return found.labels


def test_labels_are_those_mentioned() -> None:
    assert set(labels("left renal cyst")) == {"left kidney", "kidney", "kidney cyst", "cyst"}


def test_expansion_adds_what_the_ontology_implies() -> None:
    expanded = {"left kidney", "kidney", "kidney cyst", "cyst", "retroperitoneum", "abdomen", "upper abdomen"}
    assert set(labels("left renal cyst", expand=True)) == expanded


def test_labels_outside_the_set_still_imply_labels_inside() -> None:
    assert labels("renal pelvis", label_set="lesanet-171") == ("kidney",)
    found = labels("rectal mass", label_set="lesanet-171", expand=True)
    assert set(found) == {"intestine", "abdomen", "mass"}


def test_labels_keep_the_order_of_the_set() -> None:
    order = [ONTOLOGY.by_id[i].name for i in ONTOLOGY.label_set("lesanet-171").members]
    found = labels("Enhancing mass of the tail of the pancreas", label_set="lesanet-171", expand=True)
    assert list(found) == sorted(found, key=order.index)
    assert len(found) == 7


def test_many_texts_give_what_each_gives_alone() -> None:
    texts = ["left renal cyst", "", "no words of ours", "mediastinal nodes", "liver mass"]
    describer = Describer(ONTOLOGY, MATCHER, RuleRelevance(), "lesanet-171", expand=True)
    assert describer.describe(texts) == [describer.describe([text])[0] for text in texts]
    assert describer.describe([]) == []
    assert describer.describe(["", "no words of ours"])[1].labels == ()


@pytest.mark.parametrize(
    ("relevance", "counts"),
    [(Relevance.RELEVANT, True), (Relevance.UNCERTAIN, True), (Relevance.IRRELEVANT, False)],
)
def test_what_is_about_something_else_is_no_label(relevance: Relevance, counts: bool) -> None:
    (found,) = Describer(ONTOLOGY, MATCHER, Fixed(relevance)).describe(["liver"])
    assert found.labels == (("liver",) if counts else ())
    assert len(found.judgements) == len(found.sentence.mentions) == 1


def test_landmarks_and_what_is_denied_are_no_labels_with_the_rules() -> None:
    describer = Describer(ONTOLOGY, MATCHER, RuleRelevance())
    landmark, denied = describer.describe(["nodule adjacent to the spleen", "no enhancement of the liver cyst"])
    assert landmark.labels == ("nodule",)
    assert "enhancing" not in denied.labels


@pytest.mark.parametrize(
    ("weakest", "expected"),
    [
        (SynonymScope.EXACT, {"pancreas"}),
        (SynonymScope.BROAD, {"pancreas", "cyst"}),
        (SynonymScope.RELATED, {"pancreas", "cyst", "spiculated"}),
    ],
)
def test_weaker_terms_give_no_label_when_only_stronger_ones_may(weakest: SynonymScope, expected: set[str]) -> None:
    assert set(labels("irregular cystic pancreatic lesion", weakest=weakest)) == expected


def test_an_unknown_label_set_is_an_error() -> None:
    with pytest.raises(UsageError, match="label set 'nope'"):
        labels("", label_set="nope")

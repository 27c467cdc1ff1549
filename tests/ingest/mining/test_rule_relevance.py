"""The rule engine on sentences with bookmarks."""

from __future__ import annotations

import pickle
import re
import time

import pytest

from ingest.mining.attachment import OTHER_BOOKMARK, OTHER_CLAUSE
from ingest.mining.cues import shipped_cues
from ingest.mining.mention import Mention, MinedSentence, Relevance
from ingest.mining.rule_file import CueKind, CueRule, Direction
from ingest.mining.rule_relevance import RELATED_TERM, RuleRelevance
from ingest.mining.tokens import tokenise
from ingest.reports.document import Bookmark, BookmarkKind
from kg.ontology import SynonymScope

RULES = RuleRelevance()
BOOKMARKS = re.compile(r"(?:BOOKMARK|OTHER_BMK)(?: \([^)]*\))*")
FIGURE_1 = (
    "Unchanged large nodule bilaterally for example right lower lobe OTHER_BMK and right middle lobe BOOKMARK.",
    ["large", "nodule", "right lower lobe", "right middle lobe"],
)


def mined(text: str, labels: list[str], scope: SynonymScope = SynonymScope.EXACT) -> MinedSentence:
    bookmarks = tuple(Bookmark(*found.span(), BookmarkKind.HYPERLINK) for found in BOOKMARKS.finditer(text))
    mentions = sorted(
        Mention(found.start(), found.end(), label, "name", label, scope)
        for label in labels
        for found in re.finditer(rf"\b{re.escape(label)}\b", text, re.IGNORECASE)
    )
    return MinedSentence(text, 0, tokenise(text, 0, len(text), bookmarks), tuple(mentions), bookmarks)


def labels_of(sentence: MinedSentence, bookmark: int | None, relevance: Relevance, rules: RuleRelevance = RULES) -> str:
    """The labels of that relevance for a bookmark, in the order of the text."""
    return ", ".join(
        sentence.mentions[judgement.mention].label
        for judgement in rules.judge([sentence])[0]
        if judgement.bookmark == bookmark and judgement.relevance == relevance
    )


def relevant(sentence: MinedSentence, bookmark: int | None = 0) -> str:
    return labels_of(sentence, bookmark, Relevance.RELEVANT)


def test_the_sentence_of_figure_1_is_solved_for_both_bookmarks() -> None:
    """LesaNet, figure 1."""
    sentence = mined(*FIGURE_1)

    assert relevant(sentence, 1) == "large, nodule, right middle lobe"
    assert labels_of(sentence, 1, Relevance.IRRELEVANT) == "right lower lobe"
    assert relevant(sentence, 0) == "large, nodule, right lower lobe"
    assert labels_of(sentence, 0, Relevance.IRRELEVANT) == "right middle lobe"


@pytest.mark.parametrize(
    ("text", "certain", "uncertain", "irrelevant"),
    [
        pytest.param(
            "Dense or enhancing lower right liver lesion BOOKMARK possibly due to hemangioma.",
            "liver",
            "enhancing, hemangioma",
            "",
            id="talk 2020, relevant label extraction",
        ),
        pytest.param(
            "Unchanged reticular and nodular juxtapleural features for example left upper lobe BOOKMARK "
            "(1.0 cm x 0.9 cm) (series 4, image 136) and left lower lobe associated pleural thickening.",
            "reticular, nodular, left upper lobe",
            "",
            "left lower lobe, pleural thickening",
            id="talk 2020, sentence tokenization",
        ),
        pytest.param(
            "Decreased lymphadenopathy for example axilla BOOKMARK (1.5 cm x 1.2 cm) (series 2, image 8)",
            "lymphadenopathy, axilla",
            "",
            "",
            id="talk 2020, fixed full stop",
        ),
        pytest.param(
            "Low density left adrenal nodule BOOKMARK (1.9 cm x 1.3 cm), likely adenoma.",
            "left adrenal, nodule",
            "adenoma",
            "",
            id="ISBI 2019, figure",
        ),
    ],
)
def test_sentences_that_the_papers_quote(text: str, certain: str, uncertain: str, irrelevant: str) -> None:
    names = [name for group in (certain, uncertain, irrelevant) for name in group.split(", ") if name]
    sentence = mined(text, names)

    assert relevant(sentence) == certain
    assert labels_of(sentence, 0, Relevance.UNCERTAIN) == uncertain
    assert labels_of(sentence, 0, Relevance.IRRELEVANT) == irrelevant


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        pytest.param(
            "Large nodules in the right lung BOOKMARK and left lung BOOKMARK.",
            "large, nodules, right lung",
            "large, nodules, left lung",
            id="shared head before the place",
        ),
        pytest.param(
            "Right lung nodules BOOKMARK and left lung BOOKMARK.",
            "right lung, nodules",
            "nodules, left lung",
            id="shared head behind the place",
        ),
        pytest.param(
            "Cyst in the liver BOOKMARK and mass in the spleen BOOKMARK.",
            "cyst, liver",
            "mass, spleen",
            id="two descriptions",
        ),
        pytest.param(
            "BOOKMARK cyst in the liver, BOOKMARK mass in the spleen.", "cyst, liver", "mass, spleen", id="points first"
        ),
        pytest.param(
            "Large nodules BOOKMARK and BOOKMARK in the liver.",
            "large, nodules, liver",
            "large, nodules, liver",
            id="one for both",
        ),
        pytest.param(
            "Right lung BOOKMARK and left lung BOOKMARK nodules.",
            "right lung, nodules",
            "left lung, nodules",
            id="shared head at the end",
        ),
        pytest.param(
            "Mass BOOKMARK in the liver and cyst BOOKMARK in the spleen.",
            "mass, liver",
            "cyst, spleen",
            id="places behind",
        ),
        pytest.param(
            "Cyst BOOKMARK is in the liver, mass BOOKMARK in the spleen.", "cyst, liver", "mass, spleen", id="comma"
        ),
    ],
)
def test_labels_belong_to_the_bookmark_they_describe(text: str, first: str, second: str) -> None:
    sentence = mined(text, ["large", "nodules", "cyst", "mass", "right lung", "left lung", "liver", "spleen"])

    assert relevant(sentence, 0) == first
    assert relevant(sentence, 1) == second


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Mass in the liver BOOKMARK, other cyst in the spleen.", "mass, liver", id="other lesion"),
        pytest.param("Additional mass in the liver BOOKMARK.", "mass, liver", id="the other lesion is pointed at"),
        pytest.param("Mass BOOKMARK adjacent to the spleen in the liver.", "mass, liver", id="landmark"),
        pytest.param("Mass BOOKMARK with cyst.", "mass, cyst", id="feature"),
        pytest.param("Large BOOKMARK (2 cm) mass and/or cyst in the liver.", "large, liver", id="and/or parts nothing"),
        pytest.param("Mass BOOKMARK and cyst in the spleen.", "mass", id="unmarked finding"),
        pytest.param("There is a cyst in the spleen, but a mass in the liver BOOKMARK.", "mass, liver", id="contrast"),
        pytest.param("No cyst; mass in the liver BOOKMARK.", "mass, liver", id="negated first"),
        pytest.param("No change in mass BOOKMARK.", "mass", id="no change"),
        pytest.param("Mass BOOKMARK in the liver; spleen is unremarkable.", "mass, liver", id="normal organ"),
        pytest.param("Mass BOOKMARK is in the liver and is large.", "mass, liver, large", id="goes on"),
        pytest.param("Not clearly enlarged or large mass BOOKMARK.", "mass", id="qualities alone are negated"),
        pytest.param("Solid but not enlarged mass BOOKMARK.", "solid, mass", id="but not"),
        pytest.param("Mass BOOKMARK, not enlarged, in the liver.", "mass, liver", id="no change is no enlargement"),
        pytest.param("No enlargement of the mass BOOKMARK.", "mass", id="no enlargement"),
        pytest.param("Neither the cyst nor the mass BOOKMARK has enlarged.", "cyst, mass", id="neither has changed"),
        pytest.param("Mass BOOKMARK in the liver to the level of the spleen.", "mass, liver", id="up to a place"),
    ],
)
def test_what_is_not_about_the_bookmark_is_irrelevant(text: str, expected: str) -> None:
    labels = ["enlarged", "enlargement", "solid", "large", "mass", "cyst", "liver", "spleen"]

    assert relevant(mined(text, labels)) == expected


def test_a_doubt_behind_and_is_about_the_lesion() -> None:
    sentence = mined("Mass BOOKMARK in the liver is large and adenoma cannot be excluded.", ["mass", "adenoma"])

    assert labels_of(sentence, 0, Relevance.UNCERTAIN) == "adenoma"


def test_every_decision_against_a_label_names_a_rule() -> None:
    known = {rule.id for rule in shipped_cues()} | {OTHER_BOOKMARK, OTHER_CLAUSE, RELATED_TERM}
    sentence = mined(
        "No cyst; large mass BOOKMARK, likely adenoma, near the spleen and liver BOOKMARK and other mass.",
        ["cyst", "large", "mass", "adenoma", "spleen", "liver"],
    )

    for judgement in RULES.judge([sentence])[0]:
        assert (judgement.rule in known) == (judgement.relevance != Relevance.RELEVANT)


def test_judgements_are_sorted_and_cover_every_pair_once() -> None:
    sentence = mined(*FIGURE_1)
    pairs = [(judgement.mention, judgement.bookmark) for judgement in RULES.judge([sentence])[0]]

    assert pairs == [(mention, bookmark) for mention in range(4) for bookmark in range(2)]


def test_a_related_term_makes_a_label_uncertain_at_most() -> None:
    related = mined("Spiculated mass.", ["spiculated"], SynonymScope.RELATED)
    negated = mined("No spiculated mass.", ["spiculated"], SynonymScope.RELATED)
    broad = mined("Spiculated mass.", ["spiculated"], SynonymScope.BROAD)

    assert [(j.relevance, j.rule) for j in RULES.judge([related])[0]] == [(Relevance.UNCERTAIN, RELATED_TERM)]
    assert labels_of(negated, None, Relevance.IRRELEVANT) == "spiculated"
    assert relevant(broad, None) == "spiculated"


def test_a_cue_that_is_part_of_a_labels_term_does_not_count() -> None:
    sentence = mined("No acute disease and a cyst.", ["No acute disease", "disease", "cyst"])

    assert relevant(sentence, None) == "No acute disease, cyst"
    assert labels_of(sentence, None, Relevance.IRRELEVANT) == "disease", "a label nested behind the cue is negated"


def test_a_mention_with_gaps_is_judged_by_each_of_its_parts() -> None:
    text = "Mass adjacent to the liver."
    mention = Mention(0, 26, "liver mass", "composed", "liver mass", parts=((0, 4), (21, 26)))
    sentence = MinedSentence(text, 0, tokenise(text, 0, len(text)), (mention,))

    assert labels_of(sentence, None, Relevance.IRRELEVANT) == "liver mass"


def test_a_cue_in_the_gap_of_a_mention_counts() -> None:
    text = "Mass without spread to the liver."
    mention = Mention(0, 32, "liver mass", "composed", "liver mass", parts=((0, 4), (27, 32)))
    sentence = MinedSentence(text, 0, tokenise(text, 0, len(text)), (mention,))

    assert labels_of(sentence, None, Relevance.IRRELEVANT) == "liver mass"


def test_a_hospitals_cue_takes_effect_and_changes_the_id() -> None:
    own = RuleRelevance((*shipped_cues(), CueRule("own-1", CueKind.NEGATION, ("kein",), Direction.FORWARD)))
    sentence = mined("Kein cyst.", ["cyst"])

    assert relevant(sentence, None) == "cyst"
    assert labels_of(sentence, None, Relevance.IRRELEVANT, own) == "cyst"
    assert own.judge([sentence])[0][0].rule == "own-1"
    assert own.id != RULES.id


def test_a_hospital_can_switch_a_shipped_cue_off() -> None:
    own = RuleRelevance((*shipped_cues(), CueRule("own-2", CueKind.PSEUDO, ("arising from",), Direction.BOTH)))
    sentence = mined("Mass arising from the liver BOOKMARK.", ["mass", "liver"])

    assert relevant(sentence) == "mass"
    assert labels_of(sentence, 0, Relevance.RELEVANT, own) == "mass, liver"


def test_the_engine_travels_to_worker_processes() -> None:
    sentence = mined(*FIGURE_1)
    there = pickle.loads(pickle.dumps(RULES))

    assert there.id == RULES.id
    assert there.judge([sentence]) == RULES.judge([sentence])


def test_a_sentence_without_mentions_has_no_judgements() -> None:
    assert RULES.judge([mined("No BOOKMARK.", []), mined("", [])]) == [(), ()]


@pytest.mark.parametrize("unit", ["mass or ", "no mass, cyst and (", "likely mass BOOKMARK and no cyst "])
def test_a_thousand_words_without_a_full_stop_are_judged_at_once(unit: str) -> None:
    sentence = mined(unit * (4000 // len(unit)), ["mass", "cyst"])
    began = time.perf_counter()
    RULES.judge([sentence])

    assert time.perf_counter() - began < 1.0

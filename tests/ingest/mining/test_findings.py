"""Report-level findings without bookmarks."""

from __future__ import annotations

import pytest

from ingest.mining.findings import Presence, chest_findings, positive, report_findings
from ingest.mining.matcher import Matcher
from ingest.mining.rule_relevance import RuleRelevance
from ingest.mining.sentences import mined_sentences
from ingest.reports.parse import parse

MATCHER = Matcher(chest_findings())
RULES = RuleRelevance()


def findings(text: str) -> dict[str, Presence]:
    return report_findings(mined_sentences(parse(text), MATCHER), RULES)


def test_the_fourteen_findings_of_chestx_ray14_are_known() -> None:
    assert len(chest_findings().names) == 14


def test_a_public_report_with_negated_findings_only() -> None:
    """Sample 00019248 of the ChestX-ray8 collection, as it travels with NegBio (public domain)."""
    text = (
        "findings: chest: four images: right picc with tip within the upper svc. probable enlargement of the main "
        "pulmonary artery. mild cardiomegaly. no evidence of focal infiltrate, effusion or pneumothorax."
    )

    assert findings(text) == {
        "Cardiomegaly": Presence.PRESENT,
        "Effusion": Presence.ABSENT,
        "Infiltration": Presence.ABSENT,
        "Pneumothorax": Presence.ABSENT,
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No effusion. Small left effusion.", {"Effusion": Presence.PRESENT}),
        ("Possible effusion. No effusion on the left.", {"Effusion": Presence.UNCERTAIN}),
        ("Effusion has resolved.", {"Effusion": Presence.ABSENT}),
        ("The aorta is wide.", {}),
        ("", {}),
    ],
)
def test_the_strongest_statement_counts(text: str, expected: dict[str, Presence]) -> None:
    assert findings(text) == expected


def test_what_is_hedged_is_left_out_unless_asked_for() -> None:
    found = findings("May represent pneumonia. Mild cardiomegaly. No effusion.")

    assert positive(found) == {"Cardiomegaly"}
    assert positive(found, uncertain=True) == {"Cardiomegaly", "Pneumonia"}


def test_alternatives_and_probable_findings_count_unless_the_reading_is_strict() -> None:
    sentences = mined_sentences(parse("Atelectasis or infiltrate. Probable effusion."), MATCHER)

    assert set(report_findings(sentences, RULES).values()) == {Presence.PRESENT}
    assert set(report_findings(sentences, RULES, certain=()).values()) == {Presence.UNCERTAIN}


def test_bookmarks_do_not_matter() -> None:
    text = "Nodule BOOKMARK (series 4, image 136) and mass BOOKMARK without pneumothorax, no edema BOOKMARK."
    sentences = mined_sentences(parse(text), MATCHER)

    assert any(sentence.bookmarks for sentence in sentences)
    assert report_findings(sentences, RULES) == {
        "Edema": Presence.ABSENT,
        "Mass": Presence.PRESENT,
        "Nodule": Presence.PRESENT,
        "Pneumothorax": Presence.ABSENT,
    }


def test_a_related_term_is_no_certain_finding() -> None:
    assert findings("Nodular opacity on the left.") == {"Nodule": Presence.UNCERTAIN}

"""Sentences: where full stops are, where they are missing, and where they do not end one."""

from __future__ import annotations

from pathlib import Path

import pytest
from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

from ingest.reports.clean import clean_text
from ingest.reports.parse import parse
from ingest.reports.sections import ORGANS, SECTIONS
from ingest.reports.sentences import LONGEST_SENTENCE, abbreviations, full_stops


def sentences(text: str) -> list[str]:
    document = parse(text)
    return [document.clean[sentence.start : sentence.end] for sentence in document.sentences]


def places(text: str) -> list[tuple[str, str]]:
    return [(sentence.section, sentence.organ) for sentence in parse(text).sentences]


# Quoted from Yan et al., universal lesion analysis (talk, 2020), slide "Sentence tokenization".
TALK = (
    "FINDINGS:\n\n"
    "Lungs, pleurae: Unchanged diffuse ground-glass opacity to the point of air bronchograms in lower lobes. Unchanged"
    " reticular and nodular juxtapleural features for example left upper lobe <u>BOOKMARK</u> (1.0 cm x 0.9 cm)"
    " (series 4, image 136) and left lower lobe associated pleural thickening. Cardiac, Vascular: coronary, aorta,"
    " great vessels: unremarkable Decreased lymphadenopathy for example axilla BOOKMARK (1.5 cm x 1.2 cm)"
    " (series 2, image 8)"
    " Mediastinum: Unchanged mediastinal adenopathy Upper abdomen: Unchanged splenomegaly BOOKMARK (15.2 cm) (series 2,"
    " image 58) Bones, soft tissues: no evidence of suspicious sclerotic or lytic lesions\n"
)


def test_the_text_that_the_papers_quote_is_divided_as_they_say() -> None:
    document = parse(TALK)
    found = [(s.section, s.organ, document.clean[s.start : s.end]) for s in document.sentences]
    assert found == [
        (
            "findings",
            "lungs",
            "Unchanged diffuse ground-glass opacity to the point of air bronchograms in lower lobes.",
        ),
        (
            "findings",
            "lungs",
            "Unchanged reticular and nodular juxtapleural features for example left upper lobe    BOOKMARK    "
            " (1.0 cm x 0.9 cm) (series 4, image 136) and left lower lobe associated pleural thickening.",
        ),
        ("findings", "heart", "coronary, aorta, great vessels: unremarkable"),
        (
            "findings",
            "heart",
            "Decreased lymphadenopathy for example axilla BOOKMARK (1.5 cm x 1.2 cm) (series 2, image 8)",
        ),
        ("findings", "mediastinum", "Mediastinum: Unchanged mediastinal adenopathy"),
        ("findings", "upper abdomen", "Upper abdomen: Unchanged splenomegaly BOOKMARK (15.2 cm) (series 2, image 58)"),
        ("findings", "bones", "no evidence of suspicious sclerotic or lytic lesions"),
    ]


def test_the_public_domain_samples_are_divided(shared_data: Path) -> None:
    folder = shared_data / "reports" / "negbio_examples"
    first = (folder / "00000086.txt").read_text()
    assert [" ".join(sentence.split()) for sentence in sentences(first)] == [
        "pa and lat cxr at 7:34 p.m.. heart and mediastinum are stable.",
        "lungs are unchanged.",
        "air- filled cystic changes.",
        "no pneumothorax.",
        "osseous structures unchanged scoliosis",
        "stable chest.",
    ]
    assert [section for section, _ in places(first)] == ["findings"] * 5 + ["impression"]
    assert sentences((folder / "00019248.txt").read_text()) == [
        "chest: four images:\nright picc with tip within the upper svc.",
        "probable enlargement of the main pulmonary artery.",
        "mild cardiomegaly.",
        "no evidence of focal infiltrate, effusion or pneumothorax.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "A nodule in ser. 3, im. 45, is approx. 2.3 cm.",
        "It is 2.3 cm. in diameter and 5 mm. thick.",
        "It is 2.3 cm. x 1.2 cm. wide.",
        "Compared to no. 5 of the list.",
        "Seen by Dr. Smith and Prof. Miller.",
        "There is air, e.g. in the colon, i.e. normal gas.",
        "Small nodule vs. scar at 7:34 p.m. today.",
        "Enlarged since XXXX in the XXXX XXXX lobe.",
        "The lung\nbases are clear\nof consolidation.",
        "Measured by\nSmith and Jones.",
        "A mass of the\nLeft kidney.",
        "There is a Hounsfield value, a Bochdalek hernia and an XXXX catheter.",
        "THE LUNGS\nARE CLEAR.",
    ],
)
def test_one_sentence_stays_one(text: str) -> None:
    assert sentences(text) == [text]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("The liver is normal.|The spleen is large.", id="full stop"),
        pytest.param("Is it new?|It is!|Yes.", id="other marks"),
        pytest.param("A nodule (new.)|The liver is normal.", id="bracket behind a full stop"),
        pytest.param("It is 2.3 cm.|The spleen is 5 mm.|No effusion.", id="units"),
        pytest.param("Seen at 7:34 p.m.|The lungs are clear.", id="time"),
        pytest.param("Effusion seen: no.|The lungs are clear.", id="a no that answers"),
        pytest.param("Normal heart|No effusion|Stable nodule", id="sentence starters"),
        pytest.param("A nodule (series 2, image 8)|Liver is normal.", id="capital behind a bookmark"),
        pytest.param("A nodule BOOKMARK|Liver is normal.", id="capital behind a hyperlink"),
        pytest.param("A nodule. (series 2, image 8)|There is fluid.", id="reference behind its full stop"),
        pytest.param("Normal heart\n|Normal lungs", id="lines"),
        pytest.param("one\n\n|two", id="blank line"),
        pytest.param("The lungs are clear.|The heart is large..|The rest is normal.", id="two full stops"),
        pytest.param("The lungs are clear.|The heart is large.|XXXX.", id="no space"),
        pytest.param("the nodule is 2.3 cm. |the spleen is normal.", id="unit in a report without capitals"),
    ],
)
def test_sentences_end_where_they_should(text: str) -> None:
    parts = text.split("|")
    joined = " ".join(parts) if "\n" not in text else "".join(parts)
    assert sentences(joined) == [part.strip() for part in parts]


def test_a_missing_space_behind_a_full_stop_is_mended() -> None:
    assert sentences("The lung is clear.In the liver is a cyst.") == ["The lung is clear.", "In the liver is a cyst."]
    assert sentences("Cyst BOOKMARK.No mass.") == ["Cyst BOOKMARK.", "No mass."]
    assert sentences("Cyst BOOKMARK (1.0 cm).No mass.") == ["Cyst BOOKMARK (1.0 cm).", "No mass."]


def test_list_markers_are_no_part_of_a_sentence() -> None:
    text = "IMPRESSION: 1. No acute disease. 2. Stable nodule."
    text += "\n\n- One item\n- Another item\n  goes on\n• A third\n(2) Two"
    assert sentences(text) == [
        "No acute disease.", "Stable nodule.", "One item", "Another item\n  goes on", "A third", "Two",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FINDINGS: Clear. IMPRESSION: Normal.", [("findings", ""), ("impression", "")]),
        ("findings: clear. impression: normal.", [("findings", ""), ("impression", "")]),
        ("FINDINGS\nClear.\nImpression\nNormal.", [("findings", ""), ("impression", "")]),
        ("Findings/Impression: Clear.", [("findings", "")]),
        ("IMPRESSION/RECOMMENDATION: Follow up.", [("impression", "")]),
        ("Clinical history: Pain.\nCOMPARISON: None.", [("history", ""), ("comparison", "")]),
        ("Lungs: Clear. Heart: Normal.", [("", "lungs"), ("", "heart")]),
        ("LUNGS AND PLEURA: Clear.\nLIVER: Normal.", [("", "lungs"), ("", "liver")]),
        ("Chest wall: Normal.\nUpper abdomen: Normal.", [("", "chest wall"), ("", "upper abdomen")]),
        ("Left kidney: A cyst.", [("", "kidneys")]),
        ("Liver: Normal.\n\nThere is fluid.", [("", "liver"), ("", "")]),
        ("Liver:\n\nNormal.", [("", "liver")]),
        ("Liver: Normal.\nTarget lesion 2: A node.", [("", "liver"), ("", "")]),
        ("FINDINGS: Liver: Normal. IMPRESSION: Normal.", [("findings", "liver"), ("impression", "")]),
    ],
)
def test_sections_and_organs_are_those_of_the_headers(text: str, expected: list[tuple[str, str]]) -> None:
    assert places(text) == expected
    assert all(section in {"", *SECTIONS} and organ in {"", *ORGANS} for section, organ in places(text))


def test_a_header_of_one_place_stays_and_a_list_goes() -> None:
    assert sentences("Left kidney: A cyst. Lungs, pleurae: Clear. Target lesion 2: A node.") == [
        "Left kidney: A cyst.", "Clear.", "Target lesion 2: A node.",
    ]  # fmt: skip


def test_a_bookmark_in_a_header_is_not_lost() -> None:
    document = parse("Liver, spleen (series 4, image 5): Normal. Lungs: BOOKMARK")
    assert sum(len(sentence.bookmarks) for sentence in document.sentences) == 2


def test_full_stops_are_those_of_punkt_with_our_abbreviations(indiana_texts: list[str]) -> None:
    parameters = PunktParameters()
    parameters.abbrev_types = set(abbreviations())
    punkt = PunktSentenceTokenizer(parameters)
    different = count = 0
    for text in indiana_texts[:1000]:
        clean = clean_text(text)[0]
        expected = [start for start, _ in punkt.span_tokenize(clean)][1:]
        count += len(expected)
        different += expected != list(full_stops(clean, 0, len(clean)))
    assert count > 4000
    assert different == 0


def test_what_never_ends_is_divided_at_a_space() -> None:
    found = sentences("a nodule BOOKMARK and " * 2000)
    assert len(found) > 5
    assert all(len(sentence) <= LONGEST_SENTENCE for sentence in found)
    assert sum(sentence.count("BOOKMARK") for sentence in found) == 2000

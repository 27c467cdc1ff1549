"""Candidate labels: what many patients' reports say and the ontology lacks, and never what may be a name.

The reports are made up unless they are the public ones; so are the names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.mining import suggest as module
from ingest.mining.candidate import Candidate, CandidateKind, Suggestions
from ingest.mining.examples import examples
from ingest.mining.known_words import FUNCTION_WORDS, REPORT_WORDS, names_of_people
from ingest.mining.lexicon import Lexicon
from ingest.mining.matcher import Matcher
from ingest.mining.suggest import Suggester
from ingest.mining.tokens import words
from ingest.reports.columns import Columns
from ingest.reports.read import read_reports
from ingest.reports.report import Report, ReportProblem
from ingest.vault import StoredReport, Vault
from kg.errors import UsageError
from kg.radlex import read_radlex
from kg.shipped import load_shipped

ONTOLOGY = load_shipped()
MATCHER = Matcher(Lexicon.of_ontology(ONTOLOGY))

RADLEX = """rid,preferred_label,alt_labels,parents,synonyms,part_of,contained_by
RID1,finding,,,,,
RID2,disorder,,RID1,,,
RID28493,mass,,RID1,,,
RID1301,lung,,RID1,,,
RID7,tree-in-bud sign,,RID9,budding tree,,
RID8,crazy paving,,RID2,,,
RID9,lung pattern,,RID1301,,,
RID10,of,,RID1,,,
"""


def reports(texts: Iterable[str], patients: Iterable[str] | None = None) -> list[Report]:
    """One report a text, each of its own patient unless patients are given."""
    listed = list(texts)
    who = list(patients) if patients is not None else [f"P{i}" for i in range(len(listed))]
    return [Report(f"R{i}", text, who[i]) for i, text in enumerate(listed)]


def suggested(found: Iterable[Report | ReportProblem], radlex: Path | None = None, **options: int) -> Suggestions:
    terms = (read_radlex(radlex), Matcher(Lexicon.of_radlex(radlex))) if radlex else None
    return Suggester(ONTOLOGY, MATCHER, terms, **options).read(found)


def texts(suggestions: Suggestions) -> set[str]:
    return {one.text for one in suggestions.candidates}


def test_a_side_alone_is_no_candidate() -> None:
    assert texts(suggested(reports(["Left flurb and right flurb."] * 6))) == {"flurb"}


def the(text: str, suggestions: Suggestions) -> Candidate:
    (found,) = (one for one in suggestions.candidates if one.text == text)
    return found


@pytest.fixture
def radlex(tmp_path: Path) -> Path:
    file = tmp_path / "radlex.csv"
    file.write_text(RADLEX, encoding="utf-8")
    return file


# The public reports


def indiana(shared_data: Path) -> Iterable[Report | ReportProblem]:
    """OpenI's chest x-ray reports; each counts as a patient of its own, because the file names none."""
    columns = Columns(id="uid", text=("findings", "impression"), patient="uid")
    return read_reports(shared_data / "reports" / "indiana_reports.csv", columns)


@pytest.fixture(scope="module")
def public(shared_data: Path) -> Suggestions:
    return suggested(indiana(shared_data), shared_data / "radlex" / "radlex_merged.csv")


def test_terms_of_radlex_that_the_ontology_lacks_are_found_in_public_reports(public: Suggestions) -> None:
    found = the("pneumothorax", public)
    assert (found.kind, found.rid, found.parents) == (CandidateKind.RADLEX, "RID5352", ("respiratory disorder",))
    assert found.reports > 2000
    assert {"pneumonia", "pulmonary edema", "emphysema", "fracture"} <= texts(public)
    assert {"cardiomegaly", "sternotomy"} <= {c.text for c in public.candidates if c.kind is CandidateKind.WORD}
    assert "cardiomediastinal silhouette" in {c.text for c in public.candidates if c.kind is CandidateKind.PHRASE}
    assert public.candidates == tuple(sorted(public.candidates, key=lambda one: -one.reports))


def test_what_the_ontology_has_is_not_suggested(public: Suggestions) -> None:
    names = {name.lower() for label in ONTOLOGY.labels for name in (label.name, *(s.text for s in label.synonyms))}
    assert not names & texts(public)


def test_placeholders_of_deidentified_reports_are_not_suggested(public: Suggestions) -> None:
    own = [one.text for one in public.candidates if one.kind is not CandidateKind.RADLEX]
    assert len(own) > 300
    assert not [text for text in own if "xxx" in text or re.search(r"\d", text)]


def test_every_word_from_public_reports_is_written_small_by_five_patients(
    public: Suggestions, shared_data: Path
) -> None:
    """Counted anew from the texts, with another tokeniser."""
    small: dict[str, set[str]] = {}
    for report in indiana(shared_data):
        if isinstance(report, Report):
            for word in set(re.findall(r"(?<![A-Za-z])[a-z]+(?![A-Za-z])", report.text)):
                small.setdefault(word, set()).add(report.patient)
    for one in public.candidates:
        if one.kind is CandidateKind.WORD:
            assert len(small[one.text]) >= 5


# Counts


def test_mentions_reports_and_patients_are_counted() -> None:
    given = reports(["There is a trapped zebra sign and a zebra sign."] * 6, [f"P{i % 5}" for i in range(6)])
    found = the("zebra sign", suggested(given))
    assert (found.mentions, found.reports, found.patients, found.kind) == (12, 6, 5, CandidateKind.PHRASE)


@pytest.mark.parametrize(("patients", "shown"), [(4, False), (5, True)])
def test_four_patients_are_too_few_however_many_reports(patients: int, shown: bool) -> None:
    given = reports(["Small gossypiboma is seen."] * 40, [f"P{i % patients}" for i in range(40)])
    assert ("gossypiboma" in texts(suggested(given))) == shown
    more = suggested(given, least=6)
    assert "gossypiboma" not in texts(more)


def test_fewer_than_five_patients_cannot_be_asked_for() -> None:
    with pytest.raises(UsageError, match="a word so rare may be a name; allow 5 or more"):
        Suggester(ONTOLOGY, MATCHER, least=4)


def test_reports_without_a_patient_count_as_one_patients() -> None:
    found = suggested(reports(["Small gossypiboma is seen."] * 40, [""] * 40))
    assert (found.candidates, found.patients, found.reports) == ((), 1, 40)


def test_what_could_not_be_read_is_counted_and_told() -> None:
    told: list[ReportProblem] = []
    problem = ReportProblem("R9", "has no text")
    found = Suggester(ONTOLOGY, MATCHER).read([problem, *reports(["Clear."])], told.append)
    assert (found.left_out, found.reports, told) == (1, 1, [problem])


def test_patients_are_told_apart_up_to_a_bound_and_rare_words_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PATIENTS", 10)
    monkeypatch.setattr(module, "_MOST_KEPT", 8)
    letters = "abcdefghijklmnopqrstuvwxyz"
    given = reports([f"There is a gossypiboma and a q{a}{b}qx." for a in letters for b in letters[:4]])
    suggester = Suggester(ONTOLOGY, MATCHER)
    found = suggester.read(given)
    assert (found.pruned, the("gossypiboma", found).patients, the("gossypiboma", found).reports) == (True, 10, 104)
    assert len(suggester._words) <= 8 and len(suggester._phrases) <= 8


def test_a_word_that_hardly_ever_stands_outside_a_phrase_is_left_to_the_phrase() -> None:
    found = suggested(reports(["There is a zebra sign.", "A stale gossypiboma, a gossypiboma."] * 6))
    assert {"zebra sign", "gossypiboma"} <= texts(found)
    assert not {"zebra", "sign"} & texts(found)


# Names


NAMES = ["Zyx", "Qwortham", "Brantlow"]


@pytest.mark.parametrize(
    "text",
    [
        "Discussed with Dr. Qwortham.",
        "Discussed with dr qwortham today.",
        "discussed with dr. anna b. qwortham by phone.",
        "Findings told to Doctor Qwortham, who agreed.",
        "Qwortham was told of the opacity.",
        "Mr. Qwortham has an opacity.",
        "Opacity seen by Qwortham on the film.",
        "Signed by: Jane Qwortham, M.D.",
        "jane qwortham, md",
        "ELECTRONICALLY SIGNED BY QWORTHAM",
        "Attending radiologist: Jane Qwortham.",
        "referred by qwortham for cough.",
        "these findings were relayed to jane qwortham at noon.",
        "Patient Qwortham1970 came in.",
    ],
)
def test_a_name_is_not_shown_however_many_patients_have_it(text: str) -> None:
    found = suggested(reports([f"Small gossypiboma is seen. {text}"] * 30))
    assert "gossypiboma" in texts(found)
    assert not [one.text for one in found.candidates if "qwortham" in one.text.lower()]


def test_a_name_stays_hidden_when_a_few_reports_write_it_small() -> None:
    given = ["Seen by Qwortham on the film."] * 30 + ["seen by qwortham on the film."] * 4
    assert "qwortham" not in texts(suggested(reports(given)))
    often = ["Seen by Qwortham on the film."] * 30 + ["seen by qwortham on the film."] * 20
    assert "qwortham" not in texts(suggested(reports(often)))


def test_a_word_that_follows_a_title_once_is_hidden_everywhere() -> None:
    given = reports([*["A strange opacity of brantlow is seen."] * 20, "Told to Dr. Brantlow."])
    assert not [one for one in texts(suggested(given)) if "brantlow" in one]


def test_reports_in_capitals_give_no_words() -> None:
    assert suggested(reports(["THERE IS A GOSSYPIBOMA OF QWORTHAM."] * 20)).candidates == ()


def test_what_holds_a_digit_is_not_shown() -> None:
    found = suggested(reports(["There is a t2 signal of mrn48213 and 48213 at c6b7."] * 20))
    assert not [one for one in texts(found) if re.search(r"\d", one)]


@pytest.mark.parametrize(
    ("sentence", "names"),
    [
        ("Told to Dr. J. Smith Jones today", ["smith", "jones"]),
        ("told to dr smith jones today", ["smith", "jones"]),
        ("Dictated by Smith and read", ["smith"]),
        ("Demyelinating MS plaques", []),
        ("seen by the radiologist on call", []),
        ("findings were called to smith at noon", ["smith"]),
        ("Discussed in person with Jane van Smith", ["jane", "smith"]),
        ("John Smith, MD", ["john", "smith"]),
    ],
)
def test_where_names_stand(sentence: str, names: list[str]) -> None:
    written = re.findall(r"\w+|\S", sentence)
    assert list(dict.fromkeys(names_of_people([word.lower() for word in written], written))) == names


WORDS = st.sampled_from(
    [*NAMES, *(n.lower() for n in NAMES), "Dr.", "opacity", "gossypiboma", "liver", "of", "7b", "."]
)


@given(st.lists(st.tuples(st.lists(WORDS, max_size=8), st.integers(0, 7)), max_size=30))
def test_nothing_is_shown_that_fewer_than_five_patients_have(said: list[tuple[list[str], int]]) -> None:
    given = reports([" ".join(line) for line, _ in said], [f"P{who}" for _, who in said])
    found = suggested(given)
    for one in found.candidates:
        pattern = re.compile(r"\b" + r"\s+".join(one.text.split()) + r"\b", re.IGNORECASE)
        having = {report.patient for report in given if pattern.search(report.text)}
        assert len(having) >= 5
        assert one.patients <= len(having)
        # And each of its words in small letters, unless it is a word of the ontology or of grammar.
        for word in set(one.text.split()) - {"liver", "of", "opacity"}:
            small = {r.patient for r in given if re.search(rf"\b{word}\b", r.text)}
            assert len(small) >= 5
    reverse = suggested(list(reversed(given)))
    assert {(o.text, o.mentions, o.patients) for o in reverse.candidates} == {
        (o.text, o.mentions, o.patients) for o in found.candidates
    }


# RadLex, and what comes nearest


def test_a_term_of_radlex_comes_with_its_id_parents_and_the_label_above(radlex: Path) -> None:
    given = reports(["A budding tree and a mass of the lung; crazy-paving."] * 5)
    found = suggested(given, radlex)
    sign, paving = the("tree-in-bud sign", found), the("crazy paving", found)
    assert (sign.rid, sign.parents, sign.nearest) == ("RID7", ("lung pattern",), "lung")
    assert (paving.rid, paving.parents, paving.nearest, paving.kind) == ("RID8", ("disorder",), "", "radlex")
    assert not {"mass", "lung", "of", "budding", "tree", "budding tree"} & texts(found)


def test_a_term_within_a_mention_of_a_label_is_no_candidate(radlex: Path) -> None:
    radlex.write_text(RADLEX + "RID20,lower lobe,,RID1,,,\n", encoding="utf-8")
    assert "lower lobe" not in texts(suggested(reports(["Seen in the right lower lobe."] * 5), radlex))


def test_without_radlex_a_phrase_names_the_label_inside_and_a_word_one_spelt_alike() -> None:
    found = suggested(reports(["There is a zebra nodule with calcifiedd rims; a calcifiedd rim."] * 5))
    assert the("zebra nodule", found).nearest == "nodule"
    assert the("calcifiedd", found).nearest == "calcified"


def test_words_of_every_report_are_no_candidates_alone() -> None:
    assert not FUNCTION_WORDS & REPORT_WORDS
    assert all(words(word) == [word] for word in FUNCTION_WORDS | REPORT_WORDS)
    found = suggested(reports(["There is no evidence of unchanged gossypiboma."] * 5))
    assert texts(found) == {"gossypiboma"}


# Examples


def stored(vault: Vault, report: Report) -> StoredReport:
    surrogate = vault.surrogate("report", "here", report.id)
    return StoredReport(surrogate, "here", report.id, report.text)


def test_examples_come_from_the_vault_only_and_only_when_they_are_the_same(tmp_path: Path) -> None:
    given = reports([f"First.\nSmall gossypiboma\x1b[31m number {i}. Last." for i in range(6)])
    found = suggested(given, places=4)
    one = the("gossypiboma", found)
    assert [place.report for place in one.places] == ["R0", "R1", "R2", "R3"]
    assert "R0" not in repr(one)
    with Vault(tmp_path / "vault.db") as vault:
        assert examples(vault, "here", [one]) == {one: ()}
        changed = Report("R1", given[1].text.replace("First", "Other"))
        vault.add_reports([stored(vault, report) for report in (given[0], changed, given[2])], "run")
        assert examples(vault, "here", [one]) == {
            one: ("Small gossypiboma [31m number 0.", "Small gossypiboma [31m number 2.")
        }
        assert examples(vault, "elsewhere", [one]) == {one: ()}


def test_without_being_asked_for_no_place_is_remembered() -> None:
    assert the("gossypiboma", suggested(reports(["Small gossypiboma."] * 6))).places == ()

"""RadLex as a reference: import, closure, ways up, and search."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_radlex import COLUMNS, ROWS, write_table

from kg.errors import InputError, UsageError
from kg.radlex.reference import FILE, Reference, Step, Term, import_table, load_reference, read_radlex
from kg.radlex.search import How, search


@pytest.fixture
def reference(tmp_path: Path) -> Reference:
    return import_table(write_table(tmp_path / "made.csv"), tmp_path / FILE)


@pytest.fixture(scope="module")
def whole(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """All of RadLex."""
    return import_table(shared_data / "radlex" / "radlex_merged.csv", tmp_path_factory.mktemp("radlex") / FILE)


def test_the_whole_of_radlex_is_imported_and_closed(whole: Reference) -> None:
    assert len(whole.terms) == 46_693
    above = {whole.rids[i] for i in whole.ancestors[[whole.index["RID1315"]]].indices}
    assert {"RID1302", "RID1301", "RID1"} <= above
    assert "RID58" not in above
    walked, queue = set(), ["RID1315"]
    while queue:
        new = {up for _, up in whole.terms[queue.pop()].above if up in whole.terms} - walked
        walked |= new
        queue += new
    assert above == walked


def test_the_whole_of_radlex_is_searched(whole: Reference) -> None:
    assert [hit.term.rid for hit in search(whole, "lung", limit=1)] == ["RID1301"]
    assert search(whole, "hemangoima")[0].term.name == "hemangioma"
    assert search(whole, "right lower lo")[0].term.rid == "RID1315"


def test_terms_come_back_as_they_were_written(reference: Reference, tmp_path: Path) -> None:
    lung = reference.term("RID1301")
    assert (lung.name, lung.synonyms, lung.definition) == ("lung", ("pulmo", "Lunge"), "Made, of two\nlines.")
    assert lung.above == ((Step.IS_A, "RID3"), (Step.CONTAINED_BY, "RID1243"))
    assert reference.term("RID9").obsolete
    again = load_reference(tmp_path / FILE)
    assert (again.terms, again.digest) == (reference.terms, reference.digest)


def test_the_way_up_is_the_shortest(reference: Reference) -> None:
    ways = reference.ways_up("RID1350", ["RID1301", "RID1243", "RID58"])
    assert ways.keys() == {"RID1301", "RID1243"}
    assert reference.text("RID1350", ways["RID1301"]).endswith("is_a RID1301 lung")
    assert [step for step, _ in ways["RID1243"]] == [Step.PART_OF, Step.PART_OF, Step.IS_A, Step.CONTAINED_BY]
    assert reference.branches("RID50149") == {"RID5"}


@pytest.mark.parametrize(
    ("text", "rid", "how"),
    [
        ("rid58", "RID58", How.RID),
        ("Left Lung", "RID1326", How.EXACT),
        ("lunge", "RID1301", How.EXACT),
        ("left sided basal segment", "RID1350", How.EXACT),
        ("lower lobe of", "RID1338", How.PREFIX),
        ("lung lobe", "RID1338", How.WORDS),
        ("nodulle", "RID3874", How.FUZZY),
    ],
)
def test_a_term_is_found(reference: Reference, text: str, rid: str, how: How) -> None:
    hit = search(reference, text)[0]
    assert (hit.term.rid, hit.how) == (rid, how)


def test_withdrawn_terms_come_last_and_are_marked(reference: Reference) -> None:
    hits = search(reference, "old lung")
    assert [(hit.term.rid, hit.how, hit.term.obsolete) for hit in hits] == [("RID9", How.EXACT, True)]
    everywhere = search(reference, "lung")
    assert everywhere[-1].term.rid == "RID9"
    assert not any(hit.term.obsolete for hit in everywhere[:-1])
    assert search(reference, "lung", limit=2) == everywhere[:2]


def test_a_blank_text_finds_nothing(reference: Reference) -> None:
    with pytest.raises(UsageError, match="no text"):
        search(reference, " - ")


@pytest.mark.parametrize(
    ("rows", "columns", "reason"),
    [
        (ROWS, ("id", *COLUMNS[1:]), "column 'rid' is missing"),
        ((), COLUMNS, "holds no terms"),
        ((*ROWS, ROWS[5]), COLUMNS, "RID1301 again"),
        ((*ROWS, ("", "nameless", *[""] * 6)), COLUMNS, "no RID"),
    ],
)
def test_a_bad_table_is_refused_and_the_old_one_kept(
    tmp_path: Path, rows: tuple[tuple[str, ...], ...], columns: tuple[str, ...], reason: str
) -> None:
    kept = import_table(write_table(tmp_path / "good.csv"), tmp_path / FILE)
    with pytest.raises(InputError, match=reason):
        import_table(write_table(tmp_path / "bad.csv", rows, columns), tmp_path / FILE)
    assert load_reference(tmp_path / FILE).digest == kept.digest


@pytest.mark.parametrize(
    "content", [pytest.param(b"\xff\xfe\x00rid", id="not-utf-8"), pytest.param(b"rid\n\0", id="nul")]
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(InputError, match="choose a RadLex table"):
        import_table(tmp_path / "bad.csv", tmp_path / FILE)
    with pytest.raises(InputError, match=r"none\.csv: cannot be read"):
        read_radlex(tmp_path / "none.csv")


def test_a_table_needs_no_definitions(tmp_path: Path) -> None:
    without = tuple((*row[:4], *row[5:]) for row in ROWS)
    made = read_radlex(write_table(tmp_path / "made.csv", without, (*COLUMNS[:4], *COLUMNS[5:])))
    assert made.term("RID1301").definition == ""
    assert made.term("RID1301").synonyms == ("pulmo", "Lunge")


@given(st.lists(st.tuples(st.integers(0, 8), st.sampled_from(Step), st.integers(0, 8)), max_size=20))
def test_the_closure_is_what_walking_up_finds(steps: list[tuple[int, Step, int]]) -> None:
    above: dict[str, list[tuple[Step, str]]] = {f"RID{i}": [] for i in range(8)}
    for low, step, up in steps:
        above[f"RID{low % 8}"].append((step, f"RID{up}"))
    made = Reference({rid: Term(rid, rid, (), "", tuple(up)) for rid, up in above.items()}, "")
    for rid in above:
        reached = {made.rids[i] for i in made.ancestors[[made.index[rid]]].indices}
        ways = made.ways_up(rid, above)
        assert ways.keys() == reached - {rid}
        for end, way in ways.items():
            chain = [rid, *(up for _, up in way)]
            assert chain[-1] == end
            assert all((step, up) in above[low] for low, (step, up) in zip(chain, way, strict=False))


def test_a_missing_or_damaged_reference_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="radlex import"):
        load_reference(tmp_path / FILE)
    (tmp_path / FILE).write_bytes(b"no parquet")
    with pytest.raises(InputError, match="damaged"):
        load_reference(tmp_path / FILE)

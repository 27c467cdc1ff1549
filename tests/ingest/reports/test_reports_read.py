"""Reports from CSV, JSON lines and text files; what is wrong with one of them is named and the others go on."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from ingest.reports.check import LONGEST_REPORT, SeenIds
from ingest.reports.columns import Columns
from ingest.reports.parse import parse
from ingest.reports.read import read_reports
from ingest.reports.report import Report, ReportProblem
from kg.errors import InputError, LesionKGError, UsageError

SECRET = "confidential words"


ANY = Columns()


def read(source: Path, columns: Columns = ANY, encoding: str = "utf-8") -> tuple[list[Report], list[ReportProblem]]:
    items = list(read_reports(source, columns, encoding))
    reports = [item for item in items if isinstance(item, Report)]
    problems = [item for item in items if isinstance(item, ReportProblem)]
    assert SECRET not in repr(items)
    return reports, problems


def csv_file(folder: Path, content: str | bytes, name: str = "reports.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_the_public_chest_reports_are_read(indiana: Path) -> None:
    reports, problems = read(indiana, Columns(id="uid", text=("findings", "impression")))
    assert (len(reports), len(problems)) == (3826, 25)
    assert {problem.reason for problem in problems} == {"has no text"}
    assert reports[0].id == "1"
    sections = {sentence.section for report in reports[:100] for sentence in parse(report.text).sentences}
    assert sections == {"findings", "impression"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_table_is_read_whatever_its_delimiter(tmp_path: Path, delimiter: str) -> None:
    rows = [
        "id,patient,study,date,text",
        "r1,p1,s1,2015-03-24,A nodule.",
        'r2,p2,s2,20150325,"Two\nlines, ""quoted""."',
    ]
    text = "\r\n".join(rows[:2]).replace(",", delimiter) + "\r\n" + rows[2].replace(",", delimiter, 4) + "\r\n"
    reports, problems = read(csv_file(tmp_path, "\ufeff" + text))
    assert problems == []
    assert reports == [
        Report("r1", "A nodule.", "p1", "s1", "2015-03-24"),
        Report("r2", 'Two\nlines, "quoted".', "p2", "s2", "2015-03-25"),
    ]


def test_utf_16_is_known_by_its_mark(tmp_path: Path) -> None:
    reports, _ = read(csv_file(tmp_path, "id,text\nr1,Größe 1 cm\n".encode("utf-16")))
    assert reports == [Report("r1", "Größe 1 cm")]


def test_columns_go_by_name_and_several_texts_become_sections(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "uid,Findings,Impression,when\n7,A nodule.,,2015-03-24\n8,,Normal.,\n")
    (first, second), problems = read(path, Columns(id="uid", text=("Findings", "Impression"), date="when"))
    assert problems == []
    assert (first.text, first.date) == ("Findings:\nA nodule.", "2015-03-24")
    assert [s.section for s in parse(second.text).sentences] == ["impression"]


@pytest.mark.parametrize(
    ("header", "columns", "named"),
    [
        ("uid,text", Columns(), "for the id"),
        ("id,findings", Columns(), "for the text"),
        ("id,text", Columns(patient="mrn"), "'mrn'"),
        ("id,text", Columns(text=("text", "impression")), "'impression'"),
        ("id,text,text", Columns(), "'text'"),
    ],
)
def test_a_missing_column_is_an_error_that_names_those_there_are(
    tmp_path: Path, header: str, columns: Columns, named: str
) -> None:
    with pytest.raises(UsageError, match=named) as caught:
        read(csv_file(tmp_path, f"{header}\n1,2,3\n"), columns)
    assert header.split(",")[0] in str(caught.value) or "two columns" in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "ids", "expected"),
    [
        pytest.param("r1,a\nr2\nr3,c", ["r1", "r3"], [("reports.csv, row 3", "1 fields")], id="too few fields"),
        pytest.param(f"r1,a,{SECRET}\nr2,b", ["r2"], [("reports.csv, row 2", "3 fields")], id="too many fields"),
        pytest.param("r1,a\n,b\nr3,c", ["r1", "r3"], [("reports.csv, row 3", "no report id")], id="no id"),
        pytest.param('r1,a\nr2,"  "\nr3,c', ["r1", "r3"], [("r2", "no text")], id="empty"),
        pytest.param("r1,a\nr1,b\nr3,c", ["r1", "r3"], [("r1", "before")], id="twice the same id"),
        pytest.param(f"r1,a\n{SECRET * 20},b", ["r1"], [("reports.csv, row 3", "right column")], id="text for an id"),
        pytest.param('r1,a\nr2,"x" y\nr3,c', ["r1", "r3"], [("reports.csv, row 3", "quotation")], id="stray quote"),
        pytest.param(
            f'r1,a\nr2,"one "x"\nline, {SECRET}\nr4,d',
            ["r1", "r4"],
            [("reports.csv, row 3", "quotation"), ("reports.csv, row 4", "wrong quotation mark")],
            id="the middle of a text is no report",
        ),
        pytest.param('r1,a\nr2,"b\nr3,c', ["r1"], [("reports.csv, row 3", "in 2 lines")], id="a quote never closed"),
    ],
)
def test_a_bad_row_is_named_and_the_others_go_on(
    tmp_path: Path, rows: str, ids: list[str], expected: list[tuple[str, str]]
) -> None:
    reports, problems = read(csv_file(tmp_path, f"id,text\n{rows}\n"))
    assert [report.id for report in reports] == ids
    assert [problem.report for problem in problems] == [where for where, _ in expected]
    for problem, (_, reason) in zip(problems, expected, strict=True):
        assert reason in problem.reason
        assert problem.left_out


def test_bytes_that_do_not_decode_are_named_never_replaced(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "id,text\nr1,fine\nr2,Größe\nr3,fine\n".encode("latin-1"))
    reports, problems = read(path)
    assert [report.id for report in reports] == ["r1", "r3"]
    assert [(problem.report, "utf-8" in problem.reason) for problem in problems] == [("r2", True)]
    assert [report.text for report in read(path, encoding="latin-1")[0]] == ["fine", "Größe", "fine"]
    with pytest.raises(UsageError, match="unknown"):
        read(path, encoding="utf-99")


def test_a_date_that_could_be_two_is_a_warning(tmp_path: Path) -> None:
    (report,), (warning,) = read(csv_file(tmp_path, "id,text,date\nr1,A nodule.,3/4/2015\n"))
    assert report.date == ""
    assert (warning.report, warning.left_out) == ("r1", False)
    assert "3/4" not in warning.reason


def test_a_report_of_ten_megabytes_on_one_line_is_read_and_a_longer_one_refused(tmp_path: Path) -> None:
    long = "A nodule. " * 1_000_000
    reports, problems = read(csv_file(tmp_path, f"id,text\nr1,{long}\nr2,b\nr3,{long * 3}\nr4,d\n"))
    assert [(report.id, len(report.text)) for report in reports] == [("r1", 10_000_000), ("r2", 1), ("r4", 1)]
    assert [problem.report for problem in problems] == ["reports.csv, row 4"]
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "big.txt").write_text("x" * (LONGEST_REPORT + 1))
    _, (problem,) = read(tmp_path / "notes")
    assert "20,000,000" in problem.reason


def test_json_lines_are_read(tmp_path: Path) -> None:
    lines = [
        json.dumps({"report_id": 1, "text": "A nodule.", "patient": "p"}),
        "{broken " + SECRET,
        "",
        json.dumps([SECRET]),
        "[" * 100_000,
        json.dumps({"report_id": 2, "text": None}),
        json.dumps({"report_id": 3, "text": [SECRET]}),
        json.dumps({"text": SECRET}),
        json.dumps({"report_id": 4, "text": "\ud800 " + SECRET}),
        json.dumps({"report_id": 5, "text": "Größe", "study": "s", "date": "2015-03-24"}, ensure_ascii=False),
    ]
    path = csv_file(tmp_path, "\n".join(lines), "reports.jsonl")
    reports, problems = read(path)
    assert reports == [Report("1", "A nodule.", "p"), Report("5", "Größe", "", "s", "2015-03-24")]
    assert [problem.report for problem in problems] == [
        *(f"reports.jsonl, line {number}" for number in (2, 4, 5)), "2", "3", "reports.jsonl, line 8", "4",
    ]  # fmt: skip


def test_the_keys_of_json_lines_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'body'"):
        read(csv_file(tmp_path, '{"id": 1, "body": "x"}\n', "reports.ndjson"))
    with pytest.raises(InputError, match="one object a line"):
        read(csv_file(tmp_path, '[{"id": 1, "text": "x"}]', "reports.json"))


def test_a_folder_of_text_files_is_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "ward" / "b").mkdir(parents=True)
    (tmp_path / "ward" / "b" / "2.txt").write_text("Two.")
    (tmp_path / "ward" / "1.txt").write_text("One.")
    (tmp_path / "ward" / "1.rpt").write_text("Again.")
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "latin.txt").write_bytes("Größe".encode("latin-1"))
    (tmp_path / "scan.pdf").write_bytes(b"%PDF")
    (tmp_path / ".hidden").write_text("x")
    reports, problems = read(tmp_path)
    assert [(report.id, report.text) for report in reports] == [("ward/1", "Again."), ("ward/b/2", "Two.")]
    assert [problem.report for problem in problems] == ["empty", "latin", "scan.pdf", "ward/1"]


def test_one_text_file_is_one_report(tmp_path: Path) -> None:
    assert read(csv_file(tmp_path, "A nodule.", "r1.txt"))[0] == [Report("r1", "A nodule.")]


@pytest.mark.parametrize(
    ("name", "content"), [("none.csv", None), ("empty.csv", b""), ("headed.csv", b"id,text\n"), ("strange.bin", b"x")]
)
def test_a_source_without_reports_is_an_error(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LesionKGError, match=name):
        read(path)
    (tmp_path / "bare").mkdir()
    with pytest.raises(InputError, match="no report"):
        read(tmp_path / "bare")


def test_memory_does_not_grow_with_the_number_of_reports(tmp_path: Path) -> None:
    path = tmp_path / "reports.csv"
    with path.open("w") as file:
        file.write("id,text\n")
        for number in range(20_000):
            file.write(f"r{number},{'A nodule in the lung. ' * 20}\n")

    def peak(count: int) -> int:
        reports: Iterator[Report | ReportProblem] = islice(read_reports(path), count)
        tracemalloc.start()
        for _ in reports:
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert path.stat().st_size > 8_000_000
    assert peak(20_000) - peak(2_000) < 2_500_000


def test_ids_are_remembered_in_little_memory() -> None:
    seen = SeenIds()
    tracemalloc.start()
    assert all(seen.add(f"report-{number}") for number in range(300_000))
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert used < 10_000_000
    assert not any(seen.add(f"report-{number}") for number in range(0, 300_000, 1000))
    assert seen.add("another")

"""Reports from DICOM structured reports: samples written here, and real ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from ingest.reports.parse import parse
from ingest.reports.read import read_reports
from ingest.reports.report import Report, ReportProblem

BASIC, ENHANCED, COMPREHENSIVE = (f"1.2.840.10008.5.1.4.1.1.88.{number}" for number in (11, 22, 33))


def code(value: str, scheme: str, meaning: str) -> Dataset:
    coded = Dataset()
    coded.CodeValue, coded.CodingSchemeDesignator, coded.CodeMeaning = value, scheme, meaning
    return coded


def item(kind: str, name: Dataset | None = None, relation: str = "CONTAINS", **values: object) -> Dataset:
    child = Dataset()
    child.RelationshipType, child.ValueType = relation, kind
    if name is not None:
        child.ConceptNameCodeSequence = [name]
    for keyword, value in values.items():
        setattr(child, keyword, value)
    return child


def number(name: str, value: str, unit: str) -> Dataset:
    measured = Dataset()
    measured.NumericValue = value
    measured.MeasurementUnitsCodeSequence = [code(unit, "UCUM", unit)]
    return item("NUM", code("1", "99TEST", name), MeasuredValueSequence=[measured])


def write(path: Path, sop_class: str, content: list[Dataset], **values: object) -> Path:
    """A sample structured report, written by us."""
    report = Dataset()
    report.file_meta = FileMetaDataset()
    report.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    report.file_meta.MediaStorageSOPClassUID = report.SOPClassUID = sop_class
    report.file_meta.MediaStorageSOPInstanceUID = report.SOPInstanceUID = generate_uid(entropy_srcs=[path.name])
    report.SpecificCharacterSet = "ISO_IR 192"
    report.PatientID, report.StudyInstanceUID, report.AccessionNumber = "P1", "1.2.3", "A1"
    report.StudyDate, report.ContentDate, report.Modality = "20150324", "20150325", "SR"
    report.ValueType = "CONTAINER"
    report.ConceptNameCodeSequence = [code("18748-4", "LN", "Diagnostic Imaging Report")]
    report.ContentSequence = content
    for keyword, value in values.items():
        setattr(report, keyword, value)
    report.save_as(path, enforce_file_format=True)
    return path


FINDING = code("121071", "DCM", "Finding")
CONTENT = [
    item("PNAME", code("121008", "DCM", "Person Observer Name"), "HAS OBS CONTEXT", PersonName="Secret^Person"),
    item(
        "CODE", code("121049", "DCM", "Language"), "HAS CONCEPT MOD", ConceptCodeSequence=[code("en", "L", "English")]
    ),
    item(
        "CONTAINER",
        code("121070", "DCM", "Findings"),
        ContentSequence=[
            item("TEXT", FINDING, TextValue="A nodule of 1.2 cm (series 4, image 136) – new."),
            item("CODE", FINDING, ConceptCodeSequence=[code("M", "SRT", "Lymphadenopathy")]),
            number("Diameter", "12", "mm"),
            item("PNAME", code("1", "99TEST", "Reader"), PersonName="Secret^Person"),
            item("UIDREF", code("2", "99TEST", "Id"), UID="1.2.3.4"),
        ],
    ),
    item(
        "CONTAINER",
        code("121076", "DCM", "Conclusions"),
        ContentSequence=[item("TEXT", code("121077", "DCM", "Conclusion"), TextValue="Größer als zuvor.")],
    ),
]


@pytest.mark.parametrize("sop_class", [BASIC, ENHANCED, COMPREHENSIVE])
def test_a_structured_report_becomes_text_with_sections(tmp_path: Path, sop_class: str) -> None:
    path = write(tmp_path / "sample.dcm", sop_class, CONTENT)
    (report,) = read_reports(path)
    assert isinstance(report, Report)
    assert (report.patient, report.study, report.date) == ("P1", "1.2.3", "2015-03-24")
    assert report.id == generate_uid(entropy_srcs=[path.name])
    assert "Secret" not in report.text
    document = parse(report.text)
    assert [(s.section, document.clean[s.start : s.end]) for s in document.sentences] == [
        ("findings", "A nodule of 1.2 cm (series 4, image 136) - new."),
        ("findings", "Lymphadenopathy"),
        ("findings", "Diameter: 12 mm"),
        ("impression", "Gro er als zuvor."),
    ]
    (bookmark,) = document.sentences[0].bookmarks
    assert (bookmark.series, bookmark.image) == (4, 136)


def test_a_folder_names_what_is_no_report(tmp_path: Path) -> None:
    write(tmp_path / "a.dcm", BASIC, CONTENT)
    (tmp_path / "b.dcm").write_bytes((tmp_path / "a.dcm").read_bytes())
    write(tmp_path / "c.dcm", BASIC, [])
    write(tmp_path / "d.dcm", "1.2.840.10008.5.1.4.1.1.2", [], Modality="CT")
    (tmp_path / "e.dcm").write_bytes(b"\x00" * 200)
    (tmp_path / "f.dcm").write_bytes((tmp_path / "a.dcm").read_bytes()[:400])
    items = list(read_reports(tmp_path))
    assert [type(entry) for entry in items] == [Report, *[ReportProblem] * 5]
    problems = [entry for entry in items if isinstance(entry, ReportProblem)]
    reasons = ["had this id before", "has no text", "no structured report", "not a readable DICOM", "DICOM"]
    assert all(reason in problem.reason for problem, reason in zip(problems, reasons, strict=True))
    assert "P1" not in repr(items)


def test_text_that_does_not_fit_its_character_set_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "sample.dcm", BASIC, CONTENT)
    raw = path.read_bytes().replace("Größer".encode(), b"Gr\xff\xffer!!")
    path.write_bytes(raw)
    (problem,) = read_reports(path)
    assert isinstance(problem, ReportProblem)
    assert "Character Set" in problem.reason


def test_the_study_is_known_by_its_accession_number_where_there_is_no_uid(tmp_path: Path) -> None:
    (report,) = read_reports(write(tmp_path / "x.dcm", BASIC, CONTENT, StudyInstanceUID="", StudyDate=""))
    assert isinstance(report, Report)
    assert (report.study, report.date) == ("A1", "2015-03-25")


def test_real_measurement_reports_are_read(shared_data: Path) -> None:
    items = list(read_reports(shared_data / "dicom" / "dicom_dcmqi" / "data" / "sr-example"))
    (report,) = (entry for entry in items if isinstance(entry, Report))
    assert "Finding: Neoplasm, Primary" in report.text
    assert {entry.report for entry in items if isinstance(entry, ReportProblem)} == {"rwvm.dcm", "seg.dcm"}

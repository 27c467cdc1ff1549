"""Reports in DICOM structured reports: the text of the content tree (PS3.3, C.17.3).

Containers and the concept names of their items become headers; text, codes, numbers, dates and times become lines.
Whatever describes who observed whom (relationship HAS OBS CONTEXT, HAS ACQ CONTEXT; PS3.3, C.17.3.2.4) or the document
itself (HAS CONCEPT MOD) is left out, and so are names of persons, UIDs and references to images and coordinates: they
are no report text.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from ingest.reports.check import LONGEST_REPORT, checked
from ingest.reports.report import Report, ReportProblem

_REPORTS = {
    "1.2.840.10008.5.1.4.1.1.88.11": "Basic Text SR",
    "1.2.840.10008.5.1.4.1.1.88.22": "Enhanced SR",
    "1.2.840.10008.5.1.4.1.1.88.33": "Comprehensive SR",
    "1.2.840.10008.5.1.4.1.1.88.34": "Comprehensive 3D SR",
    "1.2.840.10008.5.1.4.1.1.88.35": "Extensible SR",
}
"""Storage SOP classes of reports that hold text (PS3.4, B.5)."""

_LEFT_OUT = frozenset({"HAS OBS CONTEXT", "HAS ACQ CONTEXT", "HAS CONCEPT MOD"})
_DEEPEST = 100
_DECODING = "Failed to decode|Unknown encoding|Value 'ISO|Incorrect value for Specific|Found unknown escape"
_FIELDS = ("SOPInstanceUID", "PatientID", "StudyInstanceUID", "AccessionNumber", "StudyDate", "ContentDate")


def is_dicom(path: Path) -> bool:
    """Does a file begin as DICOM files do (PS3.10, 7.1), or say so in its name?"""
    if path.suffix.lower() in {".dcm", ".dicom"}:
        return True
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def read_dicom(path: Path, where: str) -> Iterator[Report | ReportProblem]:
    """One structured report.

    Its id is the SOP Instance UID; the study's id is the Study Instance UID, or the Accession Number where there is
    none; the date is the Study Date, or the Content Date.

    Args:
        path: the file.
        where: what to call it in a problem.
    """
    try:
        if path.stat().st_size > 16 * LONGEST_REPORT:
            yield ReportProblem(where, "is too large for a structured report")
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Text that does not decode would be replaced silently.
            warnings.filterwarnings("error", _DECODING)
            dataset = pydicom.dcmread(path, stop_before_pixels=True)
            kind = str(dataset.get("SOPClassUID", ""))
            text = "\n".join(_lines(dataset, 0)) if kind in _REPORTS else ""
            charset = dataset.get("SpecificCharacterSet")
            fields = {name: str(dataset.get(name) or "") for name in _FIELDS}
    except (InvalidDicomError, OSError, EOFError):
        yield ReportProblem(where, "is not a readable DICOM file")
        return
    except Warning:
        yield ReportProblem(where, "its text does not fit its Specific Character Set")
        return
    except Exception as error:  # noqa: BLE001  a broken file makes pydicom raise nearly anything
        yield ReportProblem(where, f"cannot be read as DICOM ({type(error).__name__})")
        return
    if kind not in _REPORTS:
        yield ReportProblem(where, "is DICOM, but no structured report with text")
        return
    if not charset and not text.isascii():
        yield ReportProblem(
            where, "has letters outside ASCII but no Specific Character Set: read as Latin-1", left_out=False
        )
    yield from checked(
        where,
        fields["SOPInstanceUID"],
        [("text", text)],
        fields["PatientID"],
        fields["StudyInstanceUID"] or fields["AccessionNumber"],
        fields["StudyDate"] or fields["ContentDate"],
    )


def _lines(item: Dataset, depth: int) -> Iterator[str]:
    """The lines of an item's children; the names of containers stand on lines of their own, with a colon."""
    if depth > _DEEPEST:
        raise RecursionError
    for child in item.get("ContentSequence") or ():
        if child.get("RelationshipType") in _LEFT_OUT:
            continue
        name = _meaning(child, "ConceptNameCodeSequence")
        kind = child.get("ValueType", "")
        if kind == "CONTAINER":
            if name:
                yield ""
                yield f"{name}:"
        elif value := _value(child, kind):
            yield f"{name}: {value}" if name else value
        yield from _lines(child, depth + 1)


def _value(item: Dataset, kind: str) -> str:
    if kind == "TEXT":
        return str(item.get("TextValue") or "")
    if kind == "CODE":
        return _meaning(item, "ConceptCodeSequence")
    if kind == "NUM":
        for measured in item.get("MeasuredValueSequence") or ():
            unit = next(iter(measured.get("MeasurementUnitsCodeSequence") or ()), Dataset()).get("CodeValue", "")
            return f"{measured.get('NumericValue', '')} {'' if unit == '1' else unit}".strip()
    if kind in {"DATE", "TIME", "DATETIME"}:
        return str(item.get({"DATE": "Date", "TIME": "Time", "DATETIME": "DateTime"}[kind]) or "")
    return ""


def _meaning(item: Dataset, sequence: str) -> str:
    """Code Meaning of a coded entry (PS3.3, 8.8)."""
    return str(next(iter(item.get(sequence) or ()), Dataset()).get("CodeMeaning") or "").strip()

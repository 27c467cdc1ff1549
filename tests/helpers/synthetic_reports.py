"""Synthetic reports of any number, and their lesion table; nothing in them comes from a patient."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path

from ingest.reports.report import Report

_TYPES = ("nodule", "cyst", "mass", "lymphadenopathy", "granuloma", "metastasis")
_SITES = ("right lower lobe", "liver", "left kidney", "spleen", "pancreas", "mediastinum", "right upper lobe")
_ATTRIBUTES = ("large", "calcified", "spiculated", "hypodense", "enlarged")


def synthetic_report(number: int, seed: int = 0) -> Report:
    """Report ``number``; every tenth patient has the reports of ten studies."""
    rng = random.Random(f"{seed} {number}")
    lines = ["FINDINGS:"]
    for image in (10, 20, 30):
        said = f"{rng.choice(_ATTRIBUTES)} {rng.choice(_TYPES)} in the {rng.choice(_SITES)}"
        lines.append(f"There is a {said} measuring {image} x 9 mm (series 4, image {image}).")
        lines.append(f"No {rng.choice(_TYPES)} in the {rng.choice(_SITES)}.")
    lines.append("IMPRESSION: Stable appearance of the quokka sign.")
    return Report(f"R{number}", "\n".join(lines), f"MRN-{number // 10}", f"ACC-{number}", "2020-01-02")


def synthetic_reports(count: int, seed: int = 0) -> Iterator[Report]:
    """The first ``count`` reports, one by one."""
    return (synthetic_report(number, seed) for number in range(count))


def write_marks(path: Path, count: int) -> Path:
    """A lesion table with two of the three lesions of each report."""
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["patient", "study", "series", "image", "long_mm"])
        for number in range(count):
            for image in (10, 20):
                out.writerow([f"MRN-{number // 10}", f"ACC-{number}", 4, image, image])
    return path


def write_csv(path: Path, reports: Iterator[Report]) -> Path:
    """The reports as a table that ``lesionkg mine`` reads."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["id", "patient", "study", "date", "text"])
        for report in reports:
            out.writerow([report.id, report.patient, report.study, report.date, report.text])
    return path

"""From a report's text to its sentences and bookmarks."""

from __future__ import annotations

from ingest.reports.bookmarks import find_bookmarks
from ingest.reports.clean import clean_text
from ingest.reports.document import Document
from ingest.reports.report import ReportProblem
from ingest.reports.sentences import divide


def parse(text: str) -> Document:
    """Divide a report into sentences, and find the bookmarks in them.

    Every text can be parsed, in a time that grows with its length: no text raises. Offsets are those of ``text``.
    Parsing what is clean already changes nothing in it.

    Args:
        text: the report as it was read.

    Returns:
        The text, cleaned and divided (Yan et al., 2020: bookmarks, sentence tokenisation, missing full stops).
    """
    clean, remnants = clean_text(text)
    bookmarks, lone_sizes = find_bookmarks(text, clean)
    return Document(text, clean, divide(clean, bookmarks), remnants, lone_sizes)


def document_problems(report: str, document: Document) -> tuple[ReportProblem, ...]:
    """What the user should know about a report's text.

    Args:
        report: id of the report.
        document: the same report, parsed.

    Returns:
        A warning when markup or control characters were blanked, and a problem when no sentence is left.
    """
    problems = []
    if document.remnants:
        problems.append(ReportProblem(report, f"blanked {', '.join(document.remnants)} in its text", left_out=False))
    if not document.sentences:
        problems.append(ReportProblem(report, "holds no sentence, so it was left out; give its text"))
    return tuple(problems)

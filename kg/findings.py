"""What a check found: one value per broken rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """Whether a finding stands in the way of using the ontology."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule.

    Attributes:
        rule: name of the rule, e.g. ``exclusive-ancestors``.
        severity: an error makes the ontology unfit to save or train with; a warning does not.
        labels: names of the labels it is about, the one at fault first.
        message: what is wrong, in one line.
        chain: the relations that lead to it, one step each, e.g. ``rectum PART_OF pelvis``.
    """

    rule: str
    severity: Severity
    labels: tuple[str, ...]
    message: str
    chain: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain values for JSON."""
        return asdict(self)


def errors_in(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that are errors."""
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)

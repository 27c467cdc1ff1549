"""What the rules say about a change set before it is saved."""

from __future__ import annotations

from dataclasses import dataclass

from kg.curation.change_set import ChangeSet
from kg.errors import ChangeRefusedError
from kg.findings import Finding, Severity
from kg.ontology import Ontology
from kg.rules import check


@dataclass(frozen=True)
class Assessment:
    """A change set against the rules.

    Attributes:
        after: the ontology after the change set.
        new: findings that it brings.
        mended: findings that it does away with.
    """

    after: Ontology
    new: tuple[Finding, ...]
    mended: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """New findings that no reason overrides."""
        return tuple(finding for finding in self.new if finding.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """New findings that need a reason."""
        return tuple(finding for finding in self.new if finding.severity is Severity.WARNING)


def assess(ontology: Ontology, change_set: ChangeSet) -> Assessment:
    """Check the state after a change set with every rule.

    Raises:
        ConflictError: the change set was made on another ontology.
    """
    after = change_set.apply(ontology)
    found, present = check(after), check(ontology)
    return Assessment(
        after,
        tuple(finding for finding in found if finding not in present),
        tuple(finding for finding in present if finding not in found),
    )


def require_sound(assessment: Assessment, change_set: ChangeSet) -> None:
    """Check that a change set may be saved.

    Raises:
        ChangeRefusedError: a new error, or a new warning without a reason to override it.
    """
    if assessment.errors:
        more = f" (and {len(assessment.errors) - 1} more)" if len(assessment.errors) > 1 else ""
        raise ChangeRefusedError(f"change set: {assessment.errors[0].message}{more}; nothing was saved")
    open_ = [finding for finding in assessment.warnings if not change_set.overrides.get(finding.rule, "").strip()]
    if open_:
        raise ChangeRefusedError(
            f"change set: warning {open_[0].rule}: {open_[0].message}; mend it, or give a reason to override it"
        )

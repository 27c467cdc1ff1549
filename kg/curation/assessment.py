"""What the rules say about a change set before it is saved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kg.curation.change_set import ChangeSet
from kg.curation.facts import Key, key_of
from kg.curation.remedy import Remedy, remedy
from kg.errors import ChangeRefusedError
from kg.findings import Finding, Severity
from kg.ontology import Ontology
from kg.rules import check, count


@dataclass(frozen=True)
class Assessment:
    """A change set against the rules.

    Attributes:
        after: the ontology after the change set.
        new: findings that it brings.
        mended: findings that it does away with.
        added: keys of the facts that it adds or edits.
    """

    after: Ontology
    new: tuple[Finding, ...]
    mended: tuple[Finding, ...]
    added: frozenset[Key] = frozenset()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """New findings that no reason overrides."""
        return tuple(finding for finding in self.new if finding.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """New findings that need a reason."""
        return tuple(finding for finding in self.new if finding.severity is Severity.WARNING)

    @cached_property
    def remedy(self) -> Remedy:
        """The fewest statements to drop to get out of the errors, rather what the change set added than others."""
        return remedy(self.after, self.errors, self.added)

    def unanswered(self, change_set: ChangeSet) -> tuple[Finding, ...]:
        """Warnings that the change set gives no reason to override."""
        return tuple(f for f in self.warnings if not change_set.overrides.get(f.rule, "").strip())

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON: findings with their chains, and the ways out of the errors."""
        return {
            "errors": [finding.as_dict() for finding in self.errors],
            "warnings": [finding.as_dict() for finding in self.warnings],
            "mended": [finding.as_dict() for finding in self.mended],
            "remedy": self.remedy.as_dict(),
        }


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
        frozenset(key_of(change.after) for change in change_set.primitives() if change.after is not None),
    )


def require_sound(assessment: Assessment, change_set: ChangeSet) -> None:
    """Check that a change set may be saved.

    Raises:
        ChangeRefusedError: a new error, with the fewest statements to drop to get out of all of them; or a new warning
            without a reason to override it.
    """
    if assessment.errors:
        first, more = assessment.errors[0], len(assessment.errors) - 1
        others = f" (and {more} more)" if more else ""
        options = assessment.remedy.options
        if not options:
            raise ChangeRefusedError(f"change set: {first.message}{others}; nothing was saved")
        reason = first.message.rpartition("; ")[0]
        ways = f" (or {count(len(options) - 1, 'other way')})" if len(options) > 1 else ""
        raise ChangeRefusedError(f"change set: {reason}{others}; drop {options[0].text}{ways}; nothing was saved")
    if open_ := assessment.unanswered(change_set):
        raise ChangeRefusedError(
            f"change set: warning {open_[0].rule}: {open_[0].message}; mend it, or give a reason to override it"
        )

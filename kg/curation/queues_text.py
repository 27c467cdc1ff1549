"""Items and their evidence in one line of plain English."""

from __future__ import annotations

from kg.curation.queues import Contradiction, Correlation, Counts, Item, Term, Topic, Unmapped

_SAYS = {
    Topic.TOGETHER: "{0} and {1} go together",
    Topic.APART: "{0} and {1} keep apart",
    Topic.CONFUSED: "{0} and {1} are exclusive, but evidence for one counts for the other",
    Topic.CONTRADICTED: "{0} and {1} are exclusive, but lesions have both",
    Topic.TERM: "reports say {0}, and no label covers it",
    Topic.UNMAPPED: "{0} has no RadLex id",
}


def says(item: Item) -> str:
    """What an item says."""
    return _SAYS[item.topic].format(*item.names)


def why(item: Item) -> str:
    """The evidence for it."""
    match item.evidence:
        case Correlation() as found:
            learned = f"weight {found.weight:+.2f}, stability {found.stability:.2f} ({found.model})"
            return f"{learned}; {_counted(found.counts)}"
        case Contradiction() as found:
            return f"{found.contradictory:,} contradictory lesions; {_counted(found.counts)}"
        case Term() as found:
            nearest = f", nearest label {found.nearest}" if found.nearest else ""
            known = f"{found.rid}, below {', '.join(found.parents) or 'nothing'}; " if found.rid else ""
            counted = (
                f"{found.mentions:,} mentions in {found.reports:,} reports of at least {found.patients:,} patients"
            )
            return f"{known}{counted} ({found.source}){nearest}"
        case Unmapped() as found:
            return f"{found.lesions:,} lesions" + (f", in {', '.join(found.label_sets)}" if found.label_sets else "")


def _counted(counts: Counts) -> str:
    share = f"{counts.patients / counts.rarer_patients:.1%}" if counts.rarer_patients else "none"
    both = f"{counts.together:,} lesions of {counts.patients:,} patients have both, {counts.expected:,.1f} by chance"
    return f"{both}; {share} of the rarer label's {counts.rarer_patients:,} patients"

"""A diff of two ontologies for people: plain text or Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from kg.curation.change_set import Change
from kg.curation.describe import describe
from kg.curation.diff import Diff, LabelDiff, PairsDiff
from kg.curation.facts import Foreign
from kg.owl_render import abbreviated

_MOST_NAMED = 8
"""How many labels a line names before it only counts the rest; the JSON form has them all."""

_LONGEST = 240
"""Characters of a foreign statement that a line shows."""

_SIGNS = {"add": "+", "remove": "-", "edit": "~"}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~])")


def diff_text(diff: Diff) -> str:
    """The diff as plain text, label by label; one line when nothing differs."""
    lines = [f"{_titles(diff)}", *_summary(diff)]
    for label in diff.by_label:
        lines += ["", _heading(diff, label)]
        for title, found in _parts(diff, label):
            lines += [f"  {title}", *(f"    {line}" for line in found)]
    return "\n".join(lines)


def diff_markdown(diff: Diff) -> str:
    """The diff as Markdown, label by label."""
    lines = [f"# {_escaped(_titles(diff))}", "", *(f"- {_escaped(line)}" for line in _summary(diff))]
    for label in diff.by_label:
        lines += ["", f"## {_escaped(_heading(diff, label))}"]
        for title, found in _parts(diff, label):
            lines += ["", f"**{title}**", "", *(f"- {_escaped(line)}" for line in found)]
    return "\n".join(lines)


def _titles(diff: Diff) -> str:
    before, after = (f"{name} {version}" for name, version in (diff.before, diff.after))
    return before if before == after else f"{before} -> {after}"


def _summary(diff: Diff) -> list[str]:
    if not diff:
        return ["nothing differs"]
    kinds = [
        f"{kind} " + " ".join(f"{_SIGNS[verb]}{number}" for verb, number in verbs.items())
        for kind, verbs in diff.counts.items()
    ]
    return [
        f"asserted: {', '.join(kinds) or 'nothing differs'}",
        f"inferred: ancestors {_sizes(diff.ancestors)}, exclusive pairs {_sizes(diff.exclusive)}",
    ]


def _sizes(pairs: PairsDiff) -> str:
    return f"+{len(pairs.gained)} -{len(pairs.lost)}"


def _heading(diff: Diff, label: LabelDiff) -> str:
    return _called(diff, label.label) if label.label in diff.names else label.label or "the ontology"


def _parts(diff: Diff, label: LabelDiff) -> Iterator[tuple[str, list[str]]]:
    """Titles and lines of what differs at a label."""
    others = {i: _called(diff, i) for i in diff.names}
    # Whose place this is needs no id beside its name.
    names = others | {label.label: diff.names.get(label.label, "")}
    if label.changes:
        yield "asserted", [_line(change, names) for change in label.changes]
    inferred = [
        f"{what}: {_listed(['itself' if other == label.label else others[other] for _, other in pairs])}"
        for what, pairs in (
            ("ancestors gained", label.ancestors.gained),
            ("ancestors lost", label.ancestors.lost),
            ("exclusive now with", label.exclusive.gained),
            ("exclusive no more with", label.exclusive.lost),
        )
        if pairs
    ]
    if inferred:
        yield "inferred", inferred


def _line(change: Change, names: Mapping[str, str]) -> str:
    if not isinstance(change.fact, Foreign):
        return describe(change, names)
    text = " ".join(abbreviated(change.fact.statement).split())
    return f"{change.verb} foreign statement: {text if len(text) <= _LONGEST else text[: _LONGEST - 3] + '...'}"


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _called(diff: Diff, label_id: str) -> str:
    return f"{' '.join(diff.names[label_id].split())} ({label_id})"


def _escaped(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)

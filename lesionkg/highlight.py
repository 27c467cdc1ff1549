"""How a mined report looks: in the terminal, and as one page for a browser. Both are functions of the view alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from itertools import takewhile

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ingest.mining.highlight import Mark, MarkKind, Said, Target, View, pieces
from ingest.mining.mention import Relevance

PRIVATE = "This holds the text of a report: keep it as private as the report itself."
RESEARCH = "Labels were found by a program and may be wrong. Research use only; not for diagnosis."

_NAMES = {
    MarkKind.BODYPART: "body part",
    MarkKind.TYPE: "type",
    MarkKind.ATTRIBUTE: "attribute",
    MarkKind.BOOKMARK: "bookmark",
}
_TAGS = {MarkKind.BODYPART: "part", MarkKind.TYPE: "type", MarkKind.ATTRIBUTE: "attr"}
_SIGNS = {None: "", Relevance.RELEVANT: "", Relevance.UNCERTAIN: "?", Relevance.IRRELEVANT: "\N{MULTIPLICATION SIGN}"}
_OF_REPORT = {
    Relevance.RELEVANT: "asserted",
    Relevance.UNCERTAIN: "uncertain",
    Relevance.IRRELEVANT: "negated or landmark",
}
_COLOURS = {
    MarkKind.BODYPART: "cyan",
    MarkKind.TYPE: "magenta",
    MarkKind.ATTRIBUTE: "green",
    MarkKind.BOOKMARK: "black on yellow",
}
_STYLES = {
    None: "",
    Relevance.RELEVANT: "bold underline",
    Relevance.UNCERTAIN: "italic underline2",
    Relevance.IRRELEVANT: "dim strike",
}
_HEADER = ("relevance", "label", "class", "found by", "term", "judged by")


def as_text(view: View) -> Text:
    """The report with its mentions highlighted, for the terminal; without its styles it is the text of the report."""
    text = Text(view.text)
    for mark in view.marks:
        text.stylize(f"{_COLOURS[mark.kind]} {_STYLES[mark.relevance]}".strip(), mark.start, mark.end)
    return text


def as_terminal(view: View) -> Group:
    """The highlighted report, a legend, and a table for each bookmark."""
    legend = Text()
    for kind in MarkKind:
        legend.append(_NAMES[kind], _COLOURS[kind]).append("  ")
    for relevance in Relevance:
        legend.append(relevance, _STYLES[relevance]).append("  ")
    return Group(as_text(view), Text(), legend, *(_table(target) for target in view.targets))


def as_page(view: View, title: str) -> str:
    """The report as one page that loads nothing from anywhere.

    Class and relevance show in words and lines as well as in colour, so that they survive printing and do not need
    colour vision.
    """
    name = escape(title)
    legend = "".join(f"<li>{_opening(mark, tagged=True)}{words}</mark></li>\n" for mark, words in _examples())
    tables = "".join(_html_table(target) for target in view.targets)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{name}</h1>
<p class="note">{PRIVATE} {RESEARCH}</p>
<h2>Report</h2>
<div id="report">{marked(view)}</div>
<h2>Legend</h2>
<ul id="legend">
{legend}</ul>
<h2>Labels</h2>
{tables or "<p>No labels were found.</p>"}
</main>
</body>
</html>
"""


def marked(view: View) -> str:
    """The report's text in HTML, every mention and bookmark in ``mark`` elements; without tags it is the text."""
    parts: list[str] = []
    opened: tuple[Mark, ...] = ()
    tagged: set[Mark] = set()
    for start, end, over in pieces(view):
        # Elements nest, marks may overlap: one that began inside another is closed with it and opened again.
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(opened, over, strict=False)))
        parts.append("</mark>" * (len(opened) - shared))
        for mark in over[shared:]:
            parts.append(_opening(mark, mark.first and mark not in tagged))
            tagged.add(mark)
        parts.append(escape(view.text[start:end]))
        opened = over
    parts.append("</mark>" * len(opened))
    return "".join(parts)


def _opening(mark: Mark, tagged: bool) -> str:
    tag = mark.name if mark.kind is MarkKind.BOOKMARK else _TAGS[mark.kind] + _SIGNS[mark.relevance]
    words = ", ".join(filter(None, (f"{_NAMES[mark.kind]} {mark.name}", mark.relevance)))
    shown = f' data-tag="{escape(tag)}"' if tagged else ""
    return f'<mark class="{mark.kind} {mark.relevance or ""}" title="{escape(words)}"{shown}>'


def _examples() -> Iterator[tuple[Mark, str]]:
    for kind in (MarkKind.BODYPART, MarkKind.TYPE, MarkKind.ATTRIBUTE):
        yield Mark(0, 0, kind, "", Relevance.RELEVANT), _NAMES[kind]
    yield Mark(0, 0, MarkKind.TYPE, "", Relevance.RELEVANT), "relevant, or asserted by the report"
    yield Mark(0, 0, MarkKind.TYPE, "", Relevance.UNCERTAIN), "uncertain"
    yield Mark(0, 0, MarkKind.TYPE, "", Relevance.IRRELEVANT), "irrelevant: about something else, or negated"
    yield Mark(0, 0, MarkKind.BOOKMARK, "1"), "bookmark with its number"


def _heading(target: Target) -> str:
    bookmark = target.bookmark
    if bookmark is None:
        return "Sentences without a bookmark"
    where = [
        " x ".join(f"{size:g}" for size in bookmark.sizes_mm) + " mm" if bookmark.sizes_mm else "",
        f"series {bookmark.series}" if bookmark.series is not None else "",
        f"image {bookmark.image}" if bookmark.image is not None else "",
        "earlier study" if bookmark.prior else "",
        f"lesion {target.lesion}" if target.lesion else "",
        "linked to no lesion" if target.lesion == "" else "",
    ]
    return ": ".join(filter(None, (f"Bookmark {target.number}", ", ".join(filter(None, where)))))


def _rows(target: Target) -> Iterator[tuple[str, ...]]:
    for said in target.said:
        relevance = str(said.relevance) if target.bookmark else _OF_REPORT[said.relevance]
        times = f" ({said.count} times)" if said.count > 1 else ""
        yield relevance + times, said.label, said.label_class, said.rule, said.term, _judge(said)


def _judge(said: Said) -> str:
    return said.judged_by + (f" ({said.probability:.2f})" if said.probability is not None else "")


def _table(target: Target) -> Table:
    table = Table(
        *_HEADER,
        title=Text(_heading(target)),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        min_width=40,
    )
    for row in _rows(target):
        table.add_row(*(Text(cell) for cell in row))
    return table


def _html_table(target: Target) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in _HEADER)
    rows = "".join(_html_row(row) for row in _rows(target))
    return (
        f"<table>\n<caption>{escape(_heading(target))}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{rows}</tbody>\n</table>\n"
    )


def _html_row(row: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>\n"


_STYLE = """
body { color: #111; background: #fff; font: 1rem/1.6 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem;
  padding: 0 1rem; }
.note { border-left: .3rem solid #8a5a00; padding-left: .7rem; }
#report { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #777; padding: 1rem; line-height: 2; }
#legend { list-style: none; padding: 0; }
#legend li { margin: .3rem 0; }
mark { color: #111; border-radius: .2rem; padding: 0 .1rem; border-bottom: 2px solid #111;
  print-color-adjust: exact; -webkit-print-color-adjust: exact; }
mark.bodypart { background: #cfe2ff; }
mark.type { background: #ffd6e7; }
mark.attribute { background: #d3f0d3; }
mark.bookmark { background: #fff3b0; border: 2px solid #111; }
mark.uncertain { border-bottom-style: dashed; font-style: italic; }
mark.irrelevant { border-bottom: 1px dotted #111; text-decoration: line-through; }
mark[data-tag]::before { content: attr(data-tag); font: 600 .65rem/1 system-ui, sans-serif; vertical-align: super;
  margin-right: .15rem; display: inline-block; }
table { border-collapse: collapse; margin: 0 0 1.5rem; width: 100%; }
caption { text-align: left; font-weight: 600; padding: .4rem 0; }
th, td { border: 1px solid #777; padding: .25rem .5rem; text-align: left; vertical-align: top; }
@media print { body { margin: 0; max-width: none; } tr, mark { break-inside: avoid; } }
"""

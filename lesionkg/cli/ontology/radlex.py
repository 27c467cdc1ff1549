"""``lesionkg ontology radlex``: RadLex as a reference beside the ontology."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kg.errors import InputError, UsageError
from kg.ontology import LabelClass, MatchKind
from lesionkg.cli.context import Graph, Home, Json, console, graph_url, home_folder, print_json
from lesionkg.cli.ontology.base import app
from lesionkg.cli.ontology.curating import Author, curation
from lesionkg.cli.ontology.source import named_ontology

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kg.curation.change_set import Change, Composite
    from kg.curation.label_data import LabelData
    from kg.ontology import Ontology
    from kg.radlex.reference import Reference

radlex = typer.Typer(no_args_is_help=True, help="Search RadLex, map labels to it, and take terms from it.")
app.add_typer(radlex, name="radlex")

Of = Annotated[str, typer.Option("--ontology", help="A file, a shipped name, 'graph' or 'graph@N'.")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]
Propose = Annotated[bool, typer.Option("--propose", help="Keep the changes as a proposal.")]
Save = Annotated[Path | None, typer.Option("--save", help="Write the changes to this file, for `propose --file`.")]


@radlex.command("import")
def import_(
    table: Annotated[Path, typer.Argument(help="RadLex as CSV in UTF-8, lists separated by '|'.")],
    home: Home = None,
    json_: Json = False,
) -> None:
    """Keep a RadLex table in the data folder; it replaces the one before."""
    from kg.radlex.reference import FILE, import_table

    kept = import_table(table, home_folder(home) / FILE)
    withdrawn = sum(term.obsolete for term in kept.terms.values())
    if json_:
        print_json({"terms": len(kept.terms), "obsolete": withdrawn, "sha256": kept.digest})
        return
    _say(f"RadLex: {len(kept.terms):,} terms kept, {withdrawn} of them withdrawn by RadLex")


@radlex.command()
def search(
    text: Annotated[str, typer.Argument(help="A RID, a name, the beginning of one, or some words of it.")],
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most terms.")] = 20,
    home: Home = None,
    json_: Json = False,
) -> None:
    """Find terms, best first, withdrawn ones last; exit 1 when there is none."""
    from kg.radlex.search import search as find

    found = find(_reference(home), text, limit)
    if json_:
        print_json(
            [
                {"rid": h.term.rid, "name": h.term.name, "obsolete": h.term.obsolete, "by": h.name,
                 "how": h.how.value, "score": h.score}
                for h in found
            ]
        )  # fmt: skip
    for hit in () if json_ else found:
        by = "" if hit.name == hit.term.name else f", by {hit.name!r}"
        withdrawn = "  (withdrawn by RadLex)" if hit.term.obsolete else ""
        _say(f"{hit.term.rid}  {hit.term.name}  ({hit.how.value}, {hit.score:.0f}{by}){withdrawn}")
    if not found:
        if not json_:
            _say(f"{text!r}: no term of RadLex is like it")
        raise typer.Exit(1)


@radlex.command()
def show(
    rid: Annotated[str, typer.Argument(help="RadLex id, e.g. RID1301.")],
    of: Of = "graph",
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Show a term, the chains above it, what lies right below, and the labels that it touches."""
    from kg.ontology import MatchKind
    from kg.radlex.adoption import nearest_labels

    reference = _reference(home)
    term = reference.term(rid)
    ontology = named_ontology(of, graph_url(home, graph))
    chains = [reference.text(rid, chain) for chain in reference.chains(rid)]
    below = [f"{low} {reference.terms[low].name} ({step})" for step, low in reference.below.get(rid, ())]
    mapped = [(k.name, m.predicate.value) for k in ontology.labels for m in k.mappings if m.object_id == rid]
    near = [f"{label.name}: {reference.text(rid, way)}" for label, way in nearest_labels(ontology, reference, rid)]
    if json_:
        print_json(
            {"rid": rid, "name": term.name, "synonyms": list(term.synonyms), "definition": term.definition,
             "obsolete": term.obsolete, "chains": chains, "below": below, "nearest_labels": near,
             "labels": [{"name": name, "match": match} for name, match in mapped]}
        )  # fmt: skip
        return
    exact = MatchKind.EXACT.value
    _say(f"{rid}  {term.name}{'  (withdrawn by RadLex)' if term.obsolete else ''}")
    for head, rows in (
        ("synonyms", list(term.synonyms)),
        ("definition", [term.definition] if term.definition else []),
        ("above", chains),
        (f"below ({len(below)})", below[:20]),
        ("labels", [name if match == exact else f"{name} ({match})" for name, match in mapped]),
        ("nearest labels above", near),
    ):
        if rows:
            _say(f"{head}:")
        for row in rows:
            _say(f"  {row}")


@radlex.command("map")
def map_(
    label: Annotated[
        str, typer.Argument(help="Label, by name or id; default all without a mapping.", show_default=False)
    ] = "",
    rid: Annotated[str, typer.Option("--rid", help="Map the label to this term.")] = "",
    match: Annotated[MatchKind, typer.Option("--match", help="With --rid: how the term compares.")] = MatchKind.EXACT,
    why: Annotated[str, typer.Option("--because", help="With --rid: why, when they share no name.")] = "",
    author: Author = "",
    reason: Reason = "",
    propose: Propose = False,
    save: Save = None,
    of: Of = "graph",
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Map labels to terms with which they share a name, or one label to one term.

    Without --rid, terms that share a name are listed; those that no other term rivals become changes.
    """
    from kg.radlex.linked import candidates, map_to

    reference, ontology = _reference(home), named_ontology(_made_on(of, propose), graph_url(home, graph))
    if bool(rid) and not label:
        raise UsageError("--rid: which label? name it")
    if rid:
        changes = [map_to(ontology, reference, label, rid, match, why)]
        rows = [(ontology.label(label).name, rid, reference.terms[rid].name, True)]
    else:
        found = candidates(ontology, reference, [label] if label else ())
        rows = [(c.label.name, c.term.rid, c.term.name, c.alone) for c in found]
        changes = [map_to(ontology, reference, c.label.id, c.term.rid, match) for c in found if c.alone]
    kept = _keep(changes, ontology, author, reason, propose, save, home, graph)
    if json_:
        keys = ("label", "rid", "name", "alone")
        print_json({"candidates": [dict(zip(keys, row, strict=True)) for row in rows], **kept})
        return
    for name, found_rid, found_name, alone in rows:
        _say(f"{name}: {found_rid} {found_name}{'' if alone else '  (not the only one; choose with --rid)'}")
    if not rows:
        _say("no term shares a name with these labels; `lesionkg ontology radlex search` finds others")
    _told(kept)


@radlex.command()
def adopt(
    rids: Annotated[list[str], typer.Argument(metavar="RID...", help="Terms to make labels of.")],
    label_class: Annotated[
        LabelClass | None, typer.Option("--class", help="Their class; default that of the label they are a kind of.")
    ] = None,
    levels: Annotated[
        int, typer.Option("--parents", min=0, help="Take over so many levels of RadLex parents too.")
    ] = 0,
    author: Author = "",
    reason: Reason = "",
    propose: Propose = False,
    save: Save = None,
    of: Of = "graph",
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """Make labels of terms, with synonyms, definition, mapping, and the nearest labels above as parents."""
    from kg.curation.change_set import ChangeSet
    from kg.curation.describe import describe
    from kg.radlex.adoption import adopt as made_of

    reference, ontology = _reference(home), named_ontology(_made_on(of, propose), graph_url(home, graph))
    used = _given_away(home, graph) if of == "graph" else set()
    adoption = made_of(ontology, reference, rids, label_class, author, _now(), used, levels)
    kept = _keep(adoption.changes, ontology, author, reason, propose, save, home, graph)
    left_out = [f"{rid} {name}" for rid, name in adoption.left_out]
    if json_:
        print_json({"changes": [c.as_dict() for c in adoption.changes], "left_out": left_out, **kept})
        return
    after = ChangeSet(adoption.changes).apply(ontology)
    names = {label.id: label.name for label in after.labels}
    for part in ChangeSet(adoption.changes).primitives():
        _say(describe(part, names))
    for name in left_out:
        _say(f"left out: {name}, a name of another label")
    _told(kept)


@radlex.command()
def disagreements(
    what: Annotated[
        list[str] | None,
        typer.Option("--what", help="reversed, unsupported, missing, kind or other-branch; default all but the last."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Most rows shown; --json shows all.")] = 30,
    cohort: Annotated[
        str, typer.Option("--cohort", help="Lesions to count: a cohort, or 'official' for all that have a label.")
    ] = "official",
    released: Annotated[
        bool, typer.Option("--released", help="Count the shipped DeepLesion labels; no graph.")
    ] = False,
    of: Of = "graph",
    home: Home = None,
    graph: Graph = None,
    json_: Json = False,
) -> None:
    """List where parents differ from RadLex's in place or kind, and the lesions that its reading would change."""
    from kg.radlex.disagreements import Disagreement
    from kg.radlex.disagreements import disagreements as compare

    unknown = [one for one in what or [] if one not in set(Disagreement)]
    if unknown:
        raise UsageError(f"--what {unknown[0]!r}: unknown; use one of {', '.join(Disagreement)}")
    chosen = {Disagreement(one) for one in what or []} or set(Disagreement) - {Disagreement.OTHER_BRANCH}
    ontology = named_ontology(of, graph_url(home, graph))
    report = compare(ontology, _reference(home), _label_data(home, graph, cohort, released))
    rows = [one for one in report.differences if one.what in chosen]
    counts = {kind.value: sum(one.what is kind for one in report.differences) for kind in Disagreement}
    if json_:
        print_json(
            {"labels_compared": report.compared, "agreed": report.agreed, "not_comparable": report.not_comparable,
             "counts": counts, "differences": [one.as_dict() for one in rows]}
        )  # fmt: skip
        return
    _say(
        f"{report.compared} labels have a term of RadLex; {report.agreed} of their parents agree with it, "
        + ", ".join(f"{number} {kind}" for kind, number in counts.items())
        + f"; {report.not_comparable} parents have no term"
    )
    for one in rows[:limit]:
        ours = f" {'/'.join(one.kinds)}" if one.kinds else ""
        theirs = f"; RadLex: {one.way}" if one.way else ""
        lesions = f"; see {', '.join(one.examples)}" if one.examples else ""
        _say(
            f"{one.lesions:>6} lesions  {one.what.value}: {one.child.name!r}{ours} under {one.parent.name!r}"
            f"{theirs}{lesions}"
        )
    if len(rows) > limit:
        _say(f"... {len(rows) - limit} more; --limit shows them")


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _reference(home: Path | None) -> Reference:
    from kg.radlex.reference import FILE, load_reference

    return load_reference(home_folder(home) / FILE)


def _made_on(of: str, propose: bool) -> str:
    if propose and of != "graph":
        raise UsageError(f"--propose: changes the graph's ontology, not {of}; use --save")
    return of


def _label_data(home: Path | None, graph: str | None, cohort: str, released: bool) -> LabelData:
    if released:
        from learn.impact import released_label_data

        return released_label_data("lesanet-171")[1]
    from kg.connect import open_store
    from kg.curation.label_data import read_label_data

    with open_store(graph_url(home, graph), read_only=True) as store:
        return read_label_data(store, cohort)


def _given_away(home: Path | None, graph: str | None) -> set[str]:
    """Ids of labels that revisions or proposals made, be they gone again or not there yet."""
    from kg.curation.history import revisions
    from kg.curation.proposals import proposals

    with curation(home, graph, read_only=True) as (database, store):
        proposed = {label for one in proposals(database) for label in one.change_set.labels}
        return proposed | {label for entry in revisions(store) for label in entry.labels}


def _keep(
    changes: Sequence[Change | Composite],
    ontology: Ontology,
    author: str,
    reason: str,
    propose: bool,
    save: Path | None,
    home: Path | None,
    graph: str | None,
) -> dict[str, Any]:
    """Write or propose the changes as asked; what was done, for JSON."""
    from kg.curation.change_set import ChangeSet
    from kg.curation.proposals import propose as keep

    change_set = ChangeSet(tuple(changes), author, _now(), reason, "RadLex")
    change_set.apply(ontology)
    done: dict[str, Any] = {"changes_made": len(changes)}
    if save is not None:
        try:
            save.write_text(change_set.to_json() + "\n", encoding="utf-8")
        except OSError as error:
            raise InputError(f"{save}: cannot be written ({error.strerror}); choose another place") from error
        done["saved"] = str(save)
    if propose and changes:
        with curation(home, graph) as (database, store):
            done["proposal"] = keep(database, store, change_set).number
    return done


def _told(kept: dict[str, Any]) -> None:
    if "saved" in kept:
        _say(f"{kept['changes_made']} changes written to {kept['saved']}")
    if "proposal" in kept:
        _say(f"proposal {kept['proposal']}; `lesionkg ontology review {kept['proposal']}` judges it")

"""The page /: what is in the graph, what to look at, what happened last, and how to begin."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from nicegui import ui

from kg.curation.history import RevisionEntry
from kg.curation.queues import QueueKind
from kg.errors import LesionKGError
from kg.ontology import LabelClass
from kg.schema import SOFT_TYPES, STRICT_TYPES
from lesionkg.workbench import parts
from lesionkg.workbench.frame import in_thread, page, place
from lesionkg.workbench.models_parts import badges, table
from lesionkg.workbench.query_links import QueryLink
from lesionkg.workbench.review_kept import kept
from queries.model_view import Currency, ModelSummary, list_models
from queries.overview_view import (
    NEVER_RULED_OUT,
    Contents,
    Glance,
    Soundness,
    contents,
    contradictory,
    glance,
    never_ruled_out,
    newest_cohort,
    open_proposals,
    soundness,
    waiting,
)

_QUEUES = {
    QueueKind.CORRELATIONS: "correlations that a model learned and the ontology lacks",
    QueueKind.CONTRADICTED: "exclusive pairs that labelled lesions contradict",
    QueueKind.CONFUSED: "exclusive labels that a model takes for companions",
    QueueKind.TERMS: "terms that reports use and no label covers",
    QueueKind.UNMAPPED: "labels without a RadLex id",
}
_CLASSES = {LabelClass.BODYPART: "body parts", LabelClass.TYPE: "types", LabelClass.ATTRIBUTE: "attributes"}
_GROUPS = (
    ("Hierarchy", STRICT_TYPES),
    ("Exclusion", ("EXCLUSIVE_WITH", "COMPATIBLE_WITH", "MEMBER_OF")),
    ("Typical and partner relations", SOFT_TYPES),
    ("Learned correlations", ("CORRELATES_WITH",)),
    ("Labels of lesions", ("HAS_LABEL", "MAY_HAVE_LABEL", "MENTIONED_NOT_ABOUT")),
    ("Predictions", ("PREDICTED", "SCORED")),
    ("Similar and same lesions", ("SIMILAR_TO", "SAME_LESION_AS")),
    ("Mentions in reports", ("DESCRIBES", "MENTIONS")),
    ("Computed from the others", ("DESCENDS_FROM", "EXCLUDES")),
)
_BEGIN = (
    (
        "Change a relation and see what it does",
        "Open a label, add or remove a relation, and look at the lesions, negatives and models it touches before you "
        "apply it. Every change can be undone.",
        "/ontology",
        "account_tree",
    ),
    (
        "Review what a model learned",
        "Correlations between labels, ranked, with the counts behind them: promote, defer or reject each with one key.",
        f"/review?queue={QueueKind.CORRELATIONS}",
        "fact_check",
    ),
    (
        "Ask a question",
        "Which nodules in the lung are spiculated and longer than 10 mm? Ready questions with forms, or Cypher of your "
        "own; results leave as CSV, JSON or Parquet.",
        QueryLink(name="lesions-with-findings").path,
        "terminal",
    ),
)


@page("/", "Overview")
async def show() -> None:
    """Build the page: first what can be read at once, then what must be counted."""
    found, models, proposals = await in_thread(_at_once)
    parts.title("Overview")
    shown = Overview(found, models, proposals)
    shown.build()
    await ui.context.client.connected()
    await shown.fill()


def _at_once() -> tuple[Glance, list[ModelSummary], int]:
    store = place().store
    return glance(store), list_models(store, place().settings.home), open_proposals(place().database)


class Overview:
    """The page.

    Args:
        found: what could be read at once.
        models: runs and published models, newest first.
        proposals: proposals that wait.
    """

    def __init__(self, found: Glance, models: list[ModelSummary], proposals: int) -> None:
        self._glance, self._models, self._proposals = found, models, proposals

    def build(self) -> None:
        """Show what is known, with places for what must be counted."""
        with ui.element("div").classes("lk-o-numbers").props('data-mark="numbers"'):
            labels = self._glance.labels
            said = ", ".join(f"{labels[one]:,} {name}" for one, name in _CLASSES.items())
            _number("labels", sum(labels.values()), "labels in use", said, "/ontology")
            self._numbers = {
                "Lesion": _number("lesions", None, "lesions", "", "/lesions"),
                "Patient": _number("patients", None, "patients", "", ""),
                "Study": _number("studies", None, "studies", "", ""),
                "Report": _number("reports", None, "reports", "", ""),
            }
            published = sum(model.published for model in self._models)
            _number("models", len(self._models), "models", f"{published} with predictions in the graph", "/models")
        with ui.element("div").classes("lk-o-shell"):
            with ui.element("div").classes("lk-o-column"):
                with parts.panel("To look at", mark="look"):
                    self._look = ui.element("ul").classes("lk-o-look")
                    with self._look:
                        self._known()
                    self._looking = _waiting_line("Checking rules, labels and queues")
                with parts.panel("Last changes", mark="changes"):
                    for change in self._glance.changes:
                        _change(change)
                with parts.panel("Models", mark="models-panel"):
                    _models(self._models)
                with parts.panel("Revision", mark="revision-panel"):
                    self._revision()
            with ui.element("div").classes("lk-o-column"):
                with parts.panel("How to begin", mark="begin"):
                    for title, said, target, icon in _BEGIN:
                        _begin(title, said, target, icon)
                with parts.panel("In the graph", mark="contents"):
                    self._contents = ui.element("div").classes("lk-o-tables")
                    with self._contents:
                        _waiting_line("Counting")

    def _revision(self) -> None:
        head = self._glance.head
        facts: dict[str, object] = {
            "Ontology": f"{head.ontology}, version {head.version}",
            "Revision": head.sequence,
            "Made": f"{head.created[:16].replace('T', ' ')} UTC by {head.author}",
        }
        facts |= {f"Label set {name}": f"{count:,} labels" for name, count in self._glance.label_sets.items()}
        if self._glance.deprecated:
            facts["Deprecated labels"] = self._glance.deprecated
        parts.facts(facts)
        with ui.element("dl").classes("lk-facts"):
            hashes = {"Ontology hash": head.ontology_hash}
            hashes |= {f"Matrix hash {name}": value for name, value in head.matrix_hashes.items()}
            for name, value in hashes.items():
                with ui.element("dt"):
                    ui.label(name)
                with ui.element("dd"), ui.label(value[:16]).classes("lk-mono").props("tabindex=0"):
                    ui.tooltip(value)
        self._verified = ui.element("div").props('data-mark="verified"')
        with self._verified:
            _waiting_line("Computing the hashes anew")

    def _known(self) -> None:
        behind = [model for model in self._models if model.currency is Currency.BEHIND]
        if behind:
            names = ", ".join(model.id for model in behind[:3])
            _look(
                len(behind),
                "models trained on relations that changed since",
                f"/models?run={quote(behind[0].id)}",
                names,
            )
        if self._proposals:
            _look(self._proposals, "proposals open", "/ontology?view=proposals")

    async def fill(self) -> None:
        """Count, check, and show each as soon as it is known; stops when nobody looks any more."""
        client = ui.context.client
        try:
            for step in (self._count, self._check, self._judge, self._queue):
                found = await step()
                if client.is_deleted:
                    return
                found()
            self._looking.delete()
        except LesionKGError as error:
            self._looking.clear()
            with self._looking:
                ui.label(str(error)).classes("lk-problem").props("role=alert")

    async def _count(self) -> Callable[[], None]:
        found = await in_thread(contents, kept())
        return lambda: self._show_contents(found)

    async def _check(self) -> Callable[[], None]:
        found = await in_thread(soundness, kept())
        return lambda: self._show_soundness(found)

    async def _judge(self) -> Callable[[], None]:
        cohort = await in_thread(newest_cohort, place().store)
        if cohort is None:
            return lambda: None
        without = await in_thread(never_ruled_out, kept(), cohort)
        clashing = await in_thread(contradictory, kept(), cohort)
        target = QueryLink(name=NEVER_RULED_OUT, given={"cohort": cohort.id}).path

        def show() -> None:
            self._add(clashing, "lesions with labels that exclude each other", "/conflicts", cohort.id)
            self._add(without, "labels without a reliable negative in training", target, cohort.id)

        return show

    async def _queue(self) -> Callable[[], None]:
        found = await in_thread(waiting, kept(), place().database)

        def show() -> None:
            for kind, count in found.items():
                self._add(count, _QUEUES[kind], f"/review?queue={kind}")

        return show

    def _add(self, count: int, said: str, target: str, more: str = "") -> None:
        if count:
            with self._look:
                _look(count, said, target, more)

    def _show_contents(self, found: Contents) -> None:
        nodes = found.counts.nodes
        for kind, number in self._numbers.items():
            number.text = f"{nodes.get(kind, 0):,}"
        self._contents.clear()
        with self._contents:
            splits = [(one.split, f"{one.lesions:,}", f"{one.labelled:,}") for one in found.splits]
            table(("official split", "lesions", "labelled"), splits, "splits")
            for group, names in _GROUPS:
                rows = [(name, f"{count:,}") for name in names if (count := found.counts.of_type(name))]
                if rows:
                    table((group, ""), rows, f"relations-{names[0]}")

    def _show_soundness(self, found: Soundness) -> None:
        self._verified.clear()
        with self._verified:
            if found.stale:
                ui.label(found.stale).classes("lk-problem").props("role=alert")
            else:
                with ui.row().classes("items-center lk-good").style("gap: 6px"):
                    ui.icon("verified").props("aria-hidden=true")
                    ui.label("The content is what the hashes say")
        rules = ", ".join(sorted({finding.rule for finding in found.findings}))
        self._add(len(found.findings), "findings of the rules in the ontology", "/ontology", rules)


def _number(mark: str, value: int | None, name: str, said: str, target: str) -> ui.label:
    """A large number, which may follow later."""
    box = ui.link(target=target) if target else ui.element("div")
    with box.classes("lk-o-number"):
        number = ui.label("..." if value is None else f"{value:,}").classes("lk-number").props(f'data-mark="n-{mark}"')
        ui.label(name).classes("lk-quiet")
        if said:
            ui.label(said).classes("lk-quiet lk-small")
    return number


def _waiting_line(said: str) -> ui.row:
    with ui.row().classes("items-center lk-o-wait") as line:
        ui.spinner(size="xs")
        ui.label(said).classes("lk-quiet lk-small")
    return line


def _look(count: int, said: str, target: str, more: str = "") -> None:
    with ui.element("li"), ui.link(target=target).classes("lk-o-item"):
        ui.label(f"{count:,}").classes("lk-o-count")
        with ui.element("div"):
            ui.label(said)
            if more:
                ui.label(more).classes("lk-quiet lk-small")


def _change(change: RevisionEntry) -> None:
    with ui.element("div").classes("lk-o-change"):
        ui.label(str(change.sequence)).classes("lk-o-count")
        with ui.element("div"):
            ui.label(change.reason or change.kind or "made before changes were kept")
            undone = f", undone by {change.undone_by}" if change.undone_by else ""
            ui.label(
                f"{change.kind or 'revision'} by {change.author}, {change.created[:16].replace('T', ' ')} UTC{undone}"
            ).classes("lk-quiet lk-small")


def _models(models: list[ModelSummary]) -> None:
    if not models:
        parts.empty("None yet: `lesionkg train`, then `lesionkg publish RUN`.")
    for model in models[:6]:
        with ui.element("div").classes("lk-o-model"):
            ui.link(model.id, f"/models?run={quote(model.id)}").classes("lk-mono")
            if model.auc is not None:
                ui.label(f"AUC {model.auc:.4f}").classes("lk-o-auc")
            badges(model)
    if len(models) > 6:
        ui.link(f"All {len(models):,} models", "/models")


def _begin(title: str, said: str, target: str, icon: str) -> None:
    with ui.link(target=target).classes("lk-o-task"):
        ui.icon(icon).props("aria-hidden=true")
        with ui.element("div"):
            ui.label(title).classes("lk-o-tasktitle")
            ui.label(said).classes("lk-quiet lk-small")

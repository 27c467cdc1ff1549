"""What the commands of curation share: who acts, and the curation store beside its graph, in line with it."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kg.errors import UsageError
from lesionkg.cli.context import errors, graph_url, home_folder

if TYPE_CHECKING:
    from kg.relational import Database
    from kg.store import GraphStore

CURATOR = "LESIONKG_CURATOR"
"""Environment variable with the name of who works here."""

Author = Annotated[
    str, typer.Option("--author", envvar=CURATOR, help="Who answers for it.", show_default=False, show_envvar=True)
]
Reviewer = Annotated[
    str, typer.Option("--reviewer", envvar=CURATOR, help="Who decides.", show_default=False, show_envvar=True)
]
By = Annotated[
    str,
    typer.Option(
        "--by", envvar=CURATOR, help="Who does it; default the login name.", show_default=False, show_envvar=True
    ),
]
Proposal = Annotated[str, typer.Argument(metavar="ID", help="Number of a proposal.")]


def somebody(by: str) -> str:
    """Who acts: the option, else the login name.

    Raises:
        UsageError: there is neither.
    """
    if by.strip():
        return by
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise UsageError(f"somebody must answer for this; give --by, or set {CURATOR}") from None


def overrides_of(given: list[str] | None) -> dict[str, str]:
    """Reasons by rule from texts such as ``RULE=REASON``.

    Raises:
        UsageError: a text without a rule or a reason.
    """
    pairs = [one.partition("=") for one in given or []]
    for one, (rule, _, reason) in zip(given or [], pairs, strict=True):
        if not rule.strip() or not reason.strip():
            raise UsageError(f"--override {one!r}: write RULE=REASON")
    return {rule.strip(): reason.strip() for rule, _, reason in pairs}


@contextmanager
def curation(home: Path | None, graph: str | None, read_only: bool = False) -> Iterator[tuple[Database, GraphStore]]:
    """The curation store and the graph, brought in line with each other; what had to be put right is told."""
    from kg.connect import open_store
    from kg.curation.proposal_tables import open_curation
    from kg.curation.reconcile import reconcile

    with open_store(graph_url(home, graph), read_only=read_only) as store, open_curation(home_folder(home)) as database:
        for line in reconcile(database, store).lines():
            _tell(line)
        yield database, store


@contextmanager
def telling_what_falls_behind(store: GraphStore) -> Iterator[None]:
    """Tell on standard error which cohorts and models fall behind, when the block changes relation matrices."""
    from kg.graph_behind import fallen_behind
    from kg.revision import head

    before = head(store).matrix_hashes
    yield
    if head(store).matrix_hashes == before:
        return
    behind = store.read_transaction(fallen_behind)
    for name, cohort in behind.cohorts.items():
        _tell(
            f"cohort {cohort}: was frozen with other relations; `lesionkg cohort freeze {name} --split-from {cohort}` "
            "freezes it anew"
        )
    for model in behind.models:
        _tell(
            f"model {model}: was trained with other relations; `lesionkg train --cohort NAME` on a cohort frozen anew"
        )


def _tell(line: str) -> None:
    errors.print(line, markup=False, highlight=False, soft_wrap=True)

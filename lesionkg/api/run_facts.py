"""What is told of runs: those trained here, those registered, and what of them is in the graph."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kg.errors import UsageError
from kg.revision import head
from learn.registered_runs import Registered, RegisteredRuns
from learn.run import FORMAT, Run
from lesionkg.api.run_bodies import RunEntry
from lesionkg.server.workplace import Workplace

REGISTERED = "runs-registered"
"""Folder in the data folder with runs that were trained elsewhere."""

_RUN_ID = re.compile(r"(metadata|image)-[0-9a-f]{10}")
_MODELS = "MATCH (m:Model) RETURN m.id AS id ORDER BY id"


@dataclass(frozen=True)
class Found:
    """A run and where it lies.

    Attributes:
        run: its configuration, and what is missing of it.
        folder: its folder.
        is_local: it was trained in this data folder.
    """

    run: Registered
    folder: Path
    is_local: bool

    def metrics(self) -> dict[str, Any] | None:
        """Its metrics by split; None while they did not arrive."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "metrics.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found


class RunFacts:
    """The runs of a server.

    Args:
        place: whose runs.
        registered: those that were trained elsewhere.
    """

    def __init__(self, place: Workplace, registered: RegisteredRuns) -> None:
        self._place = place
        self._registered = registered

    def all(self) -> list[RunEntry]:
        """All runs, the newest first."""
        folders = sorted(self._place.runs.iterdir()) if self._place.runs.is_dir() else []
        local = [found for path in folders if (found := self._local(path.name)) is not None]
        here = {found.run.run_id for found in local}
        others = [self._of(run) for run in self._registered.all() if run.run_id not in here]
        entries = self.entries([*local, *others])
        return sorted(entries, key=lambda entry: (entry.created, entry.id), reverse=True)

    def find(self, run_id: str) -> Found:
        """A run; one trained here counts before a registered one.

        Raises:
            NotFoundError: there is none.
        """
        return self._local(run_id) or self._of(self._registered.find(run_id))

    def read(self, run_id: str) -> Run:
        """A whole run; of a registered one's weights those of score propagation only.

        Raises:
            NotFoundError: there is none.
            ConflictError: some files have not arrived.
            InputError: files were altered.
        """
        local = self._local(run_id)
        return Run.read(local.folder) if local is not None else self._registered.read(run_id)

    def entries(self, found: list[Found]) -> list[RunEntry]:
        """What is told of some runs."""
        published = {row["id"] for row in self._place.store.read(_MODELS)}
        try:
            hashes = dict(head(self._place.store).matrix_hashes)
        except UsageError:
            hashes = {}
        return [_entry(one, published, hashes) for one in found]

    def _of(self, run: Registered) -> Found:
        return Found(run, self._place.settings.home / REGISTERED / run.run_id, is_local=False)

    def _local(self, run_id: str) -> Found | None:
        folder = self._place.runs / run_id
        try:
            config = json.loads((folder / "config.json").read_text("utf-8")) if _RUN_ID.fullmatch(run_id) else {}
        except (OSError, ValueError):
            return None
        if config.get("format") != FORMAT or config.get("run_id") != run_id:
            return None
        return Found(Registered(run_id, config, (), ()), folder, is_local=True)


def _entry(found: Found, published: set[str], hashes: dict[str, str]) -> RunEntry:
    config, test = found.run.config, (found.metrics() or {}).get("test", {})
    return RunEntry(
        id=found.run.run_id,
        features=config["features"],
        saw_pixels=config["saw_pixels"],
        cohort=config["cohort"],
        label_set=config["label_set"],
        revision=config["revision"],
        matrix_hash=config["matrix_hash"],
        created=config["created"],
        seeds=config["seeds"],
        registered=not found.is_local,
        missing=list(found.run.missing),
        published=found.run.run_id in published,
        behind=hashes.get(config["label_set"]) != config["matrix_hash"],
        test_macro_auc=test.get("macro_auc"),
    )

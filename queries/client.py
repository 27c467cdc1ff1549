"""A client of a lesionkg server: the same matrices, cohorts and results as beside the graph, over HTTP.

>>> client = Client("http://127.0.0.1:8080", token=os.environ["LESIONKG_TOKEN"])  # doctest: +SKIP
>>> matrices = client.matrices()  # doctest: +SKIP
>>> client.query("lesions-under-label", label="liver").as_dicts()  # doctest: +SKIP
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlencode

import httpx

from kg.cohort import Cohort
from kg.curation.change_set import ChangeSet
from kg.errors import InputError, UsageError
from kg.matrices import RelationMatrices
from learn.image.contralateral import Laterality
from learn.publish import PublishSummary
from learn.registered_runs import FILES, tensors_of
from learn.run import FORMAT
from learn.run_folder import read_config
from queries.client_cache import FileCache
from queries.client_http import Wire
from queries.results import Result

TIMEOUT_S = 600.0
"""Longest wait for the next bytes of an answer: publishing a large run takes minutes."""

_PIECE = 1 << 20
_T = TypeVar("_T")


class Client:
    """A lesionkg server.

    Args:
        url: its address, e.g. ``http://127.0.0.1:8080``.
        token: who asks; None where the server asks for none.
        cache: folder in which matrices and cohorts are kept, to be sent again only when they changed.
        timeout_s: longest wait for the next bytes of an answer.
        http: what sends, instead of a client of our own: for proxies or certificates.

    Every method raises :class:`kg.errors.StoreUnreachableError` when no server answers, and the error that the server
    met, of the same class as beside the graph; what the server does not have is a :class:`kg.errors.NotFoundError`.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        cache: Path | str | None = None,
        timeout_s: float = TIMEOUT_S,
        http: httpx.Client | None = None,
    ) -> None:
        self._wire = Wire(url, token, timeout_s, http)
        self._cache = FileCache(Path(cache).expanduser()) if cache is not None else None

    @property
    def url(self) -> str:
        """Address of the server."""
        return self._wire.url

    def matrices(self, revision: int | str = "latest", label_set: str = "lesanet-171") -> RelationMatrices:
        """Relation matrices of a label set at a revision."""
        return _read(RelationMatrices.load, self.matrices_file(revision, label_set))

    def matrices_file(
        self, revision: int | str = "latest", label_set: str = "lesanet-171", form: str = "safetensors"
    ) -> bytes:
        """The file of these matrices, ``safetensors`` or ``npz``."""
        asked = urlencode({"label_set": label_set, "format": form})
        return self._file(f"/api/matrices/{quote(str(revision), safe='')}?{asked}")

    def cohort(self, key: str) -> Cohort:
        """A cohort by its id, or the newest of a name."""
        return _read(Cohort.read_parquet, self.cohort_file(key))

    def cohort_file(self, key: str) -> bytes:
        """The Parquet file of a cohort."""
        return self._file(f"/api/cohorts/{quote(key, safe='')}")

    def laterality(self, revision: int | str = "latest", label_set: str = "lesanet-171") -> Laterality:
        """What a mirror image does to the labels of a set, at a revision."""
        asked = urlencode({"label_set": label_set})
        answer = self._wire.send("GET", f"/api/laterality/{quote(str(revision), safe='')}?{asked}", again=True)
        return _read(Laterality.load, answer.content)

    def query(
        self,
        name: str = "",
        cypher: str = "",
        rows: int | None = None,
        seconds: float | None = None,
        parameters: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Result:
        """Answer a named query, or free Cypher that only reads.

        Args:
            name: name of a named query; empty for free Cypher.
            cypher: free Cypher; empty for a named query.
            rows: most rows; the server's limit when None.
            seconds: less time than the server allows.
            parameters: values by name.
            more: further values, as keywords.
        """
        if bool(name) == bool(cypher):
            raise UsageError("query: give the name of a named query, or cypher=... with a free one")
        body: dict[str, Any] = {"parameters": {**(parameters or {}), **more}}
        body |= {"name": name} if name else {"cypher": cypher}
        body |= {key: value for key, value in (("rows", rows), ("seconds", seconds)) if value is not None}
        found = self._wire.send("POST", "/api/query", again=True, json=body).json()
        return Result(
            columns=tuple(found["columns"]),
            rows=tuple(tuple(row[column] for column in found["columns"]) for row in found["rows"]),
            truncated=found["truncated"],
            notes=tuple(found["notes"]),
            seconds=found["seconds"],
            memory_mb=found["memory_mb"],
        )

    def lesion(self, key: str | int) -> dict[str, Any]:
        """All that the graph knows of a lesion: the fields of :class:`queries.lesion_facts.LesionView`."""
        return self._json("GET", f"/api/lesions/{quote(str(key), safe='')}")

    def label(self, key: str) -> dict[str, Any]:
        """A label by id or preferred name: the fields of :class:`kg.card.Card`."""
        return self._json("GET", f"/api/labels/{quote(key, safe='')}")

    def impact(
        self, changes: ChangeSet | Sequence[str], cohort: str = "lesanet", label_set: str = "lesanet-171"
    ) -> dict[str, Any]:
        """What changes would do before they are kept: ``assessment`` and ``impact``, and the hashes around them.

        Args:
            changes: a change set, or lines as ``lesionkg ontology propose`` takes them.
            cohort: whose lesions are counted, or ``official``.
            label_set: whose columns are counted.
        """
        body = {**_changes(changes), "cohort": cohort, "label_set": label_set}
        return self._json("POST", "/api/changes/impact", json=body)

    def propose(
        self,
        changes: ChangeSet | Sequence[str],
        reason: str = "",
        apply: bool = False,
        overrides: Mapping[str, str] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Propose changes; who the token belongs to answers for them. Never sent twice by itself.

        Args:
            changes: as :meth:`impact`.
            reason: why; a change set may hold its own.
            apply: accept and apply them at once.
            overrides: reasons for going against warnings, by rule.
            options: ``source``, ``base``, ``draft``, ``impact``, ``label_set``.
        """
        body = {**_changes(changes), "reason": reason, "apply": apply, "overrides": dict(overrides or {}), **options}
        return self._json("POST", "/api/changes", again=False, json=body)

    def runs(self) -> list[dict[str, Any]]:
        """All runs that the server knows, the newest first."""
        found: list[dict[str, Any]] = self._wire.send("GET", "/api/runs", again=True).json()
        return found

    def register_run(self, folder: Path | str) -> dict[str, Any]:
        """Register a run and send what its folder holds, but for the weights; what is there already is not sent.

        Args:
            folder: as training left it.

        Returns:
            The run as the server tells it.

        Raises:
            InputError: it is no whole run.
            ConflictError: the server has another run under this id.
        """
        folder = Path(folder)
        config = _config(folder)
        body = {"config": config, "weights": [one.as_dict() for one in tensors_of(folder)]}
        entry = self._json("POST", "/api/runs", json=body)
        for name in (name for name in FILES if name in entry["missing"]):
            path = folder / name
            self._wire.send(
                "PUT",
                f"/api/runs/{config['run_id']}/files/{name}",
                again=True,
                headers={"Content-Length": str(path.stat().st_size), "Content-Type": "application/octet-stream"},
                content=partial(_pieces, path),
            )
        return self._json("GET", f"/api/runs/{config['run_id']}")

    def publish(self, run_id: str, min_weight: float | None = None) -> tuple[PublishSummary, int]:
        """Write a registered run into the graph, as :func:`learn.publish.publish` does.

        Returns:
            What is in the graph for it, and how many of its correlations curators decided about before.
        """
        found = self._json("POST", f"/api/runs/{quote(run_id, safe='')}/publish", json={"min_weight": min_weight})
        decided = int(found.pop("decided"))
        return PublishSummary(**found), decided

    def close(self) -> None:
        """Release the connections."""
        self._wire.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _json(self, method: str, path: str, again: bool = True, **options: Any) -> dict[str, Any]:
        found: dict[str, Any] = self._wire.send(method, path, again, **options).json()
        return found

    def _file(self, path: str) -> bytes:
        address = f"{self._wire.url}{path}"
        kept = self._cache.find(address) if self._cache else None
        headers = {"If-None-Match": kept[0]} if kept else {}
        answer = self._wire.send("GET", path, again=True, headers=headers)
        if kept and answer.status_code == 304:
            return kept[1]
        if self._cache:
            self._cache.keep(address, answer.headers["ETag"], answer.content)
        return answer.content


def _changes(changes: ChangeSet | Sequence[str]) -> dict[str, Any]:
    if isinstance(changes, ChangeSet):
        return {"change_set": changes.as_dict()}
    return {"lines": [changes] if isinstance(changes, str) else list(changes)}


def _config(folder: Path) -> dict[str, Any]:
    """The configuration of a run whose files are those that were written."""
    try:
        return read_config(folder, FORMAT)
    except (OSError, ValueError, KeyError, InputError) as error:
        raise InputError(f"{folder}: not a whole run ({error}); give a run's folder, or train again") from error


def _read(read: Callable[[Path], _T], content: bytes) -> _T:
    """What a file with this content holds."""
    with tempfile.TemporaryDirectory(prefix="lesionkg-") as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        return read(path)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece

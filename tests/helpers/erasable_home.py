"""A data folder in which one patient is everywhere, and erasures of him that are killed at chosen points."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from killed_apply import dying
from small_release import first_lesions

from ingest.images.geometry import PatchGeometry
from ingest.images.patch_cache import write_cache
from ingest.load import load_deeplesion
from ingest.marks import load_marks
from ingest.mining.pipeline import MiningOptions, mine_reports
from ingest.reports.read import read_reports
from ingest.vault import Vault
from kg.connect import open_store
from kg.curation.pending import Pending, PendingChanges
from kg.curation.proposal_tables import open_curation
from kg.graph_cohort import load_cohort
from kg.graph_ontology import save_ontology
from kg.shipped import load_shipped
from learn.run_folder import write_folder
from lesionkg.mining import miner_for
from lesionkg.server.audit import Action, Audit
from lesionkg.server.people import local_user
from queries.history import QueryHistory
from queries.saved import SavedQueries

LESION = "DL:00021"
"""The one labelled lesion of DeepLesion's patient :data:`PATIENT`, which the table of marks gives to :data:`REAL`."""
PATIENT = "DL:P0006"
OTHER = "DL:00014"
REAL = "HOSPITAL-4711"
TEXT = "FINDINGS:\nThe spiculated nodule of an unusually cheerful gardener (series 4, image 61).\n"
RUN = "metadata-0123456789"
SIZE = 16

KILLS = {
    "patches moved": ("ingest.erasure_patches", "finish_cache", False),
    "predictions named": ("lesionkg.erasure.runs", "_take_place", False),
    "graph emptied": ("lesionkg.erasure.erase", "erase_from_graph", True),
    "folder aside": ("kg.erasure_folder", "_take_place", False),
    "identifiers gone": ("lesionkg.erasure.erase", "erase_identifiers", True),
}
"""Where to die: before a function is called, or (True) right after it did its work."""

SCRIPT = "import sys; from erasable_home import main; main(*sys.argv[1:])"


def make_home(home: Path) -> None:
    """Fill a data folder; :data:`REAL` has a report, a lesion of his own, and DeepLesion's :data:`LESION`."""
    home.mkdir()
    beside = home.parent
    marks = beside / "marks.csv"
    marks.write_text(
        "patient,study,series,image,lesion,long_mm,short_mm\n"
        f"{REAL},ACC-900001,4,61,{LESION},22,19\n{REAL},ACC-900001,4,84,,24,21\nHOSPITAL-0815,ACC-900002,2,9,,10,9\n",
        encoding="utf-8",
    )
    reports = beside / "reports.csv"
    reports.write_text(
        "report_id,patient,study,date,text\n"
        f'REPORT-55501,{REAL},ACC-900001,2020-02-03,"{TEXT}"\n'
        'REPORT-55502,HOSPITAL-0815,ACC-900002,2020-02-04,"FINDINGS:\nLiver cyst (series 2, image 9)."\n',
        encoding="utf-8",
    )
    # Exclusions are nine tenths of the graph, and say nothing about patients.
    ontology = replace(load_shipped(), exclusive_groups=(), exclusive_pairs=(), exceptions=())
    with open_store(home / "graph") as store, Vault(home / "vault.db") as vault:
        save_ontology(store, ontology)
        cohort = load_cohort(store, load_deeplesion(store, first_lesions(200)).cohort)
        load_marks(store, vault, marks)
        mined = mine_reports(
            store, vault, read_reports(reports), miner_for(ontology), ontology.content_hash, MiningOptions()
        )
        assert mined.linked == 2
        store.write_transaction(
            lambda tx: tx.run(
                "MATCH (r:Revision {head: true}) SET r.reason = $text", {"text": f"after a look at {LESION}, {OTHER}"}
            )
        )
    with open_curation(home) as database:
        Audit(database).record(local_user(), Action.LESION, LESION, looked="twice")
        history = QueryHistory(database)
        history.add("anna", "similar-lesions", "", {"lesion": LESION}, "5 rows")
        history.add("anna", "", f"MATCH (p:Patient {{id: '{PATIENT}'}}) RETURN p.id", {}, f"refused near {REAL}")
        pending = PendingChanges(database, "a graph")
        pending.keep("anna", Pending(1, (f"create synonym 'as in {LESION}' for 'lung'",), f"see {PATIENT}", LESION))
    ids = cohort.table["lesion"].to_pylist()
    assert LESION in ids
    _write_files(home, ids)
    cohort.write_parquet(home / "exports" / "cohort.parquet")
    _write_run(home, cohort.id, ids)


def _write_files(home: Path, ids: list[str]) -> None:
    pixels = np.arange(len(ids) * 3 * SIZE**2, dtype="<i2").reshape(-1, 3, SIZE, SIZE)
    geometry = PatchGeometry(size=SIZE, spacing_mm=2.0)
    write_cache(home / "patches", geometry, ids, pixels, np.zeros((len(ids), 4)))
    (home / "patches" / "problems.csv").write_text(f"lesion,reason\n{LESION},x\n{OTHER},y\n", encoding="utf-8")
    exports, queries = home / "exports", home / "queries"
    exports.mkdir()
    queries.mkdir()
    saved = SavedQueries(queries)
    text = f"// param lesion: lesion = {LESION} -- his\nMATCH (l:Lesion {{id: $lesion}}) RETURN l.id AS id ORDER BY id"
    saved.save("one-lesion", f"Lesion {LESION}", text, "anna", f"What of {PATIENT}?")
    (queries / "mine.cypher").write_text(f"MATCH (l:Lesion {{id: '{LESION}'}}) RETURN l.id", encoding="utf-8")
    (exports / "rows.csv").write_text(f'lesion,note\n{LESION},"a\nb"\n{OTHER},c\n', encoding="utf-8")
    (exports / "rows.json").write_text(json.dumps({"rows": [[LESION, 1], [OTHER, 2]]}), encoding="utf-8")
    (exports / "rows.jsonl").write_text(f'{{"l":"{LESION}"}}\n{{"l":"{OTHER}"}}\n', encoding="utf-8")
    (exports / f"{LESION.replace(':', '-')}.html").write_text(f"<p>{LESION}</p>", encoding="utf-8")
    pq.write_table(pa.table({"a": [[LESION], [OTHER]], "n": [1, 2]}), exports / "rows.parquet")
    np.savez_compressed(exports / "rows.npz", lesions=np.array([LESION, OTHER]))
    (exports / "page.gz").write_bytes(gzip.compress(TEXT.encode()))
    (home / "vault-notes.txt").write_text(f"{REAL} was here, HOSPITAL-47110 too", encoding="utf-8")


def _write_run(home: Path, cohort: str, ids: list[str]) -> None:
    def files(folder: Path) -> None:
        table = pa.table({"lesion": ids, "split": ["test"] * len(ids), "score": [[0.5]] * len(ids)})
        pq.write_table(table, folder / "predictions.parquet")
        (folder / "per_label.csv").write_text("label,auc\n", encoding="utf-8")

    config = {"format": "lesionkg-run/1", "run_id": RUN, "cohort": cohort}
    write_folder(home / "runs" / RUN, files, config)


def everything(folder: Path) -> bytes:
    """All bytes below a folder, with names, and what is in packed files."""
    out = io.BytesIO()
    for path in sorted(folder.rglob("*")):
        out.write(f"{path.relative_to(folder)}\n".encode())
        if path.is_file():
            out.write(path.read_bytes())
    return out.getvalue()


def killed(home: Path, point: str) -> None:
    """Erase the patient in a process that is killed at a point."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(home), point], env=environment, capture_output=True, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


def main(home: str, point: str) -> None:
    """Erase, and die at the point."""
    import importlib

    from lesionkg.cli.app import run

    module, name, after = KILLS[point]
    where: Any = importlib.import_module(module)
    setattr(where, name, dying(getattr(where, name), after))
    run(["erase", PATIENT, "--yes", "--home", home])

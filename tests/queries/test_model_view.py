"""Models: what run folders and the graph tell of them, and whether they are behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from real_graph import ADDED, World

from kg.errors import InputError, UsageError
from kg.store import GraphStore
from learn.metrics import precision_at, precision_recall
from learn.run_folder import write_folder, write_json
from queries.ablations import read_ablations
from queries.model_view import Currency, differences, list_models, read_model, since
from queries.run_curves import read_curves
from queries.run_files import RunFiles

RUN = "metadata-0123456789"
PER_LABEL = (
    "label_id,name,label_class,train_positives,val_positives,test_positives,auc,auc_low,auc_high,precision,recall,f1,"
    "threshold,evidence,paper_precision,paper_recall,paper_f1\n"
    "LKG:0000003,liver,bodypart,250,179,203,0.9,0.85,0.95,0.7,0.6,0.65,0.5,sufficient,1,1,1\n"
    "LKG:0000017,lesser sac,bodypart,3,1,1,,,,,,,,insufficient,,,\n"
)


def write_run(home: Path, world: World, run_id: str = RUN, auc: float = 0.8, **config: Any) -> Path:
    """A run's folder as training writes it, around the newer synthetic model."""
    run = world.run

    def files(folder: Path) -> None:
        interval = {"low": auc - 0.01, "high": auc + 0.01}
        split = {"lesions": 5, "patients": 2, "macro_auc": auc, "macro_auc_interval": interval, "groups": []}
        write_json(folder / "metrics.json", {"val": split, "test": split})
        (folder / "per_label.csv").write_text(PER_LABEL)
        (folder / "model_card.md").write_text("# Model card\n")
        table = {
            "lesion": list(run.lesions),
            "split": run.split.tolist(),
            "score": list(run.score),
            "probability": list(run.probability),
        }
        pq.write_table(pa.table(table), folder / "predictions.parquet")

    matrices = world.matrices
    stored = {
        "format": "lesionkg-run/1",
        "run_id": run_id,
        "features": "metadata",
        "saw_pixels": False,
        "seeds": [0, 1],
        "cohort": world.cohort.id,
        "label_set": matrices.label_set,
        "label_ids": list(matrices.label_ids),
        "revision": matrices.revision,
        "matrix_hash": matrices.matrix_hash,
        "created": "2026-11-01T10:00:00+00:00",
        "recipe": {"width": 24},
    }
    return write_folder(home / "runs" / run_id, files, {**stored, **config})


def test_models_of_the_graph_are_current_or_behind(world: World, store: GraphStore, tmp_path: Path) -> None:
    found = {model.id: model for model in list_models(store, tmp_path)}
    assert set(found) == {world.run.run_id, world.old_run.run_id}
    assert found[world.run.run_id].currency is Currency.CURRENT
    assert found[world.old_run.run_id].currency is Currency.BEHIND
    assert all(model.published and model.folder is None and model.auc == 0.5 for model in found.values())
    with pytest.raises(UsageError, match="none of this name"):
        read_model(store, tmp_path, "../graph")


def test_a_folder_tells_figures_labels_and_card(world: World, store: GraphStore, tmp_path: Path) -> None:
    write_run(tmp_path, world)
    (tmp_path / "runs" / f"{RUN}.training").mkdir()
    page = read_model(store, tmp_path, RUN)
    model = page.summary
    assert (model.auc, model.auc_interval, model.published) == (0.8, (0.8 - 0.01, 0.8 + 0.01), False)
    assert (model.currency, model.sight, model.synthetic) == (Currency.CURRENT, "saw no pixels", False)
    assert [(f.name, f.value) for f in page.figures["test"]] == [("macro AUC", 0.8)]
    liver, sac = page.labels
    assert (liver.sufficient, liver.positives["test"], liver.figures["f1"]) == (True, 203, 0.65)
    assert (sac.sufficient, sac.figures["auc"]) == (False, None)
    assert page.card == "# Model card\n" and page.recipe == {"width": 24}
    assert RunFiles(tmp_path / "runs" / RUN).log() == []
    write_run(tmp_path, world, "metadata-abcdefabcd", auc=0.75)
    (one,) = differences(page, read_model(store, tmp_path, "metadata-abcdefabcd"), "test")
    assert one[2] == pytest.approx(-0.05)


def test_a_run_on_other_relations_is_behind_and_one_on_unknown_labels_is_not_known(
    world: World, store: GraphStore, tmp_path: Path
) -> None:
    write_run(tmp_path, world, "metadata-00000000aa", matrix_hash=world.old_run.matrices.matrix_hash)
    write_run(tmp_path, world, "metadata-00000000bb", label_set="elsewhere")
    found = {model.id: model.currency for model in list_models(store, tmp_path)}
    assert found["metadata-00000000aa"] is Currency.BEHIND
    assert found["metadata-00000000bb"] is Currency.UNKNOWN
    assert ADDED[0] in world.matrices.names


def test_an_altered_file_is_told_and_the_other_runs_stay(world: World, store: GraphStore, tmp_path: Path) -> None:
    good, bad = write_run(tmp_path, world), write_run(tmp_path, world, "metadata-00000000cc")
    (bad / "metrics.json").write_text(json.dumps({"test": {"macro_auc": 0.99}}))
    found = {model.id: model for model in list_models(store, tmp_path)}
    assert "metrics.json is not the file that was written" in found[bad.name].problem
    assert found[bad.name].auc is None and found[good.name].problem == ""
    with pytest.raises(InputError, match=r"metrics\.json is not the file"):
        read_model(store, tmp_path, bad.name)


def test_curves_are_those_of_the_metrics(world: World, store: GraphStore, tmp_path: Path) -> None:
    curves = read_curves(store, RunFiles(write_run(tmp_path, world)))
    test = world.rows("test") & np.asarray(world.cohort.relevant_matrix().sum(axis=1) > 0).ravel()
    row_of = {lesion: row for row, lesion in enumerate(world.run.lesions)}
    ids = [lesion for lesion in world.ids(test) if lesion in row_of]
    assert curves.lesions == len(ids)
    of = {lesion: row for row, lesion in enumerate(world.cohort.table["lesion"].to_pylist())}
    rows = [of[lesion] for lesion in ids]
    truth = world.cohort.relevant_matrix().toarray()[rows]
    used = truth | ~world.cohort.uncertain_matrix().toarray()[rows]
    score = world.run.score[[row_of[lesion] for lesion in ids]]
    half = precision_at(*precision_recall(truth, score, used), np.array([0.5]))
    ((x, y),) = [point for point in curves.precision_recall[0].points if point[0] == 0.5]
    assert (x, y) == (0.5, pytest.approx(float(np.nanmean(half)), abs=1e-4))


def test_what_changed_needs_the_revision_it_was_trained_on(world: World, store: GraphStore, tmp_path: Path) -> None:
    model = next(one for one in list_models(store, tmp_path) if one.id == world.old_run.run_id)
    with pytest.raises(UsageError, match="revision 0: there is none"):
        since(store, model)


def test_ablation_tables_are_read_and_other_files_passed_over(tmp_path: Path) -> None:
    head = 'row,name,runs,"AUC, mean","AUC, sd"\n'
    (tmp_path / "one.csv").write_text(f"{head}full,Full,metadata-1 metadata-2,0.9,0.01\nx,X,,,\n")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (table,) = read_ablations(tmp_path)
    assert (table.name, table.figures) == ("one", ("AUC",))
    assert table.rows[0].runs == ("metadata-1", "metadata-2") and table.rows[0].figures == ((0.9, 0.01),)
    assert table.rows[1].figures == ((None, None),)
    (tmp_path / "short.csv").write_text(f"{head}full,Full\n")
    with pytest.raises(InputError, match=r"short\.csv"):
        read_ablations(tmp_path)

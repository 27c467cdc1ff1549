"""``lesionkg train --features image`` on real lesions and labels with made (synthetic) patches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_release import first_lesions

from ingest.images.geometry import PatchGeometry
from ingest.images.patch_cache import write_cache
from ingest.load import load_deeplesion
from kg.connect import open_store
from kg.errors import InputError, UsageError
from kg.graph_ontology import save_ontology
from kg.ontology import Ontology, SoftKind, SoftRelation
from kg.shipped import load_shipped
from learn.image.recipe import ImageRecipe, Optimiser
from learn.run import Run
from lesionkg.cli.app import run
from lesionkg.cli.train import changed_settings, image_recipe

TINY = {
    "width": 0.0625,
    "features": 8,
    "embedding": 8,
    "epochs": 1,
    "batch": 16,
    "triplets": 50,
    "rhem_pairs": 50,
    "milestones": [],
}


def with_sides(ontology: Ontology) -> Ontology:
    """The ontology with the lungs as partners."""
    ids = [ontology.by_name[name].id for name in ("left lung", "right lung")]
    said = SoftRelation(ids[0], SoftKind.CONTRALATERAL_OF, ids[1], "test")
    return replace(ontology, soft_relations=(*ontology.soft_relations, said))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the ontology, 1,000 real lesions, made patches of all of them, and a recipe."""
    folder = tmp_path_factory.mktemp("home")
    release = first_lesions(1000)
    with open_store(folder / "graph") as store:
        save_ontology(store, with_sides(load_shipped()))
        load_deeplesion(store, release)
    draw = np.random.default_rng(0)
    names = [f"DL:{index:05d}" for index in release.lesions["index"].to_pylist()]
    pixels = draw.integers(8000, 9000, (len(names), 3, 32, 32)).astype(np.int16)
    boxes = np.tile(np.array([8, 8, 23, 23], np.float32), (len(names), 1))
    write_cache(folder / "patches", PatchGeometry(size=32, spacing_mm=2), names, pixels, boxes)
    (folder / "tiny.json").write_text(json.dumps(TINY))
    return folder


def test_training_on_patches_leaves_a_run_that_says_it_saw_pixels(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = ["--recipe", str(home / "tiny.json"), "--set", "seed=3", "--set", "augmentation=lateral"]
    assert run(["train", "--features", "image", "--home", str(home), "--json", *recipe]) == 0
    printed = capsys.readouterr()
    assert "CONTRALATERAL_OF" not in printed.err
    told = json.loads(printed.out)
    assert told["saw_pixels"] is True
    assert told["seeds"] == [3]
    assert 0 < told["metrics"]["test"]["macro_auc"] < 1
    written = Run.read(home / "runs" / told["run"])
    assert written.geometry == PatchGeometry(size=32, spacing_mm=2)
    assert isinstance(written.recipe, ImageRecipe)
    assert written.recipe.batch == 16
    log = home / "runs" / f"{told['run']}.training" / "log" / "log.csv"
    assert len(log.read_text().splitlines()) > 2


def test_without_patches_it_says_how_to_build_them(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--home", str(home), "--patches", str(home / "nowhere")]
    assert run(["train", "--features", "image", *options]) == 1
    assert "lesionkg ingest images" in capsys.readouterr().err


def test_a_recipe_is_one_by_name_or_a_file_with_settings_changed_on_the_way(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('{"width": 0.5}')
    assert image_recipe(None, ()) == ImageRecipe()
    assert image_recipe("modern", ["epochs=3"]).optimiser is Optimiser.ADAMW
    changed = image_recipe(str(tmp_path / "mine.json"), ["milestones=[2,4]", "optimiser=adamw", "average=0.9"])
    assert (changed.width, changed.milestones, changed.average) == (0.5, (2, 4), 0.9)


@pytest.mark.parametrize(
    ("recipe", "changes", "error", "said"),
    [
        pytest.param("papper", [], UsageError, "no such recipe", id="name"),
        pytest.param("nowhere.json", [], InputError, "not a JSON recipe", id="file"),
        pytest.param("paper", ["epoch=3"], InputError, "unknown setting 'epoch'", id="setting"),
        pytest.param("paper", ["epochs=many"], InputError, "not a whole number", id="kind"),
        pytest.param("paper", ["epochs"], UsageError, "give NAME=VALUE", id="no value"),
    ],
)
def test_options_that_are_wrong_are_refused_in_one_line(
    recipe: str, changes: list[str], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        image_recipe(recipe, changes)


def test_values_are_json_or_plain_words() -> None:
    assert changed_settings(["a=1", "b=true", "c=word", "d=[1]"]) == {"a": 1, "b": True, "c": "word", "d": [1]}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(["--features", "pixels"], "give 'metadata' or 'image'", id="features"),
        pytest.param(["--features", "image", "--seeds", "1,2"], "--set seed=3", id="seeds"),
        pytest.param(["--features", "image", "--device", "tpu"], "give auto, cpu or cuda", id="device"),
        pytest.param(["--features", "image", "--restart", "--resume", "x.safetensors"], "give one", id="restart"),
    ],
)
def test_options_that_do_not_go_together_are_usage_errors(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "--home", str(tmp_path), *options]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
def test_torchrun_trains_one_network_with_two_processes_of_which_one_opens_the_graph(home: Path) -> None:
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "lesionkg"]
    recipe = ["--recipe", str(home / "tiny.json"), "--set", "batch=8", "--device", "cpu", "--json"]
    done = subprocess.run(
        [*start, "train", "--features", "image", "--home", str(home), *recipe],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert (home / "runs" / told["run"] / "weights.safetensors").is_file()

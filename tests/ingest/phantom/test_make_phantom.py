"""A synthetic set: whole, readable as DeepLesion is, and reported as incompletely as the real one."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ingest.phantom.label_sets import LabelPool, ReleaseRates
from ingest.phantom.make import (
    FOLLOW_UPS_FILE,
    HAND_LABELS_FILE,
    IMAGES,
    LABEL_SET,
    TRUTH_FILE,
    Phantom,
    make_phantom,
)
from ingest.release import INFO_FILE, LABELS_FILE, PHANTOM, PHANTOM_MANIFEST, Release
from kg.cohort import Cohort
from kg.errors import InputError, UsageError
from kg.matrices import RelationMatrices, multi_hot
from kg.shipped import load_shipped

LESIONS = 240


@pytest.fixture(scope="module")
def matrices() -> RelationMatrices:
    return RelationMatrices.from_ontology(load_shipped(), LABEL_SET)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Phantom:
    return make_phantom(tmp_path_factory.mktemp("made") / "set", LESIONS, seed=5)


@pytest.fixture(scope="module")
def folder(made: Phantom) -> Path:
    return Path(made.folder)


@pytest.fixture(scope="module")
def release(folder: Path) -> Release:
    return Release.read_phantom(folder)


@pytest.fixture(scope="module")
def cohort(release: Release, matrices: RelationMatrices) -> Cohort:
    return release.cohort(matrices)


@pytest.fixture(scope="module")
def complete(folder: Path) -> list[list[int]]:
    """The complete label columns of each lesion."""
    labels: list[list[int]] = json.loads((folder / TRUTH_FILE).read_text())["labels"]
    return labels


def test_it_reads_back_as_a_release_that_says_it_is_synthetic(release: Release, cohort: Cohort) -> None:
    assert release.origin is PHANTOM and release.origin.synthetic
    assert release.lesions.num_rows == release.labels.size == cohort.size == LESIONS
    assert cohort.name == "phantom"
    assert all(lesion.startswith("PHANTOM:") for lesion in cohort.table["lesion"].to_pylist())


def test_its_manifest_says_what_it_is(folder: Path, made: Phantom) -> None:
    manifest = json.loads((folder / PHANTOM_MANIFEST).read_text())
    assert manifest["synthetic"] is True
    assert (manifest["lesions"], manifest["seed"], manifest["follow_ups"]) == (LESIONS, 5, made.follow_ups)
    assert manifest["rates"]["missing_percent"] == made.rates.missing_percent


def test_every_slice_is_a_16_bit_picture_in_the_range_of_ct(folder: Path, made: Phantom) -> None:
    files = sorted((folder / IMAGES).rglob("*.png"))
    assert len(files) == made.slices
    for file in files:
        header = file.read_bytes()[:26]
        assert header[24:26] == b"\x10\x00", "16 bits, grey"
    for file in files[::20]:
        hu = np.asarray(Image.open(file)).astype(int) - 32768
        assert hu.shape == (192, 192)
        assert hu.min() >= -1024 and hu.max() <= 3071
        assert -1010 < np.median(hu[:5]) < -990, "air around the body"
        assert 0.15 < (hu > -200).mean() < 0.6, "a body within"


def test_the_slices_that_a_patch_needs_are_there(folder: Path, release: Release) -> None:
    for row in release.lesions.to_pylist():
        series, key = row["file"].rsplit("_", 1)
        assert int(key.removesuffix(".png")) == row["key_slice"]
        reach = 2 / row["slice_mm"]
        wanted = {row["key_slice"] + side * whole for side in (-1, 1) for whole in (int(reach), int(np.ceil(reach)))}
        low, high = row["slice_range"]
        assert low <= min(wanted) and max(wanted) <= high
        for number in range(low, high + 1):
            assert (folder / IMAGES / series / f"{number:03d}.png").is_file()


def test_boxes_and_measurements_lie_on_the_lesion(folder: Path, release: Release) -> None:
    for row in release.lesions.to_pylist():
        x1, y1, x2, y2 = row["box"]
        assert -1e-6 <= x1 < x2 <= 191 and -1e-6 <= y1 < y2 <= 191
        ends = np.reshape(row["measurement"], (4, 2))
        lengths = np.linalg.norm(ends[::2] - ends[1::2], axis=1) * row["spacing_mm"]
        assert lengths == pytest.approx([row["long_mm"], row["short_mm"]], rel=1e-3)
        assert row["long_mm"] >= row["short_mm"]
        inside = (ends >= [x1 - 3, y1 - 3]) & (ends <= [x2 + 3, y2 + 3])
        assert inside.all()


def test_a_bright_lesion_is_bright_inside_its_box(
    folder: Path, release: Release, complete: list[list[int]], matrices: RelationMatrices
) -> None:
    column = matrices.names.index("sclerotic")
    rows = [row for row, labels in zip(release.lesions.to_pylist(), complete, strict=True) if column in labels]
    assert rows
    for row in rows:
        series, key = row["file"].rsplit("_", 1)
        hu = np.asarray(Image.open(folder / IMAGES / series / key)).astype(int) - 32768
        x, y = np.rint(np.reshape(row["measurement"], (4, 2)).mean(0)).astype(int)
        assert hu[y - 1 : y + 2, x - 1 : x + 2].max() > 200


def test_splits_share_no_patient_and_have_their_shares(cohort: Cohort) -> None:
    table = cohort.table
    patients = {split: set(cohort.subset(split).table["patient"].to_pylist()) for split in ("train", "val", "test")}
    assert not (patients["train"] & patients["val"] | patients["train"] & patients["test"])
    assert not patients["val"] & patients["test"]
    shares = [cohort.subset(split).size / cohort.size for split in ("train", "val", "test")]
    assert shares == pytest.approx([0.7, 0.15, 0.15], abs=0.04)
    assert table["split"].to_pylist() == table["official_split"].to_pylist()


def test_follow_ups_are_one_lesion_in_two_studies_of_one_patient(
    folder: Path, release: Release, made: Phantom, complete: list[list[int]]
) -> None:
    with (folder / FOLLOW_UPS_FILE).open(newline="") as file:
        pairs = [(int(r["lesion_idx_a"]), int(r["lesion_idx_b"])) for r in csv.DictReader(file)]
    assert len(pairs) == made.follow_ups > LESIONS / 5
    rows = release.lesions.to_pylist()
    for a, b in pairs:
        assert rows[a]["patient"] == rows[b]["patient"] and rows[a]["study"] < rows[b]["study"]
        assert complete[a] == complete[b]
        assert abs(rows[a]["z"] - rows[b]["z"]) < 0.03
        assert 0.3 < rows[a]["long_mm"] / rows[b]["long_mm"] < 3


def test_complete_label_sets_are_real_and_break_no_relation(
    complete: list[list[int]], matrices: RelationMatrices
) -> None:
    assert len(complete) == LESIONS
    assert matrices.coherent(multi_hot(complete, matrices.size)).all()
    real = {tuple(np.flatnonzero(row)) for row in LabelPool.shipped(matrices).sets}
    assert {tuple(labels) for labels in complete} <= real


def test_released_labels_are_true_but_not_all(
    cohort: Cohort, complete: list[list[int]], matrices: RelationMatrices
) -> None:
    truth = multi_hot(complete, matrices.size).toarray()
    listed = cohort.positive_matrix().toarray()
    assert listed.any(axis=1).all(), "every lesion keeps a label"
    assert not (listed & ~truth).any()
    assert (truth & ~listed).sum() > 0.3 * truth.sum()


def test_labels_are_left_out_and_inferred_at_the_real_rates(matrices: RelationMatrices) -> None:
    pool = LabelPool.shipped(matrices)
    sets = pool.draw(np.random.SeedSequence(9))
    complete = [next(sets) for _ in range(4000)]
    rng = np.random.default_rng(9)
    released = [relevant + uncertain for relevant, uncertain in (pool.release(labels, rng) for labels in complete)]
    rates = ReleaseRates.measured(complete, released, pool)
    assert rates.missing_percent == pytest.approx(100 * 2.38 / 5.36, abs=1.5)
    assert rates.inferred_percent == pytest.approx(39.97, abs=1.5)


def test_hand_labels_are_the_complete_ones_of_test_lesions(
    folder: Path, cohort: Cohort, complete: list[list[int]], matrices: RelationMatrices
) -> None:
    hand = json.loads((folder / HAND_LABELS_FILE).read_text())
    assert [entry["lesion_idx"] for entry in hand] == cohort.subset("test").table["index"].to_pylist()
    for entry in hand:
        assert entry["text"] == ""
        assert [matrices.names.index(term) for term in entry["expanded_terms"]] == complete[entry["lesion_idx"]]


def test_rare_labels_are_not_too_rare_to_learn(matrices: RelationMatrices) -> None:
    pool = LabelPool.shipped(matrices)
    sets = pool.draw(np.random.SeedSequence(1))
    counts = multi_hot([next(sets) for _ in range(1000)], matrices.size).sum(axis=0)
    assert counts.min() >= 3


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(tmp_path: Path) -> None:
    sets = [make_phantom(tmp_path / name, 20, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    content = [
        {str(file.relative_to(one.folder)): file.read_bytes() for file in sorted(Path(one.folder).rglob("*.*"))}
        for one in sets
    ]
    assert content[0] == content[1]
    assert content[0][LABELS_FILE] != content[2][LABELS_FILE]
    assert content[0][INFO_FILE] != content[2][INFO_FILE]


@pytest.mark.parametrize(("lesions", "seed"), [(19, 0), (32_736, 0), (20, -1)])
def test_numbers_out_of_range_are_refused(tmp_path: Path, lesions: int, seed: int) -> None:
    with pytest.raises(UsageError, match="phantom: "):
        make_phantom(tmp_path / "set", lesions, seed)
    assert not (tmp_path / "set").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(UsageError, match="not an empty folder"):
        make_phantom(tmp_path, 20)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_a_set_that_was_not_finished_is_not_read(tmp_path: Path) -> None:
    make_phantom(tmp_path / "set", 20)
    (tmp_path / "set" / PHANTOM_MANIFEST).unlink()
    with pytest.raises(InputError, match="not a phantom set"):
        Release.read_phantom(tmp_path / "set")

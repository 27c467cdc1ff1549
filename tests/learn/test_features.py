"""Metadata features of real lesions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from kg.cohort import COHORT_SCHEMA, Cohort
from kg.errors import TrainingError
from learn.features import RAW_NAMES, MetadataFeatures, raw_columns
from learn.recipe import Recipe


@pytest.fixture(scope="module")
def rows(cohort: Cohort) -> pa.Table:
    train = cohort.subset("train")
    return train.filter(train.has_metadata).table


@pytest.fixture(scope="module")
def fitted(rows: pa.Table) -> MetadataFeatures:
    return MetadataFeatures.fit(rows, Recipe().frequencies, midline=True)


def replaced(rows: pa.Table, name: str, values: list[object] | pa.Array) -> pa.Table:
    column = values if isinstance(values, pa.Array) else pa.array(values, COHORT_SCHEMA.field(name).type)
    return rows.set_column(rows.column_names.index(name), name, column)


def test_every_feature_of_the_2717_training_lesions_has_a_name_and_a_finite_value(
    rows: pa.Table, fitted: MetadataFeatures
) -> None:
    features = fitted.transform(rows)
    assert features.shape == (2717, len(fitted.names))
    assert len(set(fitted.names)) == len(fitted.names)
    assert np.isfinite(features).all()
    raw = features[:, : len(RAW_NAMES)]
    assert np.abs(raw).max() <= 5
    assert np.abs(raw.mean(axis=0)).max() < 0.1  # not exactly 0: clipped


def test_coarse_lesion_type_is_no_column_of_a_cohort_and_changes_no_feature(
    rows: pa.Table, fitted: MetadataFeatures
) -> None:
    assert not [name for name in COHORT_SCHEMA.names if "coarse" in name or "type" in name]
    expected = fitted.transform(rows)
    for value in (1, 8, -1):
        with_type = rows.append_column("coarse_type", pa.array([value] * rows.num_rows))
        assert np.array_equal(fitted.transform(with_type), expected)


def test_labels_splits_and_identities_change_no_feature(rows: pa.Table, fitted: MetadataFeatures) -> None:
    other = rows
    for name in ("relevant", "uncertain", "irrelevant"):
        other = replaced(other, name, [[0, 1]] * rows.num_rows)
    for name in ("split", "official_split", "lesion", "patient", "study", "series"):
        other = replaced(other, name, ["x"] * rows.num_rows)
    assert np.array_equal(fitted.transform(other), fitted.transform(rows))


def test_a_lesions_features_do_not_depend_on_the_lesions_beside_it(rows: pa.Table, fitted: MetadataFeatures) -> None:
    assert np.array_equal(fitted.transform(rows.slice(100, 7)), fitted.transform(rows)[100:107])


def test_means_and_deviations_come_from_the_lesions_it_was_fitted_on(
    cohort: Cohort, rows: pa.Table, fitted: MetadataFeatures
) -> None:
    both = pa.concat_tables([rows, cohort.subset("test").table])
    refitted = MetadataFeatures.fit(both.filter(pc.is_valid(both["x"])), Recipe().frequencies, midline=True)
    assert not np.allclose(refitted.centre, fitted.centre)
    np.testing.assert_allclose(fitted.centre, np.nanmean(raw_columns(rows), axis=0), rtol=1e-9)


def test_an_unknown_value_takes_the_training_median(rows: pa.Table, fitted: MetadataFeatures) -> None:
    some = rows.slice(0, 20)
    unknown = replaced(replaced(some, "age", [None] * 20), "sex", [None] * 20)
    median = float(np.median([age for age in rows["age"].to_pylist() if age is not None]))
    male = sorted(sex == "M" for sex in rows["sex"].to_pylist())[rows.num_rows // 2]
    known = replaced(replaced(some, "age", [median] * 20), "sex", ["M" if male else "F"] * 20)
    np.testing.assert_allclose(fitted.transform(unknown), fitted.transform(known), atol=1e-6)


def test_acquisition_facts_that_are_absent_or_impossible_count_as_unknown(
    rows: pa.Table, fitted: MetadataFeatures
) -> None:
    some = rows.slice(0, 20)
    for interval in (None, 0.0, -1.0):
        assert np.isfinite(fitted.transform(replaced(some, "slice_mm", [interval] * 20))).all()
    for name in ("box", "measurement", "window", "slice_range", "image_size", "key_slice", "spacing_mm"):
        assert np.isfinite(fitted.transform(replaced(some, name, [None] * 20))).all()


@pytest.mark.parametrize("name", ["x", "z", "long_mm"])
def test_a_lesion_without_location_or_size_is_refused(rows: pa.Table, fitted: MetadataFeatures, name: str) -> None:
    lacking = replaced(rows.slice(0, 3), name, [None, 0.5, 0.5])
    with pytest.raises(TrainingError, match=f"1 of 3 lesions have no {name}"):
        fitted.transform(lacking)


def test_a_missing_column_and_lists_of_the_wrong_length_are_refused(rows: pa.Table, fitted: MetadataFeatures) -> None:
    some = rows.slice(0, 2)
    with pytest.raises(TrainingError, match="no column window"):
        fitted.transform(some.drop_columns(["window"]))
    with pytest.raises(TrainingError, match="box must have 4 numbers"):
        fitted.transform(replaced(some, "box", [[1.0, 2.0], [1.0, 2.0, 3.0, 4.0]]))


def test_location_waves_are_sines_and_cosines_of_the_normalised_location(rows: pa.Table) -> None:
    plain = MetadataFeatures.fit(rows, (0.5, 2.0), midline=False)
    features = dict(zip(plain.names, plain.transform(rows.slice(0, 5)).T, strict=True))
    z = np.array(rows["z"].slice(0, 5).to_pylist())
    np.testing.assert_allclose(features["sin 2 z"], np.sin(4 * np.pi * z), atol=1e-5)
    np.testing.assert_allclose(features["cos 0.5 z"], np.cos(np.pi * z), atol=1e-5)


def test_midline_features_are_the_same_on_both_sides(rows: pa.Table, fitted: MetadataFeatures) -> None:
    some = rows.slice(0, 30)
    mirrored = replaced(some, "x", [1 - x for x in some["x"].to_pylist()])
    midline = [i for i, name in enumerate(fitted.names) if name.endswith("midline")]
    assert len(midline) == 1 + 2 * len(Recipe().frequencies)
    np.testing.assert_allclose(fitted.transform(some)[:, midline], fitted.transform(mirrored)[:, midline], atol=1e-6)


def test_fitting_on_no_lesion_is_refused(rows: pa.Table) -> None:
    with pytest.raises(TrainingError, match="no training lesion has metadata"):
        MetadataFeatures.fit(rows.slice(0, 0), (1.0,), midline=False)

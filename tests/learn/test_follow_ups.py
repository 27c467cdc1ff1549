"""Known follow-ups: the pairs on DeepLesion's validation patients, and a phantom's list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ingest.release import Release
from kg.errors import InputError
from learn.follow_ups import (
    FollowUps,
    location_and_size,
    matching_figures,
    phantom_instances,
    read_deeplesion_follow_ups,
)


@pytest.fixture(scope="module")
def known(shared_data: Path) -> FollowUps:
    return read_deeplesion_follow_ups(shared_data / "deeplesion" / "follow_up_pairs_val.json", Release.shipped())


def test_every_listed_lesion_is_found_among_the_released_ones(known: FollowUps) -> None:
    assert (known.listed, known.unresolved) == (906, 0)
    assert (len(known.lesions), len(set(known.patients)), int((known.instance >= 0).sum())) == (1187, 105, 711)
    pairs, same = known.pairs()
    assert (len(pairs), int(same.sum())) == (4995, 991)


def test_listed_pairs_are_of_one_patient_and_most_are_of_two_studies(known: FollowUps) -> None:
    pairs, same = known.pairs()
    assert all(known.patients[a] == known.patients[b] for a, b in pairs)
    study = np.array(known.studies)
    assert (study[pairs[same, 0]] != study[pairs[same, 1]]).mean() > 0.9


def test_location_and_size_match_lesions_far_better_than_chance(known: FollowUps) -> None:
    some = known.filter(np.array([int(p[4:]) % 3 == 0 for p in known.patients]))
    figures = matching_figures(some, location_and_size(some.rows))
    noise = matching_figures(some, np.random.default_rng(0).normal(size=(len(some.lesions), 3)))
    assert figures.auc > 0.85
    assert figures.decisions.f1 > 0.65 > 0.4 > noise.decisions.f1
    assert abs(noise.auc - 0.5) < 0.15


def test_a_phantoms_list_names_lesions_by_index(tmp_path: Path) -> None:
    (tmp_path / "follow_ups.csv").write_text("lesion_idx_a,lesion_idx_b\n0,2\n2,3\n1,9\n")
    names = [f"PHANTOM:{index:05d}" for index in range(5)]
    instance = phantom_instances(tmp_path / "follow_ups.csv", names)
    assert instance[0] == instance[2] == instance[3] >= 0
    assert instance[[1, 4]].tolist() == [-1, -1]


@pytest.mark.parametrize("content", [pytest.param("{", id="no JSON"), pytest.param('{"1": {}}', id="other JSON")])
def test_another_file_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "pairs.json").write_text(content)
    with pytest.raises(InputError, match="not a list of follow-up pairs"):
        read_deeplesion_follow_ups(tmp_path / "pairs.json", Release.shipped())
    with pytest.raises(InputError, match="not a phantom's follow-ups"):
        phantom_instances(tmp_path / "pairs.json" / "x.csv", [])

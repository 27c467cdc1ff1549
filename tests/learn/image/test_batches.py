"""Batches: every lesion once an epoch, the same ones again, shared out among ranks, from any step on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from made_patches import made_cache, made_cohort, made_matrices

from learn.image.batches import Batch, Batches
from learn.image.contralateral import Laterality
from learn.image.distributed import Group
from learn.image.examples import Examples
from learn.recipe import Relations


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    """25 made lesions whose patches lie in the cache in another order."""
    matrices = made_matrices()
    cohort = made_cohort(matrices, train=25)
    cache = made_cache(tmp_path_factory.mktemp("cache"), cohort)
    lesions = cohort.subset("train")
    return Examples.of(lesions, matrices, cache, Relations.EXPANDED, Laterality.unknown(matrices.label_ids))


def rows(batches: Batches, epoch: int) -> list[list[int]]:
    """Rows of an epoch."""
    return [part.tolist() for part in batches.rows_of(epoch)]


@given(st.integers(1, 30), st.integers(1, 4), st.integers(0, 5))
def test_an_epoch_takes_no_lesion_twice_and_drops_less_than_a_step(
    examples: Examples, size: int, ranks: int, epoch: int
) -> None:
    shared = [rows(Batches(examples, size, 0, Group(rank, ranks)), epoch) for rank in range(ranks)]
    taken = [row for of_rank in shared for part in of_rank for row in part]
    assert len(set(taken)) == len(taken)
    per_step = min(size, 25 // ranks) * ranks
    assert len(taken) == 25 - 25 % per_step
    assert {len(part) for of_rank in shared for part in of_rank} == {per_step // ranks}


def test_the_ranks_batches_put_together_are_what_one_process_takes(examples: Examples) -> None:
    shared = [rows(Batches(examples, 4, 7, Group(rank, 3)), 1) for rank in range(3)]
    alone = rows(Batches(examples, 12, 7), 1)
    assert [sorted(row for part in parts for row in part) for parts in zip(*shared, strict=True)] == alone


def test_epochs_and_seeds_differ_and_repeat(examples: Examples) -> None:
    batches = Batches(examples, 5, 0)
    assert rows(batches, 0) == rows(batches, 0)
    assert rows(batches, 0) != rows(batches, 1)
    assert rows(batches, 0) != rows(Batches(examples, 5, 1), 0)


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("start", [0, 2])
def test_batches_hold_the_patches_of_their_rows_whoever_fetches_them(
    examples: Examples, workers: int, start: int
) -> None:
    batches = Batches(examples, 6, 0, workers=workers)
    found = list(batches.epoch(3, start))
    assert [batch.rows.tolist() for batch in found] == rows(batches, 3)[start:]
    for batch in found:
        where = examples.cache_rows[batch.rows]
        np.testing.assert_array_equal(batch.pixels.numpy(), examples.pixels[where])
        np.testing.assert_array_equal(batch.boxes.numpy(), examples.boxes[batch.rows])
        assert batch.pixels.dtype == torch.int16


def test_who_stops_early_leaves_no_thread_behind(examples: Examples) -> None:
    import threading

    before = threading.active_count()
    source = Batches(examples, 2, 0, workers=2).epoch(0)
    assert isinstance(next(source), Batch)
    source.close()
    assert threading.active_count() == before

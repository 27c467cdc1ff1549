"""The training loop: its optimisers, its learning rates, its losses, and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from made_patches import SIDE, TINY, made_cache, made_cohort, made_matrices, made_ontology

from kg.errors import TrainingError, UsageError
from learn.image.checkpoint import Origin
from learn.image.contralateral import Laterality
from learn.image.distributed import Group
from learn.image.examples import Examples
from learn.image.execution import Execution
from learn.image.inputs import as_input
from learn.image.journal import read_log
from learn.image.network import image_network
from learn.image.optimisation import Average, load_optimiser, optimiser_of, optimiser_tensors, rate_at, set_rate
from learn.image.recipe import Augmentation, ImageRecipe, Objective, Optimiser, Precision, Schedule
from learn.image.trainer import Setting, Trainer
from learn.image.validation import Validation
from learn.recipe import Rhem

Build = Callable[..., Trainer]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Makes a trainer of a recipe on 24 made lesions."""
    torch.set_num_threads(1)
    matrices = made_matrices()
    cohort = made_cohort(matrices)
    cache = made_cache(tmp_path_factory.mktemp("cache"), cohort)
    sides = Laterality.from_ontology(made_ontology(), "made-8")

    def make(recipe: ImageRecipe, execution: Execution | None = None, group: Group | None = None) -> Trainer:
        origin = Origin(matrices.label_ids, "", "", "", "", recipe.as_dict(), 1)
        folder = tmp_path_factory.mktemp("training")
        return Trainer(
            Examples.of(cohort.subset("train"), matrices, cache, recipe.labels, sides),
            Validation.of(cohort.subset("val"), matrices, cache),
            recipe,
            Setting(execution or Execution(device="cpu", workers=0), group or Group(), folder, origin),
        )

    return make


def test_biases_learn_at_their_own_rate_and_are_not_decayed() -> None:
    network = image_network(TINY, 8, SIDE)
    optimiser = optimiser_of(network, replace(TINY, weight_decay=0.5))
    set_rate(optimiser, 0.1)
    names = {id(p): name for name, p in network.named_parameters()}
    settings = {
        names[id(p)]: (group["lr"], group["weight_decay"]) for group in optimiser.param_groups for p in group["params"]
    }
    assert settings["score.bias"] == (0.2, 0.0)
    assert settings["score.weight"] == (0.1, 0.5)
    # The released code decays the weights of batch normalisation as any other; with AdamW they are left alone.
    norm = next(name for name, p in network.named_parameters() if p.ndim == 1 and name.endswith("weight"))
    assert settings[norm] == (0.1, 0.5)
    adamw = optimiser_of(network, replace(TINY, optimiser=Optimiser.ADAMW, weight_decay=0.5))
    decayed = {names[id(p)] for group in adamw.param_groups if group["weight_decay"] for p in group["params"]}
    assert decayed == {name for name, p in network.named_parameters() if p.ndim > 1}
    assert sum(len(group["params"]) for group in adamw.param_groups) == len(names)


def test_the_papers_learning_rate_falls_tenfold_from_epoch_ten_on() -> None:
    recipe = ImageRecipe()
    rates = [rate_at(recipe, step, 150) for step in range(15 * 150)]
    assert set(rates[:1500]) == {0.01}
    assert np.allclose(rates[1500:], 0.001, rtol=1e-12)


@given(st.integers(1, 40), st.integers(1, 50), st.floats(0, 0.5))
def test_the_cosine_rises_to_its_peak_and_falls_to_nearly_nothing(epochs: int, steps: int, warmup: float) -> None:
    recipe = ImageRecipe(schedule=Schedule.COSINE, epochs=epochs, warmup=warmup, learning_rate=0.5)
    rates = np.array([rate_at(recipe, step, steps) for step in range(epochs * steps)])
    peak = int(rates.argmax())
    assert (np.diff(rates[: peak + 1]) >= 0).all() and (np.diff(rates[peak:]) <= 1e-12).all()
    assert rates.max() <= 0.5 and rates.min() > 0
    assert peak <= math.ceil(warmup * epochs * steps)


def test_the_average_follows_the_weights_and_counts_are_copied() -> None:
    network = torch.nn.BatchNorm1d(2)
    average = Average(network, 0.9)
    for done in range(100):
        with torch.no_grad():
            network.weight.fill_(2.0)
            network.num_batches_tracked += 1
        average.update(done)
    assert torch.allclose(average.state["weight"], torch.tensor(2.0), atol=1e-3)
    assert int(average.state["num_batches_tracked"]) == 100
    slow = Average(torch.nn.Linear(1, 1, bias=False), 0.9)
    with torch.no_grad():
        slow._live["weight"].fill_(1.0)
        slow.state["weight"].fill_(0.0)
    slow.update(1000)
    assert float(slow.state["weight"]) == pytest.approx(0.1)


@pytest.mark.parametrize("method", list(Optimiser))
def test_an_optimiser_given_its_state_takes_the_same_next_step(method: Optimiser) -> None:
    recipe = replace(TINY, optimiser=method)
    networks = [image_network(TINY, 8, SIDE) for _ in range(2)]
    optimisers = [optimiser_of(network, recipe) for network in networks]

    def step(which: int, seed: int) -> None:
        for place, parameter in enumerate(networks[which].parameters()):
            random = torch.Generator().manual_seed(1000 * seed + place)
            parameter.grad = torch.randn(parameter.shape, generator=random)
        optimisers[which].step()

    step(0, 1)
    networks[1].load_state_dict(networks[0].state_dict())
    load_optimiser(networks[1], optimisers[1], optimiser_tensors(networks[0], optimisers[0]))
    for which in (0, 1):
        step(which, 2)
    for one, other in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        assert torch.equal(one, other)


RECIPES = [
    pytest.param({}, {"classification", "refined", "mining", "triplet"}, id="paper"),
    pytest.param({"rhem": Rhem.EXPECTED}, {"classification", "refined", "mining", "triplet"}, id="expected"),
    pytest.param(
        {"rhem": Rhem.OFF, "propagation": False, "triplet_weight": 0.0}, {"classification"}, id="multiscale-cnn"
    ),
    pytest.param(
        {"rhem": Rhem.OFF, "propagation": False, "triplet_weight": 0.0, "objective": Objective.WARP},
        {"classification"},
        id="warp",
    ),
    pytest.param(
        {"semantic_weight": 0.5},
        {"classification", "refined", "mining", "triplet", "semantic"},
        id="semantic",
    ),
    pytest.param(
        {"objective": Objective.BOOTSTRAP}, {"classification", "refined", "mining", "triplet"}, id="bootstrap"
    ),
    pytest.param(
        {"objective": Objective.ASYMMETRIC, "augmentation": Augmentation.LATERAL, "precision": Precision.BFLOAT16},
        {"classification", "refined", "mining", "triplet"},
        id="asymmetric, augmented, bfloat16",
    ),
]


@pytest.mark.parametrize(("changes", "losses"), RECIPES)
def test_a_recipe_has_its_losses_and_no_others(build: Build, changes: dict[str, object], losses: set[str]) -> None:
    trainer = build(replace(TINY, epochs=1, **changes))  # type: ignore[arg-type]
    before = {name: value.clone() for name, value in trainer.network.state_dict().items()}
    trainer.run()
    (row,) = read_log(trainer.setting.folder / "log" / "log.csv")
    parts = {name: float(row[name]) for name in ("classification", "refined", "mining", "triplet", "semantic")}
    assert {name for name, value in parts.items() if value != 0} == losses
    assert sum(parts.values()) == pytest.approx(float(row["loss"]), rel=1e-4)
    assert int(row["step"]) == 4
    moved = {name for name, value in trainer.network.state_dict().items() if not torch.equal(value, before[name])}
    assert "score.weight" in moved
    assert ("propagation.weight" in moved) == trainer.recipe.propagation
    assert ("embedding.weight" in moved) == (trainer.recipe.triplet_weight > 0)


def test_the_best_epoch_is_kept_and_not_the_last(build: Build) -> None:
    trainer = build(replace(TINY, epochs=3))
    figures = iter([(0.2, 0.6), (0.5, 0.7), (0.5, 0.7)])
    states: list[torch.Tensor] = []

    def judge(network: torch.nn.Module, _: int) -> tuple[float, float]:
        states.append(network.state_dict()["score.weight"].clone())
        return next(figures)

    object.__setattr__(trainer.validation, "judge", judge)
    state = trainer.run()
    assert (trainer.best.epoch, trainer.best.f1) == (1, 0.5)
    assert torch.equal(state["score.weight"], states[1])
    assert not torch.equal(state["score.weight"], states[2])


def test_with_an_average_it_is_the_average_that_is_judged_and_kept(build: Build) -> None:
    trainer = build(replace(TINY, epochs=1, average=0.9))
    state = trainer.run()
    assert trainer.average is not None
    assert torch.equal(state["score.weight"], trainer.average.state["score.weight"])
    assert not torch.equal(state["score.weight"], trainer.network.state_dict()["score.weight"])


def test_a_loss_that_is_no_number_stops_training_with_a_next_step(build: Build) -> None:
    trainer = build(replace(TINY, learning_rate=1e30, clip=1e30))
    with pytest.raises(
        TrainingError, match=r"epoch \d, step \d: the loss is no number; lower learning_rate \(1e\+30\)"
    ):
        trainer.run()


def test_fewer_lesions_than_processes_are_refused(build: Build) -> None:
    with pytest.raises(TrainingError, match="cannot be shared by 25 processes"):
        build(TINY, group=Group(1, 25))


@pytest.mark.parametrize(
    "execution",
    [
        pytest.param(Execution(device="cpu", workers=3), id="workers"),
        pytest.param(Execution(device="cpu", workers=0, checkpoint_steps=1, log_steps=1), id="checkpoints"),
    ],
)
def test_how_a_training_is_carried_out_does_not_change_what_it_learns(build: Build, execution: Execution) -> None:
    recipe = replace(TINY, epochs=1)
    plain, other = build(recipe).run(), build(recipe, execution).run()
    assert all(torch.equal(plain[name], other[name]) for name in plain)


def test_the_layout_of_channels_changes_a_step_by_rounding_alone(build: Build) -> None:
    recipe = replace(TINY, rhem=Rhem.EXPECTED)
    told = []
    for channels_last in (False, True):
        trainer = build(recipe, Execution(device="cpu", workers=0, channels_last=channels_last))
        told.append(trainer.step(next(trainer.batches.epoch(0)), None, 0, 0))
    last = trainer.network.state_dict()["trunk.stages.1.1.weight"]
    assert last.is_contiguous(memory_format=torch.channels_last) and not last.is_contiguous()
    torch.testing.assert_close(told[0]["loss"], told[1]["loss"], rtol=1e-4, atol=0)
    torch.testing.assert_close(told[0]["gradient_norm"], told[1]["gradient_norm"], rtol=1e-2, atol=0)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param({"device": "gpu"}, "give auto, cpu or cuda", id="device"),
        pytest.param({"workers": -1}, "0 or more", id="workers"),
        pytest.param({"checkpoint_steps": 0}, "1 or more", id="checkpoints"),
        pytest.param({"restart": True, "resume": Path("x")}, "give one of them", id="restart and resume"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Execution(**settings)  # type: ignore[arg-type]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_cuda_is_refused_and_auto_is_the_cpu() -> None:
    with pytest.raises(UsageError, match="finds no GPU"):
        Execution(device="cuda").device_of()
    assert Execution().device_of() == torch.device("cpu")


def test_bfloat16_rounds_the_trunk_alone_and_judging_is_in_float32(build: Build) -> None:
    losses = []
    for precision in Precision:
        trainer = build(replace(TINY, rhem=Rhem.EXPECTED, precision=precision))
        batch = next(trainer.batches.epoch(0))
        with torch.no_grad():
            out = trainer.forward(as_input(batch.pixels), batch.boxes)
        assert {part.dtype for part in out} == {torch.float32}
        torch.testing.assert_close(out.embedding.norm(dim=1), torch.ones(len(batch.rows)), atol=1e-6, rtol=0)
        assert trainer.judged.trunk(as_input(batch.pixels), batch.boxes).dtype is torch.float32
        losses.append(float(trainer.step(batch, None, 0, 0)["loss"]))
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)

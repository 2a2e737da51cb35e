"""Networks that train side by side have the bits that each has alone."""

import numpy as np
import pytest
from engine_helpers import config_of, digest, trainer_of

from mnistlab.data import Dataset, Source, split
from mnistlab.runtime.threads import engine_threads
from mnistlab.support.platform import system
from mnistlab.training.group import Group, joint_key, most_together
from mnistlab.training.trainer import Trainer

IMAGES, CLASSES = 150, 7
SOFTMAX = {"type": "softmax"}
MOMENTUM = {"momentum": 0.9}
RISING = {"momentum": {"from": 0.2, "to": 0.9, "epochs": 2}}
PENALTIES = [
    {},
    {"l2": 1e-3},
    {"l1": 1e-3, "l2": 1e-4},
    {"l1": 2e-3},
    {"l1": 1e-9, "l2": 1e-9},
]


def mlp(*hidden, **keys):
    return {"type": "mlp", "hidden": list(hidden), "activation": "relu", **keys}


def penalties(mode):
    return [{**penalty, "mode": mode} for penalty in PENALTIES]


# A model, rows of a batch, what all optimizers have, a penalty for each network.
CASES = {
    "softmax": (SOFTMAX, 32, {}, [{}] * 5),
    "softmax, penalised": (SOFTMAX, 32, {}, penalties("gradient")),
    "softmax, decayed by steps": (SOFTMAX, 7, {}, penalties("step")),
    "softmax, proximal": (SOFTMAX, 64, {}, penalties("proximal")),
    "softmax, momentum": (SOFTMAX, 33, MOMENTUM, [{}] * 3),
    "softmax, a momentum that rises": (SOFTMAX, 32, RISING, [{}] * 3),
    "a momentum that rises": (mlp(48), 50, RISING, [{}] * 5),
    "softmax of many networks": (SOFTMAX, 32, {}, penalties("gradient") * 5),
    "softmax without biases": ({**SOFTMAX, "bias": False}, 32, {}, [{}] * 3),
    "one tile each": (mlp(100), 32, {}, penalties("gradient")),
    "several to a tile": (mlp(20, dropout=0.3), 32, {}, penalties("proximal")),
    "across the border of a tile": (mlp(48), 50, MOMENTUM, [{}] * 5),
    "two hidden layers": (mlp(32, 24), 16, {}, penalties("step")),
    "batch norm": (mlp(32, 24, batch_norm=True), 16, {}, penalties("gradient")),
    "few hidden units": (mlp(8), 32, {}, penalties("gradient")),
    "some rates scaled": (mlp(32), 32, {"lr_scale": {"dense1.*": 0.5}}, penalties("gradient")),
}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return images_of(0.2)


def images_of(nonzero_share: float) -> Dataset:
    """Random images with this share of non-zero pixels."""
    rng = np.random.default_rng(4)
    shape = (IMAGES + 30, 11, 13)
    images = np.where(rng.random(shape) < nonzero_share, rng.integers(1, 256, shape), 0).astype(
        np.uint8
    )
    labels = rng.integers(0, CLASSES, len(images)).astype(np.uint8)
    parts = (images[:-13], labels[:-13], images[-13:], labels[-13:])
    names = tuple("abcdefghij"[:CLASSES])
    return split(Source("dark", *parts, names, "0" * 64), validation=17)


def trainers_of(case, dataset, **training) -> list[Trainer]:
    """A trainer for each penalty, each with its own rate, schedule and initial weights."""
    model, batch, optimizer, networks = case
    schedules = ["constant", "cosine", {"type": "linear", "final": 0.01, "steps": 9}]
    inits = ["he_normal", "glorot_uniform"]
    return [
        trainer_of(
            config_of(
                model=model,
                optimizer={"lr": 0.3 / (1 + number), **optimizer},
                lr_schedule=schedules[number % len(schedules)],
                regularization=penalty,
                init=inits[number % len(inits)],
                training={"batch_size": batch, "epochs": 4, **training},
            ),
            dataset,
        )
        for number, penalty in enumerate(networks)
    ]


def stops(trainer: Trainer) -> list[int]:
    """Steps to train up to: some within an epoch, and the end of each."""
    per_epoch = trainer.length.steps_per_epoch
    return sorted({1, *range(per_epoch, trainer.length.steps + 1, per_epoch), per_epoch + 2})


def state_of(trainer: Trainer) -> list[object]:
    """Everything that a look at a trainer, a checkpoint or the next step reads."""
    memory = trainer.memory
    arrays = (trainer.params, trainer.params_before_last_step, memory.states, memory.totals)
    return [trainer.step, *map(digest, arrays), digest(trainer.last_gradient())]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_network_of_a_group_has_the_bits_that_it_has_alone(case, dataset):
    with engine_threads(1):
        alone, together = trainers_of(case, dataset), trainers_of(case, dataset)
        keys = [joint_key(trainer.config, dataset) for trainer in together]
        assert keys[0] is not None
        assert keys == keys[:1] * len(keys)
        group = Group()
        for stop in stops(alone[0]):
            for trainer in alone:
                assert trainer.train_to(stop)
            assert group.train_to(together, stop) == []
            for one, other in zip(alone, together, strict=True):
                assert state_of(one) == state_of(other)


def test_a_network_that_leaves_a_group_or_diverges_in_it_changes_no_other(dataset):
    case = (mlp(20), 32, {}, PENALTIES)
    with engine_threads(1):
        alone, together = trainers_of(case, dataset), trainers_of(case, dataset)
        for trainers in (alone, together):
            trainers[1].params[:] = 3e38
        for trainer in alone:
            assert trainer.train_to(5) is (trainer is not alone[1])
        group = Group()
        assert group.train_to(together, 5) == [together[1]]
        assert [trainer.step for trainer in together] == [1] * len(together)
        del alone[1], together[1]
        assert group.train_to(together, 5) == []
        for trainer in (alone[0], *alone[2:]):
            assert trainer.train_to(8)
        assert group.train_to([together[0], *together[2:]], 8) == []
        for one, other in zip(alone, together, strict=True):
            assert state_of(one) == state_of(other)


def test_who_looks_on_sees_every_network_at_rest(dataset):
    case = CASES["softmax, momentum"]
    with engine_threads(1):
        alone, together = trainers_of(case, dataset), trainers_of(case, dataset)
        seen = []

        def look():
            seen.append(together[0].step)
            for one, other in zip(alone, together, strict=True):
                assert one.train_to(other.step)
                assert digest(one.params) == digest(other.params)

        group = Group()
        assert group.train_to(together, 4, look) == []
        assert seen


UNLIKE = {
    "another order of the images": {"seed": 1},
    "other batches": {"training": {"batch_size": 16}},
    "another number of steps": {"training": {"batch_size": 32, "epochs": 3}},
    "a first layer of another size": {"model": mlp(24)},
    "another momentum": {"optimizer": MOMENTUM},
    "a momentum that rises": {"optimizer": RISING},
}
UNFIT = {
    "adam": {"optimizer": "adam"},
    "a penalty in the velocity": {"optimizer": MOMENTUM, "regularization": {"l2": 1e-3}},
    "float64": {"training": {"batch_size": 32, "dtype": "float64"}},
    "large batches": {"training": {"batch_size": 65}},
    "a wide first layer": {"model": mlp(200)},
    "a convolution first": {
        "model": {"type": "cnn", "layers": [{"conv": {"filters": 4, "kernel": 3}}]}
    },
    "clipped elements": {"optimizer": {"clip_value": 0.1}},
    "a clipped norm": {"optimizer": {"clip_norm": 0.1}},
    "plain kernels": {"training": {"batch_size": 32, "kernels": "plain"}},
    "dropout on the image": {
        "model": {"type": "cnn", "layers": [{"dropout": 0.2}, "flatten", {"dense": {"units": 20}}]}
    },
}
USUAL = {"model": mlp(20), "training": {"batch_size": 32}}


@pytest.mark.parametrize("change", UNLIKE.values(), ids=UNLIKE)
def test_networks_that_do_not_share_their_batches_are_no_group(change, dataset):
    usual = joint_key(config_of(**USUAL), dataset)
    assert usual is not None
    assert joint_key(config_of(**{**USUAL, **change}), dataset) not in (None, usual)


def test_networks_of_different_momenta_are_no_group(dataset):
    momenta = (0.5, 0.9, RISING["momentum"], {**RISING["momentum"], "to": 0.8})
    keys = [
        joint_key(config_of(**USUAL, optimizer={"momentum": momentum}), dataset)
        for momentum in momenta
    ]
    assert None not in keys
    assert len(set(keys)) == len(momenta)


@pytest.mark.parametrize("change", UNFIT.values(), ids=UNFIT)
def test_a_network_that_a_group_has_no_ops_for_trains_alone(change, dataset):
    assert joint_key(config_of(**{**USUAL, **change}), dataset) is None


@pytest.mark.parametrize(
    ("cache", "most"), [(None, 1 << 20), (1 << 19, 640 << 10), (1 << 21, 1 << 20)]
)
def test_a_group_s_first_layers_stay_near_the_second_level_cache(dataset, monkeypatch, cache, most):
    monkeypatch.setattr(system, "l2_cache", lambda: cache)
    config = config_of(model=SOFTMAX, training={"batch_size": 32})
    of_one = 4 * trainer_of(config, dataset).program.tensors[0].size
    assert most_together(config, dataset) == most // of_one


def test_dense_images_are_not_listed_for_a_group(dataset):
    config = config_of(model=SOFTMAX, training={"batch_size": 32})
    assert joint_key(config, dataset) is not None
    assert joint_key(config, images_of(0.5)) is None

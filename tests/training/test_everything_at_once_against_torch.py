"""Batch norm, augmentation, max-norm, a rising momentum and smoothed labels at once, against
PyTorch: 200 steps in float64 on the same augmented images.
"""

import numpy as np
import pytest
from engine_helpers import config_of, dark_dataset, tensors_of, trainer_of
from oracle_helpers import distance

from mnistlab.training import windows

STEPS, IMAGES, BATCH, TOLERANCE = 200, 160, 16, 1e-9
RATE, SMOOTHING, BOUND, KEPT, EPSILON = 0.05, 0.1, 0.8, 0.9, 1e-5
RAMP = {"from": 0.5, "to": 0.95, "epochs": 12}
NORM = {"batch_norm": {"momentum": KEPT, "epsilon": EPSILON}}
LAYERS = [
    {"conv": {"filters": 4, "kernel": 3}},
    NORM,
    {"activation": "relu"},
    {"pool": {"size": 2}},
    {"conv": {"filters": 6, "kernel": 3}},
    NORM,
    {"activation": "tanh"},
]
AUGMENT = [
    {"affine": {"rotate": 20, "scale": 0.2, "shear": 10, "shift": 1.5}},
    {"elastic": {"alpha": 8.0, "sigma": 2.0}},
]
# The number in PyTorch's `Sequential`, our layer, and our name of each of PyTorch's tensors.
WEIGHTS = {"weight": "weight", "bias": "bias"}
STATISTICS = {
    "weight": "scale",
    "bias": "shift",
    "running_mean": "running_mean",
    "running_var": "running_variance",
}
PAIRS = [
    (0, "conv1", WEIGHTS),
    (1, "batch_norm1", STATISTICS),
    (4, "conv2", WEIGHTS),
    (5, "batch_norm2", STATISTICS),
    (8, "dense1", WEIGHTS),
]


def our_trainer():
    config = config_of(
        seed=11,
        data={"augment": AUGMENT},
        model={"type": "cnn", "layers": LAYERS},
        loss={"type": "cross_entropy", "label_smoothing": SMOOTHING},
        optimizer={"type": "sgd", "lr": RATE, "momentum": RAMP},
        regularization={"max_norm": BOUND},
        training={"batch_size": BATCH, "epochs": STEPS * BATCH // IMAGES, "dtype": "float64"},
    )
    trainer = trainer_of(config, dark_dataset(train=IMAGES, side=10))
    assert trainer.length.steps == STEPS
    return trainer


def their_network(torch):
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4, EPSILON, 1 - KEPT),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3),
        nn.BatchNorm2d(6, EPSILON, 1 - KEPT),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(24, 4),
    ).double()


def tensor_pairs(trainer, network):
    """Name, ours and theirs of every tensor; ours in PyTorch's order."""
    ours = tensors_of(trainer)
    pairs = []
    for number, layer, names in PAIRS:
        for theirs, name in names.items():
            found = ours.pop(f"{layer}.{name}")
            turned = found.T if layer.startswith("dense") else found
            pairs.append((f"{layer}.{name}", turned, getattr(network[number], theirs)))
    assert not ours
    return pairs


def batch_of(trainer, step):
    """The augmented images of a step, T (images, rows, columns) of bytes, and their labels."""
    window = trainer.window(trainer.memory_up_to(step + 1), step)
    first = (step % trainer.length.steps_per_epoch - window.first) * BATCH
    rows = window.memory.order[first : first + BATCH]
    images = window.memory.images[rows].reshape(BATCH, *trainer.dataset.image_shape)
    return images.copy(), window.memory.labels[rows].astype(int)


def bound_norms(torch, network):
    """Scale down every filter and every unit above the bound; returns how many there were."""
    bounded = 0
    with torch.no_grad():
        for number in (0, 4, 8):
            weight = network[number].weight
            norms = weight.flatten(1).norm(dim=1)
            factors = (BOUND / norms).clamp(max=1)
            bounded += int((factors < 1).sum())
            weight *= factors.reshape(-1, *[1] * (weight.ndim - 1))
    return bounded


def test_200_steps_with_everything_at_once_are_pytorch_s(monkeypatch):
    """Each loss relative to its value, each tensor relative to its largest element."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(windows, "IMAGES", 40)  # several windows in an epoch
    trainer, network = our_trainer(), their_network(torch)
    dataset, per_epoch = trainer.dataset, trainer.length.steps_per_epoch
    with torch.no_grad():
        for _, ours, theirs in tensor_pairs(trainer, network):
            theirs.copy_(torch.from_numpy(ours.copy()))
    sgd = torch.optim.SGD(network.parameters(), RATE, momentum=RAMP["from"])
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    bounded = changed = 0
    for step in range(STEPS):
        images, labels = batch_of(trainer, step)
        places = trainer.order(step // per_epoch)[step % per_epoch * BATCH :][:BATCH]
        np.testing.assert_array_equal(labels, dataset.train.labels[places])
        plain = dataset.train.images[places].reshape(images.shape)
        changed += int((images != plain).any(axis=(1, 2)).sum())
        trainer.clear_totals()
        assert trainer.train_to(step + 1)

        share = min(1, step / (RAMP["epochs"] * per_epoch))
        sgd.param_groups[0]["momentum"] = RAMP["from"] + share * (RAMP["to"] - RAMP["from"])
        x = torch.from_numpy(images * dataset.scale + dataset.offset).unsqueeze(1)
        sgd.zero_grad()
        loss = loss_of(network(x), torch.from_numpy(labels))
        loss.backward()
        sgd.step()
        bounded += bound_norms(torch, network)

        assert trainer.running()[0] == pytest.approx(loss.item(), rel=TOLERANCE, abs=0)
        for name, ours, theirs in tensor_pairs(trainer, network):
            assert distance(ours, theirs.detach().numpy()) <= TOLERANCE, (step, name)
    assert bounded > STEPS
    assert changed > 0.9 * STEPS * BATCH

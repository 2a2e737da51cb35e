"""The engine against PyTorch's own optimizers, in float64, step by step on the same batches."""

import pytest
from engine_helpers import config_of, next_boundary, tensors_of, toy_dataset, trainer_of
from oracle_helpers import batches, distance

torch = pytest.importorskip("torch")

EPOCHS, TOLERANCE = 8, 1e-10
MODEL = {"type": "mlp", "hidden": [9], "activation": "tanh"}


def pair_of(**sections):
    """A trainer, and the same network in PyTorch; images in their order."""
    dataset = toy_dataset()
    training = {"batch_size": 10, "epochs": EPOCHS, "shuffle": "none", "dtype": "float64"}
    config = config_of(model=MODEL, training=training, **sections)
    trainer = trainer_of(config, dataset)
    network = torch.nn.Sequential(
        torch.nn.Linear(36, 9), torch.nn.Tanh(), torch.nn.Linear(9, 4)
    ).double()
    with torch.no_grad():
        for number, layer in enumerate((network[0], network[2]), 1):
            layer.weight.copy_(torch.from_numpy(tensors_of(trainer)[f"dense{number}.weight"].T))
            layer.bias.zero_()
    return trainer, network


def train_both(trainer, network, optimizer, before_step=lambda step: None, after_epoch=None):
    """Train to the end; asserts equal weights after every epoch."""
    dataset = trainer.dataset
    split, places = dataset.train, batches(trainer.config, len(dataset.train))
    pixels = split.images.reshape(len(split.images), -1) * dataset.scale + dataset.offset
    x, labels = torch.from_numpy(pixels), torch.from_numpy(split.labels.astype(int))
    step = 0
    while trainer.step < trainer.length.steps:
        assert trainer.train_to(next_boundary(trainer))
        for batch in places:
            rows = split.indices[list(batch)]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(x[rows]), labels[rows]).backward()
            before_step(step)
            optimizer.step()
            step += 1
        if after_epoch is not None:
            after_epoch()
        assert step == trainer.step
        for number, layer in enumerate((network[0], network[2]), 1):
            found, weight = tensors_of(trainer), layer.weight.detach().numpy().T
            assert distance(found[f"dense{number}.weight"], weight) < TOLERANCE
            assert distance(found[f"dense{number}.bias"], layer.bias.detach().numpy()) < TOLERANCE


@pytest.mark.parametrize("nesterov", [False, True])
def test_a_momentum_that_rises_is_pytorch_s_with_the_momentum_set_before_each_step(nesterov):
    ramp = {"from": 0.5, "to": 0.95, "epochs": 5}
    trainer, network = pair_of(optimizer={"lr": 0.02, "momentum": ramp, "nesterov": nesterov})
    sgd = torch.optim.SGD(network.parameters(), 0.02, momentum=0.5, nesterov=nesterov)
    line = 5 * trainer.length.steps_per_epoch

    def before_step(step):
        sgd.param_groups[0]["momentum"] = 0.5 + 0.45 * min(1, step / line)

    train_both(trainer, network, sgd, before_step)


@pytest.mark.parametrize("velocity", ["sgd", "momentum"])
def test_clipping_is_pytorch_s_of_elements_and_of_the_whole_gradient(velocity):
    momentum = {"sgd": 0.0, "momentum": 0.9}[velocity]
    optimizer = {"lr": 0.05, "momentum": momentum, "clip_value": 0.03, "clip_norm": 0.15}
    trainer, network = pair_of(optimizer=optimizer)
    sgd, weights = torch.optim.SGD(network.parameters(), 0.05, momentum=momentum), []
    clipped = {"elements": 0, "norm": 0}

    def before_step(step):
        weights[:] = network.parameters()
        clipped["elements"] += any((w.grad.abs() > 0.03).any() for w in weights)
        torch.nn.utils.clip_grad_value_(weights, 0.03)
        norm = torch.nn.utils.get_total_norm([w.grad for w in weights])
        clipped["norm"] += bool(norm > 0.15)
        # PyTorch adds 1e-6 to the norm that it divides by.
        torch.nn.utils.clip_grads_with_norm_(weights, 0.15, norm - 1e-6)

    train_both(trainer, network, sgd, before_step)
    assert min(clipped.values()) > 5


@pytest.mark.parametrize("penalty", [0.0, 0.01])
def test_adagrad_is_pytorch_s(penalty):
    regularization = {"l2": penalty / 2}
    trainer, network = pair_of(
        optimizer={"type": "adagrad", "lr": 0.03}, regularization=regularization
    )
    groups = [
        {"params": [w for w in network.parameters() if w.ndim == 2], "weight_decay": penalty},
        {"params": [w for w in network.parameters() if w.ndim == 1]},
    ]
    train_both(trainer, network, torch.optim.Adagrad(groups, 0.03))


@pytest.mark.parametrize(("lr", "rho", "epsilon"), [(1.0, 0.9, 1e-6), (0.5, 0.95, 1e-3)])
def test_adadelta_is_pytorch_s(lr, rho, epsilon):
    optimizer = {"type": "adadelta", "lr": lr, "rho": rho, "epsilon": epsilon}
    trainer, network = pair_of(optimizer=optimizer)
    theirs = torch.optim.Adadelta(network.parameters(), lr, rho, epsilon)
    train_both(trainer, network, theirs)

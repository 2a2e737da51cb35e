"""PyTorch on a row, as fast as its user could reasonably make it.

The images lie in one float32 tensor, a batch is one `index_select`, and the loss is the fused
softmax cross-entropy. Measured to be slower, on every row tried: `torch.compile`, `channels_last`.
"""

import time
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks import network
from benchmarks.serve import batch_size, epoch_order, init_std, load_arrays, serve
from mnistlab.blocks.schedules import Steps
from mnistlab.config import RunConfig

ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "identity": nn.Identity}


class TorchPeer:
    """A model, its optimizer and the images as tensors."""

    version = torch.__version__

    def __init__(self, config: RunConfig, threads: int) -> None:
        torch.manual_seed(config.seed)
        # Velocities of pixels that are seldom lit decay into denormals: W5 took 1.7 times as long.
        # Threads inherit the mode, so it is set before there are any.
        torch.set_flush_denormal(True)
        torch.set_num_threads(threads)
        self.config = config
        arrays = load_arrays(config)
        layers = network.layers(config, arrays.train_images.shape[1:], arrays.classes)
        flat = isinstance(layers[0], network.Flatten)
        self.images, self.test_images = (
            torch.from_numpy(images.reshape(len(images), -1) if flat else images[:, None])
            for images in (arrays.train_images, arrays.test_images)
        )
        self.labels = torch.from_numpy(arrays.train_labels)
        self.test_labels = torch.from_numpy(arrays.test_labels)
        self.evaluation_rows = network.evaluation_rows(layers)
        self.batch = batch_size(config, len(self.images))
        self.model = nn.Sequential(*(_module(layer) for layer in layers)).to(self.images.dtype)
        _init(self.model, config)
        self.optimizer = _optimizer(self.model, config)
        self.epoch = 0
        self.step = 0

    def train(self, epochs: int) -> list[float]:
        self.model.train()
        return [self._epoch() for _ in range(epochs)]

    def _batches(self) -> list[torch.Tensor | None]:
        order = epoch_order(self.config, len(self.images), self.epoch)
        return [None] if order is None else list(torch.from_numpy(order).split(self.batch))

    def _rates(self, steps: int) -> list[float] | None:
        """The learning rates of an epoch's steps; None where they never change."""
        schedule, total = self.config.lr_schedule, steps * (self.config.training.epochs or 0)
        if schedule.type == "constant":
            return None
        numbers = np.arange(self.step, self.step + steps)
        rates = schedule.rates(self.config.optimizer.lr, Steps(numbers, steps, total))
        return list(map(float, rates))

    def _epoch(self) -> float:
        batches = self._batches()
        rates = self._rates(len(batches))
        model, optimizer = self.model, self.optimizer
        started = time.perf_counter()
        for step, batch in enumerate(batches):
            if batch is None:
                images, labels = self.images, self.labels
            else:
                images = self.images.index_select(0, batch)
                labels = self.labels.index_select(0, batch)
            if rates is not None:
                for group in optimizer.param_groups:
                    group["lr"] = rates[step]
            optimizer.zero_grad()
            functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
        seconds = time.perf_counter() - started
        self.epoch += 1
        self.step += len(batches)
        return seconds

    @torch.inference_mode()
    def evaluate(self) -> tuple[float, float]:
        self.model.eval()
        parts = self.test_images.split(self.evaluation_rows)
        started = time.perf_counter()
        logits = torch.cat([self.model(part) for part in parts])
        seconds = time.perf_counter() - started
        return float((logits.argmax(1) == self.test_labels).float().mean()), seconds


def _module(layer: network.Layer) -> nn.Module:
    match layer:
        case network.Dense():
            return nn.Linear(layer.inputs, layer.units, bias=layer.bias)
        case network.Conv():
            return nn.Conv2d(
                layer.channels,
                layer.filters,
                layer.kernel,
                layer.stride,
                layer.padding,
                bias=layer.bias,
            )
        case network.Pool(type="max"):
            return nn.MaxPool2d(layer.size, layer.stride)
        case network.Pool():
            return nn.AvgPool2d(layer.size, layer.stride)
        case network.Dropout():
            return nn.Dropout(layer.rate)
        case network.Activation():
            return ACTIVATIONS[layer.type]()
        case network.Flatten():
            return nn.Flatten()


def _init(model: nn.Module, config: RunConfig) -> None:
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            patch = module.weight[0, 0].numel() if isinstance(module, nn.Conv2d) else 1
            fan_out, fan_in = module.weight.shape[0] * patch, module.weight.shape[1] * patch
            nn.init.normal_(module.weight, std=init_std(config, fan_in, fan_out))
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _optimizer(model: nn.Module, config: RunConfig) -> torch.optim.Optimizer:
    """Fused, but for plain SGD, where one addition a tensor is quicker: W1 by a tenth."""
    chosen: Any = config.optimizer
    parameters = model.parameters()
    if chosen.type == "sgd" and chosen.momentum == 0:
        return torch.optim.SGD(parameters, chosen.lr, foreach=False)
    if chosen.type == "sgd":
        return torch.optim.SGD(
            parameters, chosen.lr, chosen.momentum, nesterov=chosen.nesterov, fused=True
        )
    if chosen.type == "adam":
        betas = (chosen.beta1, chosen.beta2)
        return torch.optim.Adam(parameters, chosen.lr, betas, chosen.epsilon, fused=True)
    raise ValueError(f"this peer has no optimizer {chosen.type!r}")


if __name__ == "__main__":
    serve(TorchPeer)

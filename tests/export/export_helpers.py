"""Networks with random weights, of every kind that a configuration can name, and images."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mnistlab.config import RunConfig, run_config_from_mapping
from mnistlab.experiment.model import Model
from mnistlab.store.provenance import collect
from mnistlab.store.run_dir import RunDir
from mnistlab.store.run_record import DatasetRecord, ImageCounts, RunFacts
from mnistlab.training.inference import Inference

IMAGE_SHAPE = (11, 9)
CLASSES = 4

CONV = {"conv": {"filters": 3, "kernel": 3}}
ACTIVATIONS = {
    "identity": "identity",
    "relu": "relu",
    "relu6": "relu6",
    "leaky_relu": {"type": "leaky_relu", "alpha": 0.3},
    "steep_leaky_relu": {"type": "leaky_relu", "alpha": 1.5},
    "sigmoid": "sigmoid",
    "sloped_sigmoid": {"type": "sigmoid", "k": 0.5},
    "tanh": "tanh",
    "scaled_tanh": {"type": "tanh", "scale": 1.7159, "slope": 2 / 3},
    "softsign": "softsign",
    "softplus": "softplus",
    "elu": {"type": "elu", "alpha": 0.4},
    "gelu": "gelu",
    "silu": "silu",
}
MODELS = {
    "softmax": {"type": "softmax"},
    "softmax_without_bias": {"type": "softmax", "bias": False},
    "mlp": {"type": "mlp", "hidden": [7, 5], "dropout": 0.4, "input_dropout": 0.2},
    "mlp_without_bias": {"type": "mlp", "hidden": [6], "bias": False},
    "mlp_without_hidden_layers": {"type": "mlp", "hidden": []},
    "cnn": {
        "type": "cnn",
        "layers": [
            CONV,
            {"activation": "relu"},
            {"pool": {}},
            {"dropout": 0.4},
            "flatten",
            {"dense": {"units": 6}},
            {"activation": "tanh"},
        ],
    },
    "cnn_of_no_layers": {"type": "cnn", "layers": []},
    "cnn_without_flatten": {"type": "cnn", "layers": [CONV, {"activation": "relu"}]},
    "cnn_that_ends_in_its_own_output": {
        "type": "cnn",
        "layers": [CONV, "flatten", "flatten", {"dense": {"units": CLASSES, "bias": False}}],
    },
    "strides_and_padding": {
        "type": "cnn",
        "layers": [
            {"conv": {"filters": 4, "kernel": 3, "stride": 2, "padding": 2}},
            {"activation": "leaky_relu"},
            {"conv": {"filters": 5, "kernel": 2, "stride": 1, "padding": 1, "bias": "none"}},
        ],
    },
    "padding_by_values": {
        "type": "cnn",
        "layers": [
            {"pad": {"size": 2, "value": -1.0}},
            CONV,
            {"activation": "relu"},
            {"pad": {"size": 1}},
            {"pool": {"size": 3, "stride": 2}},
        ],
    },
    "partial_connections": {
        "type": "cnn",
        "layers": [CONV, {"conv": {"filters": 2, "kernel": 3, "connections": [[0, 2], [1]]}}],
    },
    "padding_same": {
        "type": "cnn",
        "layers": [
            {"conv": {"filters": 4, "kernel": 5, "padding": "same"}},
            {"activation": "tanh"},
            {"conv": {"filters": 3, "kernel": 3, "stride": 2, "padding": "same"}},
        ],
    },
    "bias_per_position": {
        "type": "cnn",
        "layers": [
            {"conv": {"filters": 3, "kernel": 4, "stride": 3, "bias": "per_position"}},
            {"activation": "relu"},
        ],
    },
    "max_pool_rounded_down": {
        "type": "cnn",
        "layers": [CONV, {"pool": {"type": "max", "size": 3, "stride": 2}}],
    },
    "average_pool_rounded_down": {
        "type": "cnn",
        "layers": [CONV, {"pool": {"type": "average", "size": 2, "stride": 2}}],
    },
    "pools_that_overlap": {
        "type": "cnn",
        "layers": [
            {"pool": {"type": "max", "size": 3, "stride": 1}},
            {"conv": {"filters": 2, "kernel": 2}},
            {"pool": {"type": "average", "size": 3, "stride": 1}},
        ],
    },
    "mlp_with_batch_norm": {"type": "mlp", "hidden": [7, 5], "batch_norm": True},
    "batch_norm_everywhere": {
        "type": "cnn",
        "layers": [
            "batch_norm",
            CONV,
            {"batch_norm": {"momentum": 0.5, "epsilon": 1e-2}},
            {"activation": "relu"},
            "flatten",
            "batch_norm",
            {"dense": {"units": 6}},
            {"activation": "tanh"},
            "batch_norm",
            {"dense": {"units": CLASSES}},
            "batch_norm",
        ],
    },
    **{
        f"hidden_{name}": {"type": "mlp", "hidden": [8], "activation": activation}
        for name, activation in ACTIVATIONS.items()
    },
    **{
        f"output_{name}": {"type": "mlp", "hidden": [8], "output_activation": activation}
        for name, activation in ACTIVATIONS.items()
    },
}
# (scale, offset) of the three ways to normalise; `standardize` with figures as of MNIST.
PIXELS = {"minmax": (1 / 255, 0.0), "standardize": (1 / 78.6, -33.3 / 78.6), "none": (1.0, 0.0)}


def random_model(
    folder: Path,
    model: dict,
    *,
    normalize: str = "minmax",
    dtype: str = "float32",
    data: dict | None = None,
    change: Callable[[RunConfig], RunConfig] = lambda config: config,
) -> Model:
    """A compiled model with random weights and biases, as if it had been loaded from a run.

    `change` puts into its configuration what no file can say.
    """
    output = model.get("output_activation", "softmax")
    config = run_config_from_mapping(
        {
            "data": data or {"source": "npz", "path": str(folder / "none.npz")},
            "model": model,
            "loss": {"type": "cross_entropy" if output == "softmax" else "mse"},
            "training": {"dtype": dtype},
        }
    )
    config = change(config)
    shape = (28, 28) if data else IMAGE_SHAPE
    names = list("0123456789") if data else list("abcd")
    inference = Inference(config, shape, len(names), *PIXELS[normalize])
    rng = np.random.default_rng(7)
    spread = 0.01 if normalize == "none" else 0.4
    for name, tensor in inference.tensors.items():
        tensor[...] = spread * rng.standard_normal(tensor.shape)
        if name.endswith(".running_variance"):
            tensor[...] = 0.5 + np.abs(tensor)
    inference.compile()
    run_dir = RunDir(folder)
    return Model(
        run_dir=run_dir,
        config=config,
        facts=RunFacts(
            **collect(1, ["mnistlab"]),
            dataset=DatasetRecord(
                "random", "", ImageCounts(0, 0, 0), shape, names, *PIXELS[normalize]
            ),
            parameters=0,
            layers=[],
        ),
        inference=inference,
        weights=run_dir.weights,
        step=3,
        data_dir=folder,
        threads=1,
    )


def random_images(count: int, shape: tuple[int, int] = IMAGE_SHAPE) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (count, *shape), dtype=np.uint8)

"""Digests of trained runs, to detect whether a change of the code changes a bit.

`python -m tools.digests write FILE` trains every configuration below on one thread and on two, and
writes the SHA-256 of weights, metrics and predictions. `… compare FILE` trains again and names the
differences. Digests are valid for one processor and one set of library versions. The configurations
cover every block, both dtypes and every kernel.
"""

import argparse
import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

CNN = {"type": "cnn"}
SMALL_CONV = {"conv": {"filters": 4, "kernel": 3}}
RELU = {"activation": "relu"}


def cnn(*layers: object, **keys: object) -> dict[str, object]:
    return {**CNN, "layers": list(layers), **keys}


def mlp(*hidden: int, **keys: object) -> dict[str, object]:
    return {"type": "mlp", "hidden": list(hidden), **keys}


def conv(filters: int, kernel: int = 3, **keys: object) -> dict[str, object]:
    return {"conv": {"filters": filters, "kernel": kernel, **keys}}


# By name: sections of a run configuration that replace those of BASE.
CONFIGURATIONS: dict[str, dict[str, object]] = {
    "softmax": {"model": {"type": "softmax"}},
    "softmax-no-bias-f64": {
        "model": {"type": "softmax", "bias": False},
        "training": {"dtype": "float64"},
    },
    "softmax-proximal": {
        "model": {"type": "softmax"},
        "regularization": {"l1": 1e-4, "l2": 1e-4, "mode": "proximal"},
    },
    "mlp": {"model": mlp(32)},
    "mlp-f64": {"model": mlp(32, 24), "training": {"dtype": "float64"}},
    "mlp-wide-tiles": {"model": mlp(300)},
    "mlp-batch-200": {"model": mlp(64, 64), "training": {"batch_size": 200}},
    "mlp-full-batch": {"model": mlp(40, activation="sigmoid"), "training": {"batch_size": "full"}},
    "mlp-batch-1": {"model": mlp(20), "training": {"batch_size": 1, "epochs": 1}},
    "mlp-standardised": {"model": mlp(48), "data": {"normalize": "standardize"}},
    "mlp-raw": {
        "model": mlp(20, activation="tanh"),
        "data": {"normalize": "none"},
        "optimizer": {"lr": 1e-4},
    },
    "mlp-narrow-hidden": {"model": mlp(16, 8, activation="tanh")},
    "mlp-three-classes": {"model": mlp(24), "data": {"classes": [1, 4, 7]}},
    "momentum": {"model": mlp(32), "optimizer": {"lr": 0.05, "momentum": 0.9}},
    "momentum-l2": {
        "model": mlp(32),
        "optimizer": {"lr": 0.05, "momentum": 0.9},
        "regularization": {"l2": 1e-4},
    },
    "nesterov": {"model": mlp(32), "optimizer": {"lr": 0.05, "momentum": 0.9, "nesterov": True}},
    "velocity-step": {
        "model": mlp(32),
        "optimizer": {"lr": 0.05, "momentum": 0.9, "velocity": "step"},
        "lr_schedule": {"type": "exponential", "gamma": 0.8},
    },
    "adam-dropout": {
        "model": mlp(64, 32, dropout=0.3),
        "optimizer": {"type": "adam", "lr": 0.002},
        "lr_schedule": {"type": "cosine", "warmup": 5, "cycles": 2},
    },
    "adamw": {"model": mlp(32), "optimizer": {"type": "adamw", "lr": 0.002, "weight_decay": 0.05}},
    "rmsprop-f64": {
        "model": mlp(32),
        "optimizer": {"type": "rmsprop", "lr": 0.002},
        "training": {"dtype": "float64"},
    },
    "lr-scale": {
        "model": mlp(32),
        "optimizer": {"lr_scale": {"*.bias": 0.5, "dense1.weight": 0.1}},
    },
    "l1-gradient": {"model": mlp(32), "regularization": {"l1": 1e-4}},
    "l2-last": {"model": mlp(32), "regularization": {"l2": 1e-3, "layers": "last"}},
    "penalty-step": {"model": mlp(32), "regularization": {"l1": 1e-6, "l2": 1e-5, "mode": "step"}},
    "penalty-step-adam": {
        "model": mlp(32),
        "optimizer": {"type": "adam", "lr": 0.002},
        "regularization": {"l1": 1e-6, "l2": 1e-5, "mode": "step"},
    },
    "penalty-f64": {
        "model": mlp(32),
        "regularization": {"l1": 1e-5, "l2": 1e-4},
        "training": {"dtype": "float64"},
    },
    "bce": {
        "model": mlp(32, output_activation={"type": "sigmoid", "k": 1.5}),
        "loss": {"type": "binary_cross_entropy", "reduction": "sum"},
        "optimizer": {"lr": 0.002},
        "lr_schedule": {"type": "one_cycle"},
    },
    "mse-softmax": {"model": mlp(32), "loss": {"type": "mse"}},
    "mse-tanh": {
        "model": mlp(32, activation={"type": "leaky_relu", "alpha": 0.1}, output_activation="tanh"),
        "loss": {"type": "mse"},
        "lr_schedule": {"type": "inverse_time", "decay": 0.01},
    },
    "relu6-identity": {
        "model": mlp(32, activation="relu6", output_activation="identity"),
        "loss": {"type": "mse"},
        "optimizer": {"lr": 0.01},
        "lr_schedule": {"type": "linear", "final": 0.1, "steps": 40, "restart_every_epoch": True},
    },
    "sigmoid-glorot": {
        "model": mlp(32, activation={"type": "sigmoid", "k": 0.5}),
        "init": {"type": "glorot_uniform", "bias": {"type": "normal", "std": 0.1}},
        "lr_schedule": {"type": "step", "factor": 0.5, "every": 1},
        "training": {"shuffle": "replacement"},
    },
    "inits": {
        "model": mlp(32, 16),
        "init": {
            "type": "variance_scaling",
            "mode": "fan_sum",
            "distribution": "uniform",
            "layers": {
                "dense1": {"type": "poisson", "lam": 2.0, "factor": 0.01},
                "dense2": {"type": "lecun_normal"},
            },
        },
        "training": {"shuffle": "none", "drop_last": True, "batch_size": 60},
    },
    "early-stopping": {
        "model": mlp(32),
        "training": {"epochs": 6, "early_stopping": {"monitor": "val_accuracy", "patience": 1}},
    },
    "evaluate-every": {
        "model": mlp(32),
        "training": {"evaluate_every": 7, "train_metrics": "batch", "test": "every"},
    },
    "conv-direct": {"model": cnn(conv(16), RELU)},
    "conv-stride": {"model": cnn(conv(20, stride=2), RELU), "training": {"train_metrics": "full"}},
    "conv-many-filters": {
        "model": cnn(conv(72), RELU, {"pool": {"size": 2}}),
        "training": {"steps": 6},
    },
    "conv-padding-two": {
        "model": cnn(
            conv(16, padding=1),
            RELU,
            {"pool": {"size": 2}},
            conv(24, padding=1),
            RELU,
            {"dropout": 0.25},
        ),
        "optimizer": {"lr": 0.02, "momentum": 0.8},
        "training": {"steps": 12},
    },
    "lenet-average-f64": {
        "model": cnn(
            conv(6, 5),
            {"activation": "tanh"},
            {"pool": {"type": "average"}},
            conv(16, 5, bias="per_position"),
            {"pool": {"size": 3, "stride": 2}},
            "flatten",
            {"dense": {"units": 30, "bias": False}},
            {"activation": "tanh"},
        ),
        "training": {"dtype": "float64", "steps": 12},
    },
    "conv-no-bias-l2": {
        "model": cnn(conv(8, bias="none"), RELU, conv(12), RELU, {"dense": {"units": 20}}, RELU),
        "regularization": {"l2": 1e-4, "layers": ["conv2", "dense1"]},
        "training": {"steps": 12},
    },
    "batch-norm": {
        "model": cnn(conv(8), "batch_norm", RELU, {"dense": {"units": 20}}, "batch_norm", RELU),
        "training": {"steps": 12},
    },
    "adagrad-clipped": {
        "model": mlp(24),
        "optimizer": {"type": "adagrad", "clip_norm": 1.0},
    },
    "adadelta-max-norm": {
        "model": mlp(24),
        "optimizer": {"type": "adadelta"},
        "regularization": {"max_norm": 2.0},
    },
    "augmented": {
        "model": mlp(24),
        "data": {"augment": [{"affine": {"rotate": 10}}, {"elastic": {"alpha": 8, "sigma": 3}}]},
    },
    "sparse-dense": {
        "model": cnn(conv(16), RELU, {"dense": {"units": 128}}, RELU, {"dropout": 0.5}),
        "training": {"steps": 12},
    },
}
BASE = {
    "data": {"source": "digits", "train_limit": 700},
    "training": {"epochs": 2, "batch_size": 32, "evaluate_every": "epoch", "test": "end"},
}


def configurations() -> Iterator[tuple[str, dict[str, object]]]:
    """Each complete configuration, by its name."""
    for name, sections in CONFIGURATIONS.items():
        whole = {"name": name, "seed": 5, **BASE, **sections}
        for key in BASE:
            whole[key] = {**BASE[key], **sections.get(key, {})}  # type: ignore[dict-item]
        if "steps" in whole["training"]:  # type: ignore[operator]
            del whole["training"]["epochs"]  # type: ignore[attr-defined]
        yield name, whole


def digest(run_dir: Path) -> dict[str, str]:
    """The digests of a run: weights, metrics without their seconds, predictions."""
    import safetensors.numpy

    weights = hashlib.sha256()
    for name, tensor in sorted(
        safetensors.numpy.load_file(run_dir / "weights.safetensors").items()
    ):
        weights.update(f"{name} {tensor.dtype} {tensor.shape}".encode() + tensor.tobytes())
    with (run_dir / "metrics.csv").open(newline="") as file:
        rows = [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]
    return {
        "weights": weights.hexdigest(),
        "metrics": hashlib.sha256(json.dumps(rows).encode()).hexdigest(),
        "predictions": hashlib.sha256((run_dir / "predictions.csv").read_bytes()).hexdigest(),
    }


def train(name: str, config: dict[str, object], threads: int, folder: Path) -> dict[str, str]:
    """Train in a separate process; returns the digests, or the error."""
    file = folder / f"{name}.yaml"
    file.write_text(json.dumps(config), encoding="utf-8")  # JSON is YAML without anchors
    command = [
        sys.executable,
        "-m",
        "mnistlab",
        "train",
        str(file),
        "--json",
        "--quiet",
        "--no-plots",
    ]
    command += ["--runs-dir", str(folder / "runs"), "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    if done.returncode:
        return {"error": (done.stdout + done.stderr)[-1000:]}
    return digest(Path(json.loads(done.stdout)["run_dir"]))


def all_digests() -> dict[str, dict[str, str]]:
    """The digests of every configuration, on one thread and on two."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, config in configurations():
            for threads in (1, 2):
                found[f"{name} on {threads}"] = train(name, config, threads, Path(folder))
                print(
                    name,
                    threads,
                    "error" if "error" in found[f"{name} on {threads}"] else "done",
                    flush=True,
                )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=["write", "compare"])
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    found = all_digests()
    if arguments.action == "write":
        arguments.file.write_text(json.dumps(found, indent=1), encoding="utf-8")
        print("\n".join(f"{name}: {d['error']}" for name, d in found.items() if "error" in d))
        return
    before = json.loads(arguments.file.read_text(encoding="utf-8"))
    changed = [name for name in before if before[name] != found.get(name)]
    for name in changed:
        print(f"{name}: {before[name]} became {found.get(name)}")
    print(f"{len(changed)} of {len(before)} differ")
    sys.exit(bool(changed))


if __name__ == "__main__":
    main()
